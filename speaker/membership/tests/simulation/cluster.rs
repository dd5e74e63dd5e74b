//! A cluster in virtual time: real memberships, a network that loses, delays, repeats and divides, nodes that stall.
//!
//! Everything follows from one seed, so a failure is replayed by running the test with the seed it prints.

mod addresses;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::SocketAddr;
use std::time::Duration;

use herald_membership::{Alone, Config, DownReason, Facts, KeyRing, Leave, Membership, Output, Timing};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// Share of datagrams lost.
    pub(crate) loss: f64,
    /// Share of datagrams that arrive twice.
    pub(crate) twice: f64,
    /// Every datagram takes between these, in microseconds.
    pub(crate) delay: (u64, u64),
}

impl Network {
    pub(crate) const GOOD: Self = Self { loss: 0.0, twice: 0.0, delay: (50, 500) };
}

/// News a node told its caller.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    Up { node: usize, boot: u64 },
    Down { node: usize, reason: DownReason },
    Quiet { node: usize },
    Facts { node: usize },
    Former(Facts),
    Started,
    Alone(Option<Alone>),
    Left { unacknowledged: usize },
}

struct Node {
    membership: Option<Membership>,
    /// Its kernel answers ARP, whether its speaker runs or not.
    powered: bool,
    boot: u64,
    boots: u64,
    /// Not scheduled until then; datagrams wait in its socket.
    stalled_until: Duration,
    socket: Vec<(SocketAddr, Vec<u8>)>,
    wake_at: Option<Duration>,
    alive: BTreeSet<usize>,
    /// What it was told of the facts of each of them, as a caller keeps them: a new process has said nothing yet.
    facts: BTreeMap<usize, Facts>,
}

enum Event {
    Deliver {
        to: usize,
        from: usize,
        datagram: Vec<u8>,
    },
    Wake {
        node: usize,
        boot: u64,
    },
    Resume {
        node: usize,
    },
    /// The end of `node`'s search for `target` on layer 2.
    Probed {
        node: usize,
        boot: u64,
        target: usize,
        answered: bool,
    },
}

pub(crate) struct Cluster {
    pub(crate) now: Duration,
    pub(crate) network: Network,
    /// How late timers fire at random, at most, in microseconds.
    pub(crate) lateness: u64,
    pub(crate) news: Vec<(Duration, usize, News)>,
    pub(crate) datagrams: u64,
    nodes: Vec<Node>,
    /// Directions in which nothing arrives.
    cuts: BTreeSet<(usize, usize)>,
    /// Which half of a partition a node is in; halves do not hear each other.
    side: Vec<u8>,
    events: BTreeMap<u64, Event>,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    sequence: u64,
    rng: StdRng,
    /// Nodes have IPv6 addresses only.
    pub(crate) ipv6: bool,
    /// Nodes that send from an address that is not the listed one; what is sent to that one is lost.
    second: BTreeSet<usize>,
    pub(crate) keys: KeyRing,
    pub(crate) timing: Timing,
}

