//! Facts: ours go to every live member until it says it has them; others' are relayed a few times, for those who
//! cannot hear each other.

use std::net::SocketAddr;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::Membership;
use crate::facts::{Facts, Phase};
use crate::identity::Identity;
use crate::keys::KeyRing;
use crate::output::Output;
use crate::packet::MAX_DATAGRAM;
use crate::packet::body::{self, Ack, Beat, Builder, Route};
use crate::packet::envelope::{self, Sender};
use crate::packet::record::Record;
use crate::timers::Timer;

/// Members that get our facts in one round.
const PER_ROUND: usize = 32;
/// Facts are pushed so often, then ride on probes only.
const MOST_PUSHES: u8 = 10;
/// New facts of another member travel along with so many datagrams of ours.
const RELAYS: u8 = 4;
/// A new process is told so often what its predecessor said.
const FORMER_TELLS: u8 = 4;
/// Every so many datagrams one known record travels along, whether new or not: newcomers learn from it about those
/// they cannot hear.
const REMIND_EVERY: u64 = 16;

/// What we say about ourselves.
#[derive(Debug)]
pub(super) struct Own {
    facts: Facts,
    keys: Vec<u32>,
    pub(super) version: u32,
    /// Once we leave, the caller's facts no longer change the phase.
    final_phase: Option<Phase>,
    /// The last words of our predecessor.
    former: Option<Record>,
}

impl Own {
    pub(super) fn new(keys: &KeyRing) -> Self {
        Self { facts: Facts::default(), keys: keys.accepted_ids(), version: 1, final_phase: None, former: None }
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether anything changed.
    pub(super) fn set_facts(&mut self, facts: Facts) -> bool {
        let mut facts = facts.normal();
        if let Some(phase) = self.final_phase {
            facts.phase = phase;
        }
        let changed = facts != self.facts;
        if changed {
            self.facts = facts;
            self.version += 1;
        }
        changed
    }

    pub(super) fn set_keys(&mut self, keys: &KeyRing) {
        self.keys = keys.accepted_ids();
        self.version += 1;
    }

    pub(super) fn leave(&mut self, phase: Phase) {
        self.final_phase = Some(phase);
        self.facts.phase = phase;
        self.version += 1;
    }
}

impl Membership {
    fn own_record(&self) -> Record {
        let me = self.foca.identity();
        Record {
            node: Arc::clone(&me.node),
            boot: me.boot,
            rank: me.rank,
            version: self.own.version,
            facts: self.own.facts.clone(),
            keys: self.own.keys.clone(),
        }
    }

    /// Our facts changed: everybody must hear.
    pub(super) fn publish(&mut self, now: Duration) {
        for peer in self.peers.values_mut() {
            peer.pushes = 0;
        }
        self.arm(Timer::Push, now, Duration::ZERO);
    }

    /// One round to those that have not acknowledged. A leaving member never tires.
    pub(super) fn push(&mut self, now: Duration) {
        let (version, leaving) = (self.own.version, self.life.is_leaving());
        let mut wanting: Vec<(u8, Identity)> = self
            .peers
            .values()
            .filter(|p| p.alive && p.acked != Some(version) && (leaving || p.pushes < MOST_PUSHES))
            .filter_map(|p| Some((p.pushes, p.identity.clone()?)))
            .collect();
        wanting.sort_by_key(|(pushes, _)| *pushes);
        for (_, identity) in wanting.iter().take(PER_ROUND) {
            if let Some(peer) = self.peers.get_mut(&identity.node) {
                peer.pushes = peer.pushes.saturating_add(1);
            }
            self.send(identity, None, now);
        }
        if !wanting.is_empty() {
            self.arm(Timer::Push, now, self.config.timing.facts_period);
        }
    }

    /// Takes over a record if it is newer than what we have.
    pub(super) fn learn(&mut self, record: Record, from: &Arc<str>) {
        if record.node == self.foca.identity().node {
            return self.learn_former(record);
        }
        let Some(peer) = self.peers.get_mut(&record.node) else { return };
        if record.node == *from {
            peer.owed_ack = true;
        }
        let known = peer.identity.as_ref();
        let present = known.is_none_or(|id| id.boot == record.boot || record.rank > id.rank);
        let newer = peer.record.as_ref().is_none_or(|old| record.supersedes(old));
        if !present || !newer {
            return;
        }
        let changed = peer.record.as_ref().is_none_or(|old| old.facts != record.facts);
        let (node, facts) = (Arc::clone(&record.node), record.facts.clone());
        // The facts of a process that is not up yet are told when it is: see `tell_up`.
        let present = known.is_none_or(|id| id.boot == record.boot);
        let leaving = matches!(record.facts.phase, Phase::Stopping | Phase::Restarting { .. });
        if leaving && known.is_some_and(|id| id.boot == record.boot) {
            peer.going = Some(record.facts.phase);
        }
        let (boot, decided) = (record.boot, record.facts.has_decided());
        if let Some(old) = peer.record.replace(record).filter(|old| old.boot != boot) {
            peer.retire(old);
        }
        // Also of a process whose first words were lost.
        if decided {
            peer.former = None;
        }
        peer.relays = RELAYS;
        let alive = peer.alive;
        if alive && changed && present {
            self.outputs.push_back(Output::FactsChanged { node, facts });
        }
    }

