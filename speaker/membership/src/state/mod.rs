//! The membership itself: what it holds, what can be asked.
//!
//! | file | answers |
//! |---|---|
//! | `receive` | what does a datagram change? |
//! | `deadline` | what is due, and were we late? |
//! | `swim` | what does foca want, and do we believe it? |
//! | `announce` | who should be alive and is not? |
//! | `forgotten` | who was here and must not be raised by a recording? |
//! | `exchange` | who lacks whose facts? |
//! | `rotation` | which keys do the others use? |
//! | `watch` | who must be missed at once? |
//! | `alone` | should somebody be there and is not? |
//! | `life` | are we started, have we left? |

mod alone;
mod announce;
mod deadline;
mod exchange;
mod forgotten;
mod life;
mod receive;
mod rotation;
mod swim;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foca::{AccumulatingRuntime, Foca, NoCustomBroadcast};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::config::{Config, ConfigError};
use crate::counters::{Counters, DropReason};
use crate::facts::{Facts, Leave};
use crate::identity::Identity;
use crate::keys::KeyRing;
use crate::output::Output;
use crate::packet::body;
use crate::packet::swim::Codec;
use crate::peer::Peer;
use crate::timers::{Timer, Timers};

pub use alone::Alone;
use alone::Solitude;
use deadline::Slowness;
use exchange::Own;
use forgotten::Forgotten;
use life::Life;
pub use rotation::SealedWith;
use watch::Watch;

/// So many nodes that the API does not list (its view may lag) are known at most.
const UNLISTED_NODES: usize = 32;

/// One speaker's part in the membership. See the crate's documentation for how to drive it.
pub struct Membership {
    config: Config,
    keys: KeyRing,
    rng: StdRng,
    foca: Foca<Identity, Codec, StdRng, NoCustomBroadcast>,
    foca_config: foca::Config,
    /// What foca wants, until it is handled.
    runtime: AccumulatingRuntime<Identity>,
    /// Every node but ours that is listed or heard of.
    peers: BTreeMap<Arc<str>, Peer>,
    forgotten: Forgotten,
    timers: Timers,
    outputs: VecDeque<Output>,
    counters: Counters,
    own: Own,
    life: Life,
    watch: Watch,
    solitude: Solitude,
    slowness: Slowness,
    /// Datagrams sent; the last one's counter.
    sent: u64,
    /// [`body::name_tag`] of our node.
    name_tag: u64,
    /// The node that the announcer served last.
    announced: Option<Arc<str>>,
    /// The node whose facts were last sent along.
    relayed: Option<Arc<str>>,
    /// When we last raised our rank over a stranger's.
    raised: Option<Duration>,
}

/// A live speaker, as seen by [`Membership::members`].
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its node.
    pub node: &'a Arc<str>,
    /// Which process of that node.
    pub boot_id: u64,
    /// Where it answers.
    pub address: SocketAddr,
    /// What it says about itself; `None` in the first moments.
    pub facts: Option<&'a Facts>,
    /// Whether the API lists its node.
    pub listed: bool,
    /// When it last said anything to us directly.
    pub last_heard: Option<Duration>,
}

impl Membership {
    /// Nothing is sent before [`Membership::set_nodes`], but whoever asks is answered.
    ///
    /// # Errors
    /// The configuration cannot work; the message names the field and the value.
    pub fn new(config: Config, keys: KeyRing) -> Result<Self, ConfigError> {
        config.check()?;
        let mut rng = StdRng::from_seed(config.seed);
        let mut foca_seed = [0; 32];
        rng.fill_bytes(&mut foca_seed);
        let identity = Identity {
            node: config.node.as_str().into(),
            boot: config.boot_id,
            rank: config.boot_id,
            address: config.address,
        };
        let foca_config = swim::foca_config(&config.timing);
        Ok(Self {
            name_tag: body::name_tag(&config.node),
            foca: Foca::new(identity, foca_config.clone(), StdRng::from_seed(foca_seed), Codec),
            foca_config,
            runtime: AccumulatingRuntime::new(),
            own: Own::new(&keys),
            life: Life::new(),
            watch: Watch::default(),
            solitude: Solitude::default(),
            config,
            keys,
            rng,
            peers: BTreeMap::new(),
            forgotten: Forgotten::default(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            slowness: Slowness::default(),
            sent: 0,
            announced: None,
            relayed: None,
            raised: None,
        })
    }

    /// Takes a datagram from the socket. What cannot be used is counted, and the reason returned for the log.
    pub fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Duration) -> Result<(), DropReason> {
        self.counters.received += 1;
        let result = self.read(from, datagram, now);
        match result {
            Ok(()) => self.counters.accepted += 1,
            Err(reason) => {
                self.counters.drop(reason);
                self.solitude.note_refused(reason);
            }
        }
        self.settle(now);
        result
    }

    /// Does what is due. Call it at [`Membership::next_deadline`]: how late the call is tells how far our own verdicts
    /// can be trusted.
    pub fn handle_deadline(&mut self, now: Duration) {
        self.do_due(now);
        self.settle(now);
    }

