//! What we know about one other node.

use std::net::SocketAddr;
use std::time::Duration;

use crate::facts::Phase;
use crate::identity::Identity;
use crate::packet::record::Record;
use crate::replay::ReplayWindow;

/// The seen address is preferred to the claimed one for so long after it was seen.
const SEEN_HOLDS: Duration = Duration::from_secs(2);

/// One other node: listed by the API, heard of, or both. Everything kept about it has a fixed size.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// Its address in the API's list.
    pub(crate) listed: Option<SocketAddr>,
    /// Its newest known life, alive or not.
    pub(crate) identity: Option<Identity>,
    /// Alive, as we told the caller.
    pub(crate) alive: bool,
    /// When it was last told down.
    pub(crate) down_since: Option<Duration>,
    /// Others call it down, and we wait for it to prove the contrary.
    pub(crate) doubted: bool,
    /// When an authentic, fresh datagram of it last arrived.
    pub(crate) last_heard: Option<Duration>,
    /// When it last showed that it hears us too.
    pub(crate) last_answer: Option<Duration>,
    /// Where its datagrams come from.
    pub(crate) seen: Option<SocketAddr>,
    /// The key that sealed what it last sent.
    pub(crate) sealed_with: Option<u32>,
    /// The newest life in which it said anything to us directly, 0 for none.
    pub(crate) heard_rank: u64,
    /// What arrived from its present boot.
    pub(crate) window: Option<(u64, ReplayWindow)>,
    /// Its facts.
    pub(crate) record: Option<Record>,
    /// What its last process said when it went for a moment, until the present one knows the cluster.
    pub(crate) former: Option<Record>,
    /// Which process was told of it, and how often.
    pub(crate) former_told: (u64, u8),
    /// Its present process has said that it goes, and how.
    pub(crate) going: Option<Phase>,
    /// How often its facts still travel along with datagrams to others.
    pub(crate) relays: u8,
    /// Which version of our facts it has.
    pub(crate) acked: Option<u32>,
    /// How often our facts were sent to it on purpose, since they last changed.
    pub(crate) pushes: u8,
    /// It sent us facts and has no acknowledgement yet.
    pub(crate) owed_ack: bool,
    /// When we last told it which life of ours and its own we know.
    pub(crate) introduced: Option<Duration>,
}

impl Peer {
    /// The order of its newest known life, 0 if none is known.
    pub(crate) fn rank(&self) -> u64 {
        self.identity.as_ref().map_or(0, |id| id.rank)
    }

    /// Where to send what is meant for `identity`.
    pub(crate) fn address_for(&self, identity: &Identity, now: Duration) -> SocketAddr {
        match (self.seen, self.last_heard) {
            (Some(seen), Some(heard)) if now < heard + SEEN_HOLDS => seen,
            _ => identity.address,
        }
    }

    /// Whether it showed that it hears us, at or after `since`.
    pub(crate) fn answered_since(&self, since: Duration) -> bool {
        self.last_answer.is_some_and(|at| at >= since)
    }

    /// Another process than the one that said this runs on the node.
    pub(crate) fn retire(&mut self, old: Record) {
        let restarts = matches!(old.facts.phase, Phase::Restarting { .. });
        // If it is not back yet from the last time, it has nothing new to say of what it owns.
        if !restarts || old.facts.has_decided() || self.former.is_none() {
            self.former = restarts.then_some(old);
        }
    }

    /// What the process `to` is to be told of its predecessor.
    pub(crate) fn former_of(&self, to: &Identity) -> Option<&Record> {
        let follows = |record: &&Record| record.boot != to.boot && record.rank < to.rank;
        let restarts = |record: &&Record| matches!(record.facts.phase, Phase::Restarting { .. });
        // It introduces itself before its life is known.
        let last = self.record.as_ref().filter(follows).filter(restarts);
        let last = last.filter(|record| record.facts.has_decided() || self.former.is_none());
        last.or(self.former.as_ref()).filter(follows)
    }

    /// A new process runs on the node: what the old one said is void. (The new one may have spoken already.)
    pub(crate) fn forget_process_before(&mut self, boot: u64) {
        if let Some(old) = self.record.take_if(|record| record.boot != boot) {
            self.relays = 0;
            self.retire(old);
        }
        self.going = None;
        self.acked = None;
        self.pushes = 0;
    }
}
