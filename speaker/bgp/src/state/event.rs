//! What happens to a session.

use crate::packet::{Message, Notification};

/// Which of at most two connections of a session (RFC 4271 §6.8: both ends may connect at once).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connection {
    /// Made by us.
    Outgoing,
    /// Accepted from the peer.
    Incoming,
}

impl Connection {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Outgoing, Self::Incoming];

    /// The one that this is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Outgoing => Self::Incoming,
            Self::Incoming => Self::Outgoing,
        }
    }
}

/// What happens to a session. (Time that passes is told by calling `Session::advance`.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session is wanted (RFC 4271: ManualStart). One that waits after an error tries again at once.
    Start,
    /// The session is not wanted any more: this is why, to be told to the peer; `None` closes without a word, as a restart
    /// with graceful restart asks for (RFC 4271: ManualStop). Where the peer would keep routes in spite of a NOTIFICATION
    /// (RFC 8538), the reason goes out as a Hard Reset.
    Stop(Option<Notification>),
    /// The connection stands: `Action::Connect` succeeded, or the peer's was accepted. There may be an accepted one
    /// already: the answer is either `Action::Close` of that one or `Action::Refuse` of the new one.
    Connected(Connection),
    /// `Action::Connect` failed.
    ConnectFailed {
        /// Why, in the kernel's words.
        reason: String,
    },
    /// The peer or the network has closed the connection.
    Closed {
        /// Which.
        connection: Connection,
        /// Why, in words: "closed by the peer", "connection reset", ….
        reason: String,
    },
    /// A message arrived.
    Received(Connection, Message),
    /// Bytes arrived that are no message: what to answer.
    Invalid(Connection, Notification),
    /// Nothing could be written for a while although something had to be (RFC 9687): the shell tells that the oldest unsent
    /// octet is this old. See `Session::send_hold_time`.
    SendStalled(Connection),
    /// BFD, or something else outside of BGP, found that the peer is gone.
    PeerDown {
        /// Why, in words.
        reason: String,
    },
}
