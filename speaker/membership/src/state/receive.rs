//! From bytes to consequences: open, address, freshness, content — in this order, each with its own reason to drop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foca::{Message, State};

use super::Membership;
use crate::counters::DropReason;
use crate::identity::Identity;
use crate::packet::body::{Body, Route, name_tag};
use crate::packet::envelope::{self, Opened, Sender};
use crate::packet::swim::Swim;
use crate::replay::ReplayWindow;

impl Membership {
    pub(super) fn read(&mut self, from: SocketAddr, datagram: &[u8], now: Duration) -> Result<(), DropReason> {
        if self.life.has_left() {
            return Err(DropReason::Left);
        }
        let Opened { sender, body: bytes, key } = envelope::open(datagram, &self.keys, &self.config.cluster_uid)?;
        if *sender.node == *self.foca.identity().node {
            return Err(DropReason::Own);
        }
        let route = Body::route(&bytes).map_err(|_| DropReason::Malformed)?;
        if route.to_node != self.name_tag {
            return Err(DropReason::Misaddressed);
        }
        self.admit(&sender.node).ok_or(DropReason::TableFull)?;
        self.check_lives(&sender, route, from, now)?;
        self.check_replay(&sender, route)?;
        let body = Body::parse(&bytes).map_err(|_| DropReason::Malformed)?;
        let swim = body.swim.map(|bytes| self.read_swim(bytes, &sender, route, now)).transpose()?;
        self.note_contact(&sender, from, swim.as_ref(), now);
        self.note_key(&sender.node, key);
        if let Some(swim) = &swim {
            self.pass_to_foca(swim)?;
            self.obey_foca(now);
        }
        if let Some(ack) = body.ack {
            self.note_ack(&sender.node, ack);
        }
        if let Some(beat) = body.beat {
            self.take_beat(&sender.node, beat, now);
        }
        for record in body.records {
            self.learn(record, &sender.node);
        }
        Ok(())
    }

    /// Is it for our present life, and from the sender's newest? If not, nothing in it counts, but each side is told
    /// which lives the other knows.
    fn check_lives(
        &mut self,
        sender: &Sender,
        route: Route,
        from: SocketAddr,
        now: Duration,
    ) -> Result<(), DropReason> {
        let mine = self.foca.identity().rank;
        let newest = self.peers.get(&sender.node).map_or(0, super::Peer::rank);
        let newest = newest.max(self.forgotten.least(name_tag(&sender.node)));
        if route.to_rank == mine && route.from_rank >= newest {
            return Ok(());
        }
        if route.to_rank > mine {
            // It knows a later life of our node than this one: our clock went back, or there are two of us.
            self.outrank(route.to_rank, now);
        }
        let theirs = Identity {
            node: Arc::clone(&sender.node),
            boot: sender.boot,
            // If it is behind its own node's newest life, it learns from this that it must go above.
            rank: route.from_rank.max(newest),
            address: from,
        };
        self.introduce(theirs, now);
        Err(DropReason::Outdated)
    }

    fn check_replay(&mut self, sender: &Sender, route: Route) -> Result<(), DropReason> {
        let Some(peer) = self.peers.get_mut(&sender.node) else { return Err(DropReason::TableFull) };
        let new = match &mut peer.window {
            Some((boot, window)) if *boot == sender.boot => window.accept(sender.counter),
            // Another boot is another life, so its rank must be higher than all we know of the last one.
            Some(_)
                if peer.identity.as_ref().is_some_and(|id| id.rank >= route.from_rank && id.boot != sender.boot) =>
            {
                return Err(DropReason::Outdated);
            }
            window => {
                let mut fresh = ReplayWindow::default();
                let new = fresh.accept(sender.counter);
                *window = Some((sender.boot, fresh));
                new
            }
        };
        if !new {
            return Err(DropReason::Replayed);
        }
        peer.heard_rank = route.from_rank.max(peer.heard_rank);
        Ok(())
    }

    /// Reads foca's message and bounds what it claims, so that foca never holds more members than we admit.
    fn read_swim(&mut self, bytes: &[u8], sender: &Sender, route: Route, now: Duration) -> Result<Swim, DropReason> {
        let mut swim = Swim::parse(bytes).map_err(|_| DropReason::Malformed)?;
        let src = &swim.header.src;
        let consistent = src.node == sender.node
            && src.boot == sender.boot
            && src.rank == route.from_rank
            && swim.header.dst.node == self.foca.identity().node
            && swim.header.message != Message::Broadcast;
        if !consistent {
            return Err(DropReason::Malformed);
        }
        let mut above_us = None;
        let mut updates = std::mem::take(&mut swim.updates);
        updates.retain(|update| {
            let (id, me) = (update.id(), self.foca.identity());
            if id.node == me.node {
                if id.rank > me.rank {
                    above_us = above_us.max(Some(id.rank));
                }
                return id == me;
            }
            // The death of somebody we never knew is no news, and would take room.
            if update.state() == State::Down && !self.peers.contains_key(&id.node) {
                return false;
            }
            let room = self.admit(&id.node).is_some();
            self.counters.refused_claims += u64::from(!room);
            room
        });
        swim.updates = updates;
        if let Some(rank) = above_us {
            self.outrank(rank, now);
        }
        Ok(swim)
    }

    fn pass_to_foca(&mut self, swim: &Swim) -> Result<(), DropReason> {
        let bytes = swim.encode().map_err(|_| DropReason::Malformed)?;
        self.foca.handle_data(&bytes, &mut self.runtime).map_err(|_| DropReason::Malformed)
    }

    /// The sender is there, and perhaps heard us: suspicions of ours end.
    fn note_contact(&mut self, sender: &Sender, from: SocketAddr, swim: Option<&Swim>, now: Duration) {
        self.life.heard(now);
        self.note_life_sign(&sender.node, false, now);
        let Some(peer) = self.peers.get_mut(&sender.node) else { return };
        peer.last_heard = Some(now);
        peer.seen = Some(from);
        if swim.is_some_and(Swim::is_answer) {
            peer.last_answer = Some(now);
            self.withdraw_verdict(&sender.node, now);
        }
    }
}
