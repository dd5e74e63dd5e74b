//! A node of the simulation.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::What;
use crate::clock::Clock;
use crate::speaker::Speaker;
use crate::wire::node_of;

/// One node: its machine, the process on it, and what is in its sockets.
pub(super) struct Place {
    pub(super) speaker: Option<Speaker>,
    /// Its kernel answers.
    pub(super) powered: bool,
    pub(super) process: u64,
    pub(super) paused_until: Duration,
    /// Until then the machine sleeps.
    pub(super) asleep_until: Duration,
    pub(super) clock: Clock,
    pub(super) socket: Vec<(SocketAddr, Vec<u8>)>,
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) deferred: Vec<What>,
    pub(super) wake_at: Option<Duration>,
    pub(super) decide_at: Option<Duration>,
    pub(super) wire_at: Option<Duration>,
    pub(super) api: bool,
    /// Counts the connections to the API server.
    pub(super) watch: u64,
    pub(super) last_news: Duration,
    pub(super) owned: BTreeSet<IpAddr>,
    /// The part of the network that it is in, and the part in which speakers hear each other.
    pub(super) side: u8,
    pub(super) ear: u8,
    /// When it lost the API server.
    pub(super) blind_since: Option<Duration>,
    /// When a process last came or went.
    pub(super) changed: Duration,
    /// When it is to start again after it has left.
    pub(super) back: Option<Duration>,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            speaker: None,
            powered: true,
            process: 0,
            paused_until: Duration::ZERO,
            asleep_until: Duration::ZERO,
            clock: Clock::default(),
            socket: Vec::new(),
            frames: Vec::new(),
            deferred: Vec::new(),
            wake_at: None,
            decide_at: None,
            wire_at: None,
            api: true,
            watch: 0,
            last_news: Duration::ZERO,
            owned: BTreeSet::new(),
            side: 0,
            ear: 0,
            blind_since: None,
            changed: Duration::ZERO,
            back: None,
        }
    }

    /// Whether it answers for an address in its own name.
    pub(super) fn answers(&self, ip: IpAddr) -> bool {
        self.speaker.as_ref().is_some_and(|speaker| speaker.wire.owns(ip))
    }

    /// Whose MAC a client is told that asks for an address.
    pub(super) fn tells(&mut self, ip: IpAddr, now: Duration) -> Option<usize> {
        if self.paused_until > now {
            return None;
        }
        let shown = self.clock.shows(now);
        self.speaker.as_mut()?.wire.tells(ip, shown).map(node_of)
    }
}
