//! One scenario in virtual time: events in order, and what they lead to.
//!
//! | file | |
//! |---|---|
//! | `strike` | what the plan does to the cluster |
//! | `process` | a speaker's process: its life, its timers, its decisions |
//! | `network` | what gets from node to node |
//! | `place` | a node |

mod network;
mod place;
mod process;
mod strike;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_membership::{KeyRing, Leave, Timing};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use self::place::Place;
use crate::blow::{Blow, Network};
use crate::clock::Clock;
use crate::oracle::{self, Incumbents, Sight, Watcher};
use crate::plan::{Kind, Plan};
use crate::speaker::{Decided, FACTS_PATIENCE, News, Speaker};
use crate::truth::{self, Node, Truth};
use crate::wire;

/// How late timers fire, at most, in microseconds.
const LATENESS: u64 = 1_000;
/// Between news and the decision that follows from them: the program takes in what is waiting first.
const TURN: Duration = Duration::from_micros(200);
/// How long handing over may take at the end; as in the program.
const HANDOVER_LIMIT: Duration = Duration::from_secs(2);
/// Who has not seen the API server for so long is left out while others see it; as in the program.
const STALE: Duration = Duration::from_secs(15);
/// How long it may take until a new neighbour is answered in the name of a speaker that restarts.
const STAND_IN: Duration = Duration::from_millis(500);
/// Datagrams, or frames, that a socket of a paused process holds.
const SOCKET: usize = 1_000;
/// Events of one scenario; more are a storm without end.
const MOST_EVENTS: u64 = 20_000_000;

/// What a scenario came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) datagrams: u64,
    /// After the network was whole for the last time, how long an address still had two owners.
    pub(crate) twofold: Option<Duration>,
    /// How long two nodes answered for an address at the longest.
    pub(crate) longest: Duration,
}

enum Event {
    Blow(usize),
    Deliver {
        to: usize,
        from: usize,
        datagram: Vec<u8>,
    },
    Frame {
        from: usize,
        frame: Vec<u8>,
    },
    /// Time alone changes who should own what.
    Disturbance,
    /// The rest concerns one process: the number says which of its node.
    Process {
        node: usize,
        process: u64,
        what: What,
    },
    /// Everything must be as it should by now.
    Check,
}

enum What {
    Wake,
    Decide,
    Wire,
    News {
        watch: u64,
        news: News,
        truth: Arc<Truth>,
    },
    FactsOverdue,
    /// The kernel of a node that was asked for answers.
    Heard {
        target: usize,
    },
    /// Handing over has taken long enough.
    StopNow,
    Resume,
    Start,
}

pub(crate) struct Simulation {
    plan: Plan,
    now: Duration,
    network: Network,
    truth: Arc<Truth>,
    places: Vec<Place>,
    cuts: BTreeSet<(usize, usize)>,
    events: BTreeMap<u64, Event>,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    sequence: u64,
    rng: StdRng,
    keys: KeyRing,
    /// When everybody must have come to terms with what has happened.
    calm: Duration,
    healed: Duration,
    watcher: Watcher,
    incumbents: Incumbents,
    /// Until then the old owner of an address may be unable to go on serving.
    broken: Duration,
    /// Addresses whose owner's speaker restarts, with its node.
    kept: BTreeMap<IpAddr, usize>,
    outcome: Outcome,
    /// The story, if somebody wants it.
    story: Option<Vec<String>>,
}

impl Simulation {
    pub(crate) fn new(seed: u64, told: bool) -> Self {
        let plan = Plan::of(seed);
        Self {
            now: Duration::ZERO,
            network: plan.network,
            truth: Arc::new(Truth {
                version: 0,
                services: plan.services.clone(),
                nodes: vec![Node::default(); plan.nodes],
                failback: plan.failback,
            }),
            places: (0..plan.nodes).map(|_| Place::new()).collect(),
            cuts: BTreeSet::new(),
            events: BTreeMap::new(),
            queue: BinaryHeap::new(),
            sequence: 0,
            rng: StdRng::seed_from_u64(seed ^ 0x5157_ab1e),
            keys: KeyRing::insecure(),
            calm: Duration::ZERO,
            healed: Duration::ZERO,
            watcher: Watcher::default(),
            incumbents: Incumbents::default(),
            broken: Duration::ZERO,
            kept: BTreeMap::new(),
            outcome: Outcome::default(),
            story: told.then(Vec::new),
            plan,
        }
    }

    /// Runs to the end, or to the first thing that is wrong.
    pub(crate) fn run(&mut self) -> Result<Outcome, String> {
        for node in 0..self.plan.nodes {
            let at = Duration::from_micros(self.rng.random_range(0..50_000));
            self.push_process(node, at, What::Start);
        }
        for number in 0..self.plan.blows.len() {
            self.push(self.plan.blows[number].0, Event::Blow(number));
        }
        self.push(self.plan.end, Event::Check);
        for _ in 0..MOST_EVENTS {
            let Some(Reverse((at, sequence))) = self.queue.pop() else { break };
            if at > self.plan.end {
                break;
            }
            self.now = self.now.max(at);
            if let Some(event) = self.events.remove(&sequence) {
                self.happen(event)?;
            }
        }
        if self.now < self.plan.end {
            return Err(format!("still at {:?} after {MOST_EVENTS} events", self.now));
        }
        self.outcome.longest = self.watcher.longest;
        self.outcome.twofold = self.watcher.twofold.and_then(|at| at.checked_sub(self.healed));
        Ok(self.outcome)
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn story(&self) -> &[String] {
        self.story.as_deref().unwrap_or_default()
    }

    fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.story.is_some() {
            let line = format!("{:>9.3} ms  {}", self.now.as_secs_f64() * 1e3, line(self));
            self.story.get_or_insert_default().push(line);
        }
    }

