//! What a session wants done.
//!
//! Take all actions after each call of the session, and do them in their order, before the next call.

use std::fmt;

use super::event::Connection;
use super::negotiated::Negotiated;
use crate::packet::{Notification, Open};

/// What a session wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect to the peer; answer with `Event::Connected` or `Event::ConnectFailed`.
    Connect,
    /// Give up connecting: no event of that attempt follows.
    AbortConnect,
    /// Close the connection that the peer has just made, the subject of the last `Event::Connected(Incoming)`. One that
    /// was accepted before stays.
    Refuse(Closing),
    /// Send our OPEN.
    SendOpen(Connection, Open),
    /// Send a KEEPALIVE.
    SendKeepalive(Connection),
    /// Close the connection; no event of it follows. After `Event::Connected(Incoming)` this is the one that was
    /// accepted before; the new one takes its place.
    Close(Connection, Closing),
    /// The session is established over this connection: send routes.
    Up(Connection, Box<Negotiated>),
    /// The peer asks for all routes of a family again (RFC 2918).
    Refresh(crate::value::Family),
    /// The session was established and is no longer.
    Down(DownReason),
    /// An attempt to establish the session has failed: for a person.
    Failed(DownReason),
}

/// How a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// With this message first.
    Notify(Notification),
    /// Without a word.
    Silently,
}

/// Why a session is not (or no longer) established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// We said so.
    Sent(Notification),
    /// We would have said so, but the peer takes nothing any more (RFC 9687).
    Unsent(Notification),
    /// The peer said so.
    Received(Notification),
    /// The peer has connected anew: with graceful restart that means that it has restarted (RFC 4724 §5).
    Replaced,
    /// The connection could not be made, or broke.
    Transport(String),
    /// It was not wanted any more.
    Stopped,
    /// The peer is gone, as seen from outside of BGP.
    PeerDown(String),
}

/// In words, for people.
impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(notification) => write!(f, "we say: {notification}"),
            Self::Unsent(notification) => write!(f, "the peer takes nothing any more: {notification}"),
            Self::Received(notification) => write!(f, "peer says: {notification}"),
            Self::Replaced => f.write_str("the peer has restarted"),
            Self::Transport(reason) | Self::PeerDown(reason) => f.write_str(reason),
            Self::Stopped => f.write_str("not wanted any more"),
        }
    }
}