    /// Somebody remembers what our predecessor said.
    fn learn_former(&mut self, record: Record) {
        let restarted = matches!(record.facts.phase, Phase::Restarting { .. }) && record.boot != self.config.boot_id;
        if restarted && self.own.former.as_ref().is_none_or(|known| record.supersedes(known)) {
            self.outputs.push_back(Output::Former { facts: record.facts.clone() });
            self.own.former = Some(record);
        }
    }

    pub(super) fn note_ack(&mut self, node: &Arc<str>, ack: Ack) {
        if let Some(peer) = self.peers.get_mut(node)
            && ack.boot == self.config.boot_id
        {
            peer.acked = peer.acked.max(Some(ack.version));
        }
    }

    /// Whoever sent us facts and got nothing back since gets a datagram of its own.
    pub(super) fn pay_acks(&mut self, now: Duration) {
        let owed: Vec<Identity> =
            self.peers.values().filter(|p| p.owed_ack).filter_map(|p| p.identity.clone()).collect();
        for identity in owed {
            self.send(&identity, None, now);
        }
    }

    /// Sends foca's message, or none, with the facts the receiver lacks.
    pub(super) fn send(&mut self, to: &Identity, message: Option<&[u8]>, now: Duration) {
        let mut builder = self.letter(to);
        if let Some(message) = message {
            builder.swim(message);
        }
        let mut address = to.address;
        let mut informed = true;
        if let Some(peer) = self.peers.get_mut(&to.node) {
            address = peer.address_for(to, now);
            if let Some(record) = &peer.record {
                builder.ack(record.stamp());
            }
            if peer.former_told.0 != to.boot {
                peer.former_told = (to.boot, 0);
            }
            if peer.former_told.1 < FORMER_TELLS && peer.former_of(to).is_some_and(|former| builder.record(former)) {
                peer.former_told.1 += 1;
            }
            peer.owed_ack = false;
            informed = peer.acked == Some(self.own.version);
        }
        if !informed {
            builder.record(&self.own_record());
        }
        self.relay(&mut builder, &to.node);
        self.post(builder, address);
    }

    /// Sends a heartbeat, or asks for them, with nothing beside it.
    pub(super) fn send_beat(&mut self, to: &Identity, beat: Beat, now: Duration) {
        let mut builder = self.letter(to);
        builder.beat(beat);
        let address = self.peers.get(&to.node).map_or(to.address, |peer| peer.address_for(to, now));
        self.post(builder, address);
    }

    /// An empty body from our present life to that of another.
    fn letter(&self, to: &Identity) -> Builder {
        let me = self.foca.identity();
        let route = Route { to_node: body::name_tag(&to.node), to_rank: to.rank, from_rank: me.rank };
        Builder::new(route, MAX_DATAGRAM - envelope::overhead(&me.node))
    }

    /// Seals a body and hands it to the caller.
    fn post(&mut self, builder: Builder, address: SocketAddr) {
        self.sent += 1;
        let me = self.foca.identity();
        let sender = Sender { node: Arc::clone(&me.node), boot: me.boot, counter: self.sent };
        let datagram = envelope::seal(&builder.finish(), &sender, &self.keys, &self.config.cluster_uid, &mut self.rng);
        self.counters.sent += 1;
        self.counters.sent_bytes += datagram.len() as u64;
        self.outputs.push_back(Output::Send { to: address, datagram });
    }

    /// Adds others' facts: new ones, and now and then an old one.
    fn relay(&mut self, builder: &mut Builder, to: &Arc<str>) {
        let fresh = self.peers.iter_mut().filter(|(node, p)| p.relays > 0 && *node != to).take(2);
        for (_, peer) in fresh {
            if let Some(record) = &peer.record
                && builder.record(record)
            {
                peer.relays -= 1;
            }
        }
        if self.sent.is_multiple_of(REMIND_EVERY) {
            let after = self.relayed.take().map_or(Bound::Unbounded, Bound::Excluded);
            let next =
                self.peers.range((after, Bound::Unbounded)).find(|(n, p)| p.alive && p.record.is_some() && *n != to);
            if let Some((node, peer)) = next {
                self.relayed = Some(Arc::clone(node));
                if let Some(record) = &peer.record {
                    builder.record(record);
                }
            }
        }
    }
}