/// Runs a scenario with many seeds; a failure names the seed. `HERALD_SEED` runs that one alone.
pub(crate) fn with_seeds(seeds: std::ops::Range<u64>, scenario: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let only = std::env::var("HERALD_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed: u64| seed..seed + 1) {
        if let Err(panic) = std::panic::catch_unwind(|| scenario(seed)) {
            eprintln!("the scenario failed with seed {seed}: replay it with HERALD_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

pub(crate) fn name(node: usize) -> String {
    format!("node-{node:03}")
}

fn number(node: &str) -> usize {
    node.strip_prefix("node-").unwrap().parse().unwrap()
}

impl Cluster {
    /// Nodes that all start within 50 ms.
    pub(crate) fn new(nodes: usize, network: Network, seed: u64) -> Self {
        let mut cluster = Self::cold(nodes, network, seed);
        for node in 0..nodes {
            cluster.run_for(ms(50) / u32::try_from(nodes).unwrap());
            cluster.start(node);
        }
        cluster
    }

    /// Nodes that are listed but do not run yet.
    pub(crate) fn cold(nodes: usize, network: Network, seed: u64) -> Self {
        let node = |i| Node {
            membership: None,
            powered: true,
            boot: 1_000_000 + i,
            boots: 0,
            stalled_until: Duration::ZERO,
            socket: Vec::new(),
            wake_at: None,
            alive: BTreeSet::new(),
            facts: BTreeMap::new(),
        };
        Self {
            now: ms(1_000),
            network,
            lateness: 1_000,
            news: Vec::new(),
            datagrams: 0,
            nodes: (0..nodes as u64).map(node).collect(),
            cuts: BTreeSet::new(),
            side: vec![0; nodes],
            events: BTreeMap::new(),
            queue: BinaryHeap::new(),
            sequence: 0,
            rng: StdRng::seed_from_u64(seed),
            ipv6: false,
            second: BTreeSet::new(),
            keys: KeyRing::new(b"0123456789abcdef", None, None).unwrap(),
            timing: Timing::default(),
        }
    }

    /// Nodes that have all found each other.
    pub(crate) fn settled(nodes: usize, network: Network, seed: u64) -> Self {
        let mut cluster = Self::new(nodes, network, seed);
        cluster.run_for(ms(1_000));
        cluster.expect_all_alive();
        cluster.news.clear();
        cluster
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Where the API says a node is.
    fn address(&self, node: usize) -> SocketAddr {
        addresses::of(node, self.ipv6, 0)
    }

    /// Where its datagrams come from.
    pub(crate) fn source(&self, node: usize) -> SocketAddr {
        addresses::of(node, self.ipv6, u8::from(self.second.contains(&node)))
    }

    /// The node sends from another address than the listed one, which leads nowhere.
    pub(crate) fn second_address(&mut self, node: usize) {
        self.second.insert(node);
    }

    /// Starts a node's speaker (again, if it ran before).
    pub(crate) fn start(&mut self, node: usize) {
        let boots = self.nodes[node].boots;
        self.start_with_boot(node, 1_000_000 + node as u64 + 100_000 * boots);
    }

    pub(crate) fn start_with_boot(&mut self, node: usize, boot: u64) {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let config = Config {
            node: name(node),
            address: self.address(node),
            boot_id: boot,
            cluster_uid: "cluster".into(),
            timing: self.timing,
            seed,
        };
        let listed: Vec<_> = (0..self.len()).map(|n| (name(n), self.address(n))).collect();
        let mut membership = Membership::new(config, self.keys.clone()).unwrap();
        membership.set_nodes(listed, self.now);
        let entry = &mut self.nodes[node];
        entry.boot = boot;
        entry.boots += 1;
        entry.powered = true;
        entry.membership = Some(membership);
        entry.alive.clear();
        entry.facts.clear();
        entry.socket.clear();
        entry.wake_at = None;
        entry.stalled_until = Duration::ZERO;
        self.after_call(node);
    }

    /// The speaker is killed.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].membership = None;
        self.nodes[node].wake_at = None;
    }

    /// The whole node falls silent, its kernel too.
    pub(crate) fn silence(&mut self, node: usize) {
        self.kill(node);
        self.nodes[node].powered = false;
    }

    pub(crate) fn leave(&mut self, node: usize, how: Leave) {
        let now = self.now;
        self.call(node, |m| m.leave(how, now));
    }

    /// Does something with a node's membership, and what follows.
    pub(crate) fn call<T>(&mut self, node: usize, action: impl FnOnce(&mut Membership) -> T) -> T {
        let result = action(self.nodes[node].membership.as_mut().unwrap());
        self.after_call(node);
        result
    }

    pub(crate) fn membership(&self, node: usize) -> &Membership {
        self.nodes[node].membership.as_ref().unwrap()
    }

    pub(crate) fn running(&self, node: usize) -> bool {
        self.nodes[node].membership.is_some()
    }

    /// The node's process gets no processor for so long.
    pub(crate) fn stall(&mut self, node: usize, time: Duration) {
        self.nodes[node].stalled_until = self.now + time;
        self.push(self.now + time, Event::Resume { node });
    }

    /// Nodes hear only those of the same side.
    pub(crate) fn divide(&mut self, side: impl Fn(usize) -> u8) {
        self.side = (0..self.len()).map(side).collect();
    }

    /// Nothing arrives any more in one direction.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
        self.side.fill(0);
    }

    /// Asks for a node on layer 2: three times within 100 ms, each may be lost.
    fn probe(&mut self, node: usize, target: usize) {
        let there = self.connected(node, target) && self.connected(target, node) && self.nodes[target].powered;
        let loss = 1.0 - (1.0 - self.network.loss).powi(2);
        let answer = (0..3u64).find(|_| there && !self.rng.random_bool(loss));
        let after = answer.map_or(ms(100), |attempt| ms(33) * u32::try_from(attempt).unwrap() + ms(1));
        let boot = self.nodes[node].boot;
        self.push(self.now + after, Event::Probed { node, boot, target, answered: answer.is_some() });
    }

    fn connected(&self, from: usize, to: usize) -> bool {
        self.side[from] == self.side[to] && !self.cuts.contains(&(from, to))
    }

    /// Whether every running node believes exactly the other running nodes alive.
    pub(crate) fn agreed(&self) -> bool {
        let running: BTreeSet<_> = (0..self.len()).filter(|n| self.running(*n)).collect();
        running.iter().all(|n| {
            let believed = self.alive(*n);
            believed.len() == running.len() - 1 && believed.is_subset(&running)
        })
    }

    /// Whom a node believes alive, from the news it told.
    pub(crate) fn alive(&self, node: usize) -> &BTreeSet<usize> {
        &self.nodes[node].alive
    }

    pub(crate) fn expect_all_alive(&self) {
        for node in (0..self.len()).filter(|n| self.running(*n)) {
            let others: BTreeSet<_> = (0..self.len()).filter(|n| *n != node && self.running(*n)).collect();
            assert_eq!(*self.alive(node), others, "what node {node} believes at {:?}", self.now);
        }
    }

    /// Runs until the condition holds. Returns how long that took, `None` if not within the limit.
    pub(crate) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> Option<Duration> {
        let (begin, end) = (self.now, self.now + limit);
        while !done(self) {
            if !self.step(end) {
                return None;
            }
        }
        Some(self.now - begin)
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// The next event before `end`; without one, time moves to `end`.
    fn step(&mut self, end: Duration) -> bool {
        match self.queue.peek() {
            Some(Reverse((at, _))) if *at <= end => {
                let Some(Reverse((at, sequence))) = self.queue.pop() else { return false };
                self.now = self.now.max(at);
                if let Some(event) = self.events.remove(&sequence) {
                    self.happen(event);
                }
                true
            }
            _ => {
                self.now = end;
                false
            }
        }
    }

    fn push(&mut self, at: Duration, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence)));
        self.events.insert(self.sequence, event);
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Deliver { to, from, datagram } => {
                if !self.connected(from, to) || !self.running(to) {
                    return;
                }
                if self.nodes[to].stalled_until > now {
                    if self.nodes[to].socket.len() < 1_000 {
                        let source = self.source(from);
                        self.nodes[to].socket.push((source, datagram));
                    }
                    return;
                }
                let source = self.source(from);
                self.call(to, |m| m.receive(source, &datagram, now)).ok();
            }
            Event::Wake { node, boot } => {
                let entry = &mut self.nodes[node];
                if entry.membership.is_none() || entry.boot != boot || entry.wake_at != Some(now) {
                    return;
                }
                if entry.stalled_until > now {
                    return;
                }
                entry.wake_at = None;
                self.call(node, |m| m.handle_deadline(now));
            }
            Event::Probed { node, boot, target, answered } => {
                let entry = &self.nodes[node];
                if entry.membership.is_none() || entry.boot != boot {
                    return;
                }
                if entry.stalled_until > now {
                    self.push(entry.stalled_until, Event::Probed { node, boot, target, answered });
                } else if answered {
                    self.call(node, |m| m.deny_quiet(&name(target), now));
                } else {
                    self.call(node, |m| m.confirm_quiet(&name(target), now));
                }
            }
            Event::Resume { node } => {
                if !self.running(node) || self.nodes[node].stalled_until > now {
                    return;
                }
                // The timer is seen first, then one datagram, as an unfair scheduler might have it.
                self.call(node, |m| m.handle_deadline(now));
                for (from, datagram) in std::mem::take(&mut self.nodes[node].socket) {
                    self.call(node, |m| m.receive(from, &datagram, now)).ok();
                }
            }
        }
    }

    fn after_call(&mut self, node: usize) {
        let told_before = self.news.len();
        while let Some(output) = self.nodes[node].membership.as_mut().and_then(Membership::poll_output) {
            let news = match output {
                Output::Send { to, datagram } => {
                    self.transmit(node, to, datagram);
                    continue;
                }
                Output::MemberUp { node: up, boot_id, .. } => {
                    self.nodes[node].alive.insert(number(&up));
                    self.nodes[node].facts.remove(&number(&up));
                    News::Up { node: number(&up), boot: boot_id }
                }
                Output::MemberDown { node: down, reason, at, .. } => {
                    assert_eq!(at, self.now);
                    assert!(self.nodes[node].alive.remove(&number(&down)), "down without up: {down}");
                    News::Down { node: number(&down), reason }
                }
                Output::Quiet { node: quiet } => {
                    self.probe(node, number(&quiet));
                    News::Quiet { node: number(&quiet) }
                }
                Output::FactsChanged { node: whose, facts } => {
                    self.nodes[node].facts.insert(number(&whose), facts);
                    News::Facts { node: number(&whose) }
                }
                Output::Alone(alone) => News::Alone(alone),
                Output::Former { facts } => News::Former(facts),
                Output::Started => News::Started,
                Output::Left { unacknowledged } => News::Left { unacknowledged },
            };
            self.news.push((self.now, node, news));
        }
        let Some(membership) = &self.nodes[node].membership else { return };
        if told_before < self.news.len() {
            let told: BTreeSet<_> = membership.members().map(|m| number(m.node)).collect();
            assert_eq!(told, self.nodes[node].alive, "news and members() of node {node} differ");
            for member in membership.members().filter(|member| member.facts.is_some()) {
                let told = self.nodes[node].facts.get(&number(member.node));
                assert_eq!(told, member.facts, "node {node} was told this, and knows that, of {}", member.node);
            }
        }
        let Some(due) = membership.next_deadline() else { return };
        let at = due.max(self.now) + Duration::from_micros(self.rng.random_range(0..=self.lateness));
        let earlier = self.nodes[node].wake_at.is_some_and(|wake| wake <= at && wake >= self.now);
        if !earlier {
            self.nodes[node].wake_at = Some(at);
            let boot = self.nodes[node].boot;
            self.push(at, Event::Wake { node, boot });
        }
    }

    fn transmit(&mut self, from: usize, to: SocketAddr, datagram: Vec<u8>) {
        assert!(datagram.len() <= herald_membership::MAX_DATAGRAM);
        self.datagrams += 1;
        let (to, home) = addresses::node_at(to);
        if home != u8::from(self.second.contains(&to)) {
            return;
        }
        if !self.connected(from, to) {
            return;
        }
        let copies = if self.rng.random_bool(self.network.twice) { 2 } else { 1 };
        for _ in 0..copies {
            if self.rng.random_bool(self.network.loss) {
                continue;
            }
            let (least, most) = self.network.delay;
            let at = self.now + Duration::from_micros(self.rng.random_range(least..=most));
            self.push(at, Event::Deliver { to, from, datagram: datagram.clone() });
        }
    }
}
