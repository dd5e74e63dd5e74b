//! What a session wants done.

use super::event::Connection;
use super::negotiated::Negotiated;
use crate::packet::{Notification, Open};

/// What a session wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect to the peer; answer with `Event::Connected` or `Event::ConnectFailed`.
    Connect,
    /// Give up connecting.
    AbortConnect,
    /// Send our OPEN.
    SendOpen(Connection, Open),
    /// Send a KEEPALIVE.
    SendKeepalive(Connection),
    /// Close the connection; no event follows.
    Close(Connection, Closing),
    /// The session is established over this connection: send routes.
    Up(Connection, Box<Negotiated>),
    /// The peer asks for all routes of a family again (RFC 2918).
    Refresh(crate::value::Family),
    /// The session was established and is no longer: nothing has been sent.
    Down(DownReason),
    /// The session could not be established: for a person.
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
    /// The peer said so.
    Received(Notification),
    /// The connection could not be made, or broke.
    Transport(String),
    /// It was not wanted any more.
    Stopped,
    /// The peer is gone, as seen from outside of BGP.
    PeerDown(String),
}