    /// When [`Membership::handle_deadline`] wants to be called.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.next_due()
    }

    /// The nodes that the API lists, with the address to reach their speaker at; ours is ignored. They are announced
    /// to while they are not alive. The first call begins start-up.
    pub fn set_nodes(&mut self, nodes: impl IntoIterator<Item = (String, SocketAddr)>, now: Duration) {
        self.list(nodes, now);
        self.settle(now);
    }

    /// The nodes that the API calls ready. Where there are some, being the only speaker for
    /// [`crate::Timing::alone_after`] is worth telling: [`Output::Alone`].
    pub fn set_ready(&mut self, nodes: impl IntoIterator<Item = String>, now: Duration) {
        self.set_ready_nodes(nodes);
        self.settle(now);
    }

    /// Replaces the keys, from now on.
    pub fn set_keys(&mut self, keys: KeyRing, now: Duration) {
        self.own.set_keys(&keys);
        self.keys = keys;
        self.publish(now);
        self.settle(now);
    }

    /// Replaces what we say about ourselves. Equal facts cost nothing. After [`Membership::leave`] the phase stays.
    pub fn set_facts(&mut self, facts: Facts, now: Duration) {
        if self.own.set_facts(facts) {
            self.publish(now);
        }
        self.settle(now);
    }

    /// Says goodbye, repeatedly, until all live members know or [`crate::Timing::leave_timeout`] is over; then
    /// [`Output::Left`] comes, and nothing more. A second call changes nothing.
    pub fn leave(&mut self, how: Leave, now: Duration) {
        self.begin_leaving(how, now);
        self.settle(now);
    }

    /// Whom to watch closely from now on: those whose addresses would be ours first. The first 16 count, and only
    /// while [`crate::Timing::heartbeat_period`] is not zero. One of them that misses its heartbeats is
    /// [`Output::Quiet`]; look for its node on layer 2 then, and tell what came of it.
    pub fn watch<N: Into<Arc<str>>>(&mut self, nodes: impl IntoIterator<Item = N>, now: Duration) {
        self.set_watched(nodes.into_iter().map(Into::into), now);
        self.settle(now);
    }

    /// After [`Output::Quiet`]: the node itself does not answer either. It is down from now on, for us and, unless it
    /// proves the contrary to them, for the others. False if that came to nothing: it has been heard again, or we did
    /// not run ourselves meanwhile.
    pub fn confirm_quiet(&mut self, node: &str, now: Duration) -> bool {
        self.do_due(now); // which sees whether we are late
        let confirmed = !self.life.has_left() && self.condemn(node, now);
        self.settle(now);
        confirmed
    }

    /// After [`Output::Quiet`]: the node itself answers. It will not be called quiet again before its speaker has
    /// been heard again.
    pub fn deny_quiet(&mut self, node: &str, now: Duration) {
        self.pardon(node);
        self.settle(now);
    }

    /// The next thing to do or to know.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// All speakers alive but ourselves, by node name.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.peers.iter().filter_map(|(node, peer)| Self::view(node, peer))
    }

    /// One speaker, if it is alive.
    pub fn member(&self, node: &str) -> Option<Member<'_>> {
        self.peers.get_key_value(node).and_then(|(node, peer)| Self::view(node, peer))
    }

    /// Whether start-up silence is over.
    pub fn started(&self) -> bool {
        self.life.started()
    }

    /// Whether we are the only speaker for long already, although the API calls other nodes ready.
    pub fn alone(&self) -> Option<Alone> {
        self.solitude.told()
    }

    /// What we say about ourselves.
    pub fn facts(&self) -> &Facts {
        self.own.facts()
    }

    /// Listed nodes that are not alive, and live members that are not listed.
    pub fn disagreement(&self) -> (usize, usize) {
        let missing = self.peers.values().filter(|p| p.listed.is_some() && !p.alive).count();
        let unlisted = self.peers.values().filter(|p| p.listed.is_none() && p.alive).count();
        (missing, unlisted)
    }

    /// Totals since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn view<'a>(node: &'a Arc<str>, peer: &'a Peer) -> Option<Member<'a>> {
        let identity = peer.identity.as_ref().filter(|_| peer.alive)?;
        Some(Member {
            node,
            boot_id: identity.boot,
            address: peer.seen.unwrap_or(identity.address),
            facts: peer.record.as_ref().filter(|r| r.boot == identity.boot).map(|r| &r.facts),
            listed: peer.listed.is_some(),
            last_heard: peer.last_heard,
        })
    }

    /// Finds or makes the entry of a node, within bounds. `None`: no room.
    fn admit(&mut self, node: &Arc<str>) -> Option<&mut Peer> {
        if !self.peers.contains_key(node) {
            let unlisted = self.peers.values().filter(|p| p.listed.is_none()).count();
            if unlisted >= UNLISTED_NODES {
                return None;
            }
        }
        Some(self.peers.entry(Arc::clone(node)).or_default())
    }

    /// What every entry point ends with: foca's wishes, then acknowledgements owed, then whether we are started or
    /// have left.
    fn settle(&mut self, now: Duration) {
        if self.life.has_left() {
            return;
        }
        self.obey_foca(now);
        self.pay_acks(now);
        self.review_life(now);
        self.review_solitude(now);
    }

    fn arm(&mut self, timer: Timer, now: Duration, after: Duration) {
        if !self.life.has_left() {
            self.timers.set_once(timer, now, after);
        }
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership")
            .field("identity", self.foca.identity())
            .field("peers", &self.peers)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