    fn push(&mut self, at: Duration, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence)));
        self.events.insert(self.sequence, event);
    }

    fn push_process(&mut self, node: usize, at: Duration, what: What) {
        let process = self.places[node].process;
        self.push(at, Event::Process { node, process, what });
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Check => {
                if self.now < self.calm {
                    return Ok(()); // another one comes
                }
                self.check()
            }
            Event::Blow(number) => {
                let blow = self.plan.blows[number].1.clone();
                self.tell(|_| format!("{blow:?}"));
                self.strike(blow)
            }
            Event::Deliver { to, from, datagram } => self.deliver(to, from, datagram),
            Event::Frame { from, frame } => self.deliver_frame(from, &frame),
            Event::Disturbance => {
                self.disturb(self.now);
                Ok(())
            }
            Event::Process { node, process, what } => {
                let place = &mut self.places[node];
                if place.process != process {
                    return Ok(());
                }
                if place.paused_until > self.now && !matches!(what, What::Resume) {
                    place.deferred.push(what);
                    return Ok(());
                }
                self.proceed(node, what)
            }
        }
    }

    /// Something that others have to react to: nothing is expected of them before the bound is over.
    fn disturb(&mut self, until: Duration) {
        self.calm = self.calm.max(until + self.plan.bound);
        self.push(self.calm, Event::Check);
    }

    /// Ownership has changed.
    fn look(&mut self) -> Result<(), String> {
        let places = &self.places;
        let owners = |ip: IpAddr| places.iter().filter(|place| place.answers(ip)).count();
        let lost = self.watcher.look(self.now, self.truth.services.len(), owners);
        let begun = self.plan.blows.first().is_some_and(|(first, _)| self.now > *first);
        let planned = matches!(self.plan.kind, Kind::Move | Kind::LongOutage);
        if planned && begun && self.now > self.broken {
            let sights = self.sights();
            if let Some(service) = lost.into_iter().find(|s| oracle::announceable(&self.truth, *s, &sights)) {
                let ip = truth::service_ip(service);
                return Err(format!("invariant 8: {ip} is without an owner on a planned move"));
            }
        }
        if self.now > self.calm {
            return Err("invariant 2: an address moved although nothing has happened for long".to_owned());
        }
        Ok(())
    }

    /// What the oracle sees.
    fn sights(&self) -> Vec<Sight> {
        let sights = self.places.iter().enumerate().filter_map(|(node, place)| {
            let speaker = place.speaker.as_ref()?;
            Some(Sight {
                node,
                side: place.side,
                stale: place.blind_since.is_some_and(|since| self.now >= since + STALE),
                ready: speaker.is_ready(),
                version: speaker.seen.as_ref().map(|truth| truth.version),
            })
        });
        sights.collect()
    }

    fn check(&mut self) -> Result<(), String> {
        if !self.cuts.is_empty() {
            return Ok(()); // who hears whom is not the same for all
        }
        let now = self.now;
        let services = 0..self.truth.services.len();
        let told = services.map(|service| {
            let ip = truth::service_ip(service);
            let told = self.places.iter_mut().enumerate();
            told.filter_map(|(node, place)| Some((node, place.tells(ip, now)?))).collect()
        });
        let told: Vec<_> = told.collect();
        oracle::steady(&self.truth, &self.sights(), &told).map_or(Ok(()), Err)
    }

    /// A client that does not know an address asks everybody, while speakers restart.
    fn ask(&mut self, service: usize) -> Result<(), String> {
        let (now, ip) = (self.now, truth::service_ip(service));
        let Some(owner) = self.kept.get(&ip).copied() else { return Ok(()) };
        let told: BTreeSet<usize> = self.places.iter_mut().filter_map(|place| place.tells(ip, now)).collect();
        self.tell(|_| format!("a client asks for {ip} and is told {told:?}"));
        if let Some(other) = told.iter().find(|node| **node != owner) {
            return Err(format!(
                "invariant 8: {ip} is said to be at node {other} while the speaker on {owner} restarts"
            ));
        }
        let settled = self.places.iter().all(|place| now > place.changed + STAND_IN);
        if told.is_empty() && settled {
            return Err(format!("invariant 8: nobody answers for {ip} while the speaker on node {owner} restarts"));
        }
        Ok(())
    }

    /// Who may not keep an address, as of now.
    fn note_unable(&mut self) {
        if self.plan.kind == Kind::Move && !self.plan.failback {
            let sights = self.sights();
            let unable = oracle::unable(&self.truth, &sights);
            self.incumbents.note(unable, self.now);
        }
    }

    /// A node takes an address. Without failback, whoever has it must have had a reason to give it up.
    fn check_incumbents(&mut self, ip: IpAddr, by: usize) -> Result<(), String> {
        let begun = self.plan.blows.first().is_some_and(|(first, _)| self.now > *first);
        if self.plan.kind != Kind::Move || self.plan.failback || !begun {
            return Ok(());
        }
        self.note_unable();
        let others = self.places.iter().enumerate().filter(|(node, place)| *node != by && place.owned.contains(&ip));
        let since = self.now.saturating_sub(self.plan.bound);
        match others.map(|(node, _)| node).find(|node| !self.incumbents.was_unable(ip, *node, since)) {
            Some(owner) => Err(format!("failback: node {by} takes {ip}, which node {owner} has and may keep")),
            None => Ok(()),
        }
    }
}
