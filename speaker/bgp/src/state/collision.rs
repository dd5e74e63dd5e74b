//! Two connections at once (RFC 4271 §6.8).
//!
//! Both ends may connect at the same time. The connection that the end with the higher identifier has made is to stay
//! (with equal identifiers the higher AS number counts, RFC 6286 §2.3), unless the other is established already. The RFC
//! lets both ends close the one too many, each by what it has seen so far; and what they have seen differs, for two
//! connections keep no order between them. So it happens that each closes the one that the other keeps, and both are gone.
//!
//! Here the **higher end alone decides**, as it sees both OPENs; the lower one keeps both connections and goes by what it
//! hears. It may find itself established on the wrong one for a moment; a KEEPALIVE on the other says so. A peer that
//! decides on both ends, as the RFC has it, is none the wiser.
//!
//! | second connection | higher end | lower end |
//! |---|---|---|
//! | OPEN on one, the other OpenSent | both stay | both stay |
//! | OPEN on one, the other OpenConfirm | the incoming one is closed | both stay |
//! | OPEN on one, the other Established | this one is closed | both stay |
//! | KEEPALIVE on the outgoing one | the incoming one is closed | the incoming one stays, if not established |
//! | KEEPALIVE on the incoming one | the outgoing one is closed | the outgoing one is closed, established or not |
//! | peer connects, one is Established | refused, or a restart of the peer | refused, or a restart of the peer |
//! | peer connects again before that | the older incoming one is closed | the older incoming one is closed |

use std::time::Duration;

use super::action::{Closing, DownReason};
use super::event::Connection;
use super::link::Phase;
use super::negotiated::Negotiated;
use super::reasons;
use super::session::Session;

/// A peer that connects anew sooner than this has not restarted: it had begun to before the session was established.
pub(super) const SOONEST_RESTART: Duration = Duration::from_secs(10);

impl Session {
    /// Whether a connection whose OPEN says this goes on; if not, it is closed. It may cost the other one.
    pub(super) fn survives(&mut self, connection: Connection, negotiated: &Negotiated) -> bool {
        if !self.decides(negotiated) {
            return true;
        }
        match self.links.get(connection.other()).map(|other| &other.phase) {
            None | Some(Phase::Delayed(_) | Phase::OpenSent) => true,
            Some(Phase::Established(..)) => {
                self.drop_link(connection);
                false
            }
            Some(Phase::OpenConfirm(_)) => {
                self.drop_link(Connection::Incoming);
                connection == Connection::Outgoing
            }
        }
    }

    /// Makes way for a connection that is being established.
    pub(super) fn prevail(&mut self, connection: Connection, negotiated: &Negotiated) {
        let other = connection.other();
        let established = self.links.get(other).is_some_and(|link| link.since().is_some());
        // That the incoming one is established by now can't be, but two must never be.
        let left_to_peer = connection == Connection::Outgoing && !self.decides(negotiated);
        if established || !left_to_peer {
            self.drop_link(other);
        }
    }

    /// A connection of the peer, in a session that is wanted.
    pub(super) fn accept(&mut self) {
        let established = self.links.established();
        let established = established.map(|(connection, negotiated, since)| {
            let preserves = |restart: &super::PeerRestart| !restart.families.is_empty();
            let restarts = negotiated.graceful_restart.as_ref().is_some_and(preserves);
            (connection, restarts && self.clock.saturating_sub(since) >= SOONEST_RESTART)
        });
        match established {
            Some((_, false)) => return self.refuse(Closing::Notify(reasons::collision())),
            Some((connection, true)) => {
                // RFC 4724 §5: it has restarted, and the old connection has no other end that could hear of it.
                self.links.slot(connection).take();
                self.close(connection, Closing::Silently);
                self.down(DownReason::Replaced);
            }
            None => {}
        }
        if self.links.slot(Connection::Incoming).take().is_some() {
            self.close(Connection::Incoming, Closing::Silently);
        }
        self.open_link(Connection::Incoming, self.config.delay_open);
    }

    /// Whether this end decides which of two connections stays.
    fn decides(&self, negotiated: &Negotiated) -> bool {
        let own = (self.config.router_id, negotiated.shown_asn);
        own > (negotiated.peer_router_id, negotiated.peer_asn)
    }

    /// Closes one of two connections.
    fn drop_link(&mut self, connection: Connection) {
        let Some(link) = self.links.slot(connection).take() else { return };
        self.counters.collisions += 1;
        self.close(connection, Closing::Notify(reasons::collision()));
        if link.since().is_some() {
            self.down(DownReason::Sent(reasons::collision()));
        }
    }
}
