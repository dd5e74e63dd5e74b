//! One connection, and the two that there may be.

use std::time::Duration;

use super::event::Connection;
use super::negotiated::Negotiated;

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    /// When the hold timer expires.
    pub(super) hold: Option<Duration>,
    /// When the next KEEPALIVE is due.
    pub(super) keepalive: Option<Duration>,
}

/// How far a connection is.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Our OPEN waits for the peer's, until then (DelayOpen).
    Delayed(Duration),
    /// Our OPEN is out.
    OpenSent,
    /// The peer's OPEN was right, our KEEPALIVE is out.
    OpenConfirm(Box<Negotiated>),
    /// Established, since then.
    Established(Box<Negotiated>, Duration),
}

impl Link {
    /// What was agreed on, once the peer's OPEN is there.
    pub(super) fn negotiated(&self) -> Option<&Negotiated> {
        match &self.phase {
            Phase::Delayed(_) | Phase::OpenSent => None,
            Phase::OpenConfirm(negotiated) | Phase::Established(negotiated, _) => Some(negotiated),
        }
    }

    /// Since when it is established.
    pub(super) fn since(&self) -> Option<Duration> {
        match self.phase {
            Phase::Established(_, since) => Some(since),
            _ => None,
        }
    }
}

/// The connections of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    outgoing: Option<Link>,
    incoming: Option<Link>,
}

impl Links {
    pub(super) fn slot(&mut self, connection: Connection) -> &mut Option<Link> {
        match connection {
            Connection::Outgoing => &mut self.outgoing,
            Connection::Incoming => &mut self.incoming,
        }
    }

    pub(super) fn get(&self, connection: Connection) -> Option<&Link> {
        match connection {
            Connection::Outgoing => self.outgoing.as_ref(),
            Connection::Incoming => self.incoming.as_ref(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Connection, &Link)> {
        Connection::ALL.into_iter().filter_map(|connection| Some((connection, self.get(connection)?)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outgoing.is_none() && self.incoming.is_none()
    }

    /// The established one.
    pub(super) fn established(&self) -> Option<(Connection, &Negotiated, Duration)> {
        self.iter().find_map(|(connection, link)| Some((connection, link.negotiated()?, link.since()?)))
    }
}
