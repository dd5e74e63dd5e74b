//! What a speaker says about itself.

use std::time::Duration;

use crate::digest::Digest;

/// So many MAC addresses a speaker tells of itself at most.
pub const MAX_MACS: usize = 16;

/// The record each speaker gossips: what its peers need to know to agree on an owner, and no watch delivers.
///
/// The default says nothing: protocol 0, a stale view, no digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of the rules the speaker decides by.
    pub protocol: u16,
    /// Whether its view of the cluster is fresh.
    pub freshness: Freshness,
    /// Whether it stays.
    pub phase: Phase,
    /// Names of the interfaces it could announce on.
    pub interfaces: Digest,
    /// Addresses it owns now, in canonical text form.
    pub owned: Digest,
    /// MAC addresses of the interfaces that take part in layer 2, so that others know whose claim they hear. Ascending,
    /// each once, at most [`MAX_MACS`]: [`crate::Membership::set_facts`] sees to that. Empty from a speaker that is one
    /// version behind.
    pub macs: Vec<[u8; 6]>,
}

impl Facts {
    /// Whether the speaker has seen the cluster, and so what it says of its addresses is its decision.
    pub(crate) fn has_decided(&self) -> bool {
        self.protocol > 0 && self.freshness != Freshness::Blind
    }

    /// The same, as they travel.
    pub(crate) fn normal(mut self) -> Self {
        self.macs.sort_unstable();
        self.macs.dedup();
        self.macs.truncate(MAX_MACS);
        self
    }
}

/// How fresh a speaker's view of the cluster is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// A watch is broken: no candidate while another eligible speaker is current.
    #[default]
    Stale,
    /// All watches are live.
    Current,
    /// It has not seen the cluster yet and can't announce anything, not even if nobody else is current. (A speaker one
    /// version behind reads this as stale.)
    Blind,
}

/// Whether a speaker stays, and if not, how it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It stays.
    #[default]
    Running,
    /// Its node is being drained: others take over before it stops, and it may change its mind.
    Draining,
    /// It stops for good.
    Stopping,
    /// It will be back. Until the grace time is over its node keeps forwarding and its addresses stay.
    Restarting {
        /// How long to wait for it, whole milliseconds; at most 49 days.
        grace: Duration,
    },
}

/// How a speaker leaves, see [`crate::Membership::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// For good: the others take over at once.
    Stop,
    /// Only for a moment: the others wait.
    Restart {
        /// How long they shall wait.
        grace: Duration,
    },
}

impl From<Leave> for Phase {
    fn from(leave: Leave) -> Self {
        match leave {
            Leave::Stop => Self::Stopping,
            Leave::Restart { grace } => Self::Restarting { grace },
        }
    }
}
