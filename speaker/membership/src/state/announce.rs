//! Who should be alive and is not: knock at those doors.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::Membership;
use crate::config::MAX_NODE_NAME;
use crate::identity::Identity;
use crate::packet::body::name_tag;
use crate::timers::Timer;

/// Nodes announced to in one period.
const PER_ROUND: usize = 16;
/// A peer is told our life at most so often.
const INTRODUCE_PERIOD: Duration = Duration::from_millis(20);

impl Membership {
    pub(super) fn list(&mut self, nodes: impl IntoIterator<Item = (String, SocketAddr)>, now: Duration) {
        let own = Arc::clone(&self.foca.identity().node);
        let mut listed: BTreeMap<Arc<str>, SocketAddr> = nodes
            .into_iter()
            .filter(|(node, _)| !node.is_empty() && node.len() <= MAX_NODE_NAME && **node != *own)
            .map(|(node, address)| (Arc::from(node), address))
            .collect();
        for (node, peer) in &mut self.peers {
            peer.listed = listed.remove(node);
        }
        for (node, address) in listed {
            self.peers.entry(node).or_default().listed = Some(address);
        }
        self.forget_strangers(now);
        if self.life.begin(now) {
            self.timers.set_once(Timer::Start, now, self.config.timing.start_silence);
            self.announce(now);
        }
    }

    /// One round: some of the absent, in turn.
    pub(super) fn announce(&mut self, now: Duration) {
        self.forget_strangers(now);
        for (node, address) in self.absent() {
            let known = self.peers.get(&node).and_then(|p| p.identity.clone());
            let mut target = known.unwrap_or(Identity { node: Arc::clone(&node), boot: 0, rank: 0, address });
            target.address = address;
            let _ = self.foca.announce(target, &mut self.runtime);
            self.announced = Some(node);
        }
        let jitter = self.rng.random_range(80..=120);
        self.arm(Timer::Announce, now, self.config.timing.announce_period * jitter / 100);
    }

    /// The next nodes to announce to, and where: as many as one round serves, going on after the last one served.
    fn absent(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let mut absent: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| !peer.alive)
            .filter_map(|(node, peer)| {
                let address = peer.listed.or(peer.identity.as_ref().map(|id| id.address))?;
                Some((Arc::clone(node), address))
            })
            .collect();
        let served = absent.partition_point(|(node, _)| Some(node) <= self.announced.as_ref());
        absent.rotate_left(served);
        absent.truncate(PER_ROUND);
        absent
    }

    /// Tells a peer which life of ours and of its own we know. If it is behind the times, it now knows; whatever it
    /// says next is fresh.
    pub(super) fn introduce(&mut self, to: Identity, now: Duration) {
        let Some(peer) = self.peers.get_mut(&to.node) else { return };
        if peer.introduced.is_some_and(|at| now < at + INTRODUCE_PERIOD) {
            return;
        }
        peer.introduced = Some(now);
        let _ = self.foca.announce(to, &mut self.runtime);
    }

    /// Makes room: nodes that no list knows and that have been down for long, or were never up.
    fn forget_strangers(&mut self, now: Duration) {
        let after = self.config.timing.forget_after;
        let forgotten = &mut self.forgotten;
        self.peers.retain(|node, peer| {
            let stays = peer.listed.is_some() || peer.alive || peer.down_since.is_some_and(|since| now < since + after);
            if !stays {
                forgotten.add(name_tag(node), peer.rank().max(peer.heard_rank));
            }
            stays
        });
    }
}
