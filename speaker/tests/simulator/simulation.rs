//! One scenario in virtual time: events in order, and what they lead to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use herald_membership::{KeyRing, Leave, Timing};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::oracle::{self, Sight, Watcher};
use crate::plan::{Blow, Kind, Network, Plan};
use crate::speaker::{Decided, FACTS_PATIENCE, News, Speaker};
use crate::truth::{self, Node, Truth};

/// How late timers fire, at most, in microseconds.
const LATENESS: u64 = 1_000;
/// Between news and the decision that follows from them: the program takes in what is waiting first.
const TURN: Duration = Duration::from_micros(200);
/// How long handing over may take at the end; as in the program.
const HANDOVER_LIMIT: Duration = Duration::from_secs(2);
/// Datagrams that a socket of a paused process holds.
const SOCKET: usize = 1_000;
/// Events of one scenario; more are a storm without end.
const MOST_EVENTS: u64 = 20_000_000;

/// What a scenario came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) datagrams: u64,
    /// After the network was whole for the last time, how long an address still had two owners.
    pub(crate) twofold: Option<Duration>,
}

enum Event {
    Blow(usize),
    Deliver {
        to: usize,
        from: usize,
        datagram: Vec<u8>,
    },
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

struct Place {
    speaker: Option<Speaker>,
    /// Its kernel answers.
    powered: bool,
    process: u64,
    paused_until: Duration,
    socket: Vec<(SocketAddr, Vec<u8>)>,
    deferred: Vec<What>,
    wake_at: Option<Duration>,
    decide_at: Option<Duration>,
    api: bool,
    /// Counts the connections to the API server.
    watch: u64,
    last_news: Duration,
    owned: BTreeSet<IpAddr>,
    side: u8,
    /// When it is to start again after it has left.
    back: Option<Duration>,
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
        let place = || Place {
            speaker: None,
            powered: true,
            process: 0,
            paused_until: Duration::ZERO,
            socket: Vec::new(),
            deferred: Vec::new(),
            wake_at: None,
            decide_at: None,
            api: true,
            watch: 0,
            last_news: Duration::ZERO,
            owned: BTreeSet::new(),
            side: 0,
            back: None,
        };
        Self {
            now: Duration::ZERO,
            network: plan.network,
            truth: Arc::new(Truth {
                version: 0,
                services: plan.services.clone(),
                nodes: vec![Node::default(); plan.nodes],
            }),
            places: (0..plan.nodes).map(|_| place()).collect(),
            cuts: BTreeSet::new(),
            events: BTreeMap::new(),
            queue: BinaryHeap::new(),
            sequence: 0,
            rng: StdRng::seed_from_u64(seed ^ 0x5157_ab1e),
            keys: KeyRing::insecure(),
            calm: Duration::ZERO,
            healed: Duration::ZERO,
            watcher: Watcher::default(),
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

    fn strike(&mut self, blow: Blow) -> Result<(), String> {
        self.disturb(self.now);
        match blow {
            Blow::Kill(node) => self.kill(node)?,
            Blow::Silence(node) => {
                self.kill(node)?;
                self.places[node].powered = false;
            }
            Blow::Start(node) if self.places[node].speaker.is_none() => self.start(node)?,
            Blow::Stop(node) => self.leave(node, Leave::Stop, None)?,
            Blow::Restart { node, away, grace } => {
                if self.plan.kind == Kind::Restart {
                    let owned = self.places[node].owned.iter().map(|ip| (*ip, node));
                    self.kept.extend(owned);
                } else {
                    // It may come back blind and is waited for all the same.
                    self.disturb(self.now + grace);
                }
                self.leave(node, Leave::Restart { grace }, Some(away))?;
            }
            Blow::Pause(node, time) => {
                let until = self.now + time;
                self.places[node].paused_until = until;
                self.push_process(node, until, What::Resume);
                self.disturb(until);
            }
            Blow::Divide(sides) => {
                for (place, side) in self.places.iter_mut().zip(sides) {
                    place.side = side;
                }
            }
            Blow::Cut(from, to) => {
                self.cuts.insert((from, to));
            }
            Blow::Heal(network) => {
                self.network = network;
                self.cuts.clear();
                self.places.iter_mut().for_each(|place| place.side = 0);
                self.healed = self.now;
                self.calm = self.now + self.plan.heal_bound;
                self.push(self.calm, Event::Check);
                self.watcher.twofold = None;
                self.look()?;
            }
            Blow::ApiAway(node) => {
                let place = &mut self.places[node];
                if std::mem::replace(&mut place.api, false) {
                    place.watch += 1;
                    self.send_news(node, News::Broken);
                }
            }
            Blow::ApiBack(node) => {
                let place = &mut self.places[node];
                if !std::mem::replace(&mut place.api, true) {
                    place.watch += 1;
                    self.send_news(node, News::All);
                }
            }
            Blow::Endpoint { service, node, state } => {
                let truth = Arc::make_mut(&mut self.truth);
                let endpoints = &mut truth.services[service].endpoints;
                let before = endpoints.get(&node).copied();
                match state {
                    Some(state) => drop(endpoints.insert(node, state)),
                    None => drop(endpoints.remove(&node)),
                }
                if state.is_none() {
                    self.broken = self.now + self.plan.bound;
                }
                if before != state {
                    self.publish(News::Slice(service));
                }
            }
            Blow::Exclude(node, excluded) => self.change_node(node, |node| node.excluded = excluded),
            Blow::Cordon(node, cordoned) => self.change_node(node, |node| node.cordoned = cordoned),
            Blow::Start(_) => {}
        }
        Ok(())
    }

    fn change_node(&mut self, node: usize, change: impl FnOnce(&mut Node)) {
        change(&mut Arc::make_mut(&mut self.truth).nodes[node]);
        self.publish(News::Node(node));
    }

    /// The truth has changed: everybody whose watches work hears of it.
    fn publish(&mut self, news: News) {
        Arc::make_mut(&mut self.truth).version += 1;
        for node in 0..self.places.len() {
            if self.places[node].api {
                self.send_news(node, news.clone());
            }
        }
    }

    /// News arrive in their order, after a while.
    fn send_news(&mut self, node: usize, news: News) {
        let after = Duration::from_micros(match news {
            News::All => self.rng.random_range(20_000..150_000),
            _ => self.rng.random_range(1_000..50_000),
        });
        let place = &mut self.places[node];
        let at = (self.now + after).max(place.last_news);
        place.last_news = at;
        let (watch, truth) = (place.watch, Arc::clone(&self.truth));
        self.push_process(node, at, What::News { watch, news, truth });
        self.disturb(at);
    }

    fn start(&mut self, node: usize) -> Result<(), String> {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let boot = 1_000_000 + u64::try_from(self.now.as_millis()).unwrap_or(0);
        let mut speaker = Speaker::start(node, self.plan.nodes, boot, seed, self.keys.clone(), Timing::default());
        speaker.loud = self.story.is_some();
        let place = &mut self.places[node];
        place.speaker = Some(speaker);
        place.powered = true;
        place.process += 1;
        place.paused_until = Duration::ZERO;
        place.socket.clear();
        place.deferred.clear();
        place.wake_at = None;
        place.decide_at = None;
        place.back = None;
        place.last_news = self.now;
        if place.api {
            self.send_news(node, News::All);
        }
        self.disturb(self.now);
        self.follow(node)
    }

    fn kill(&mut self, node: usize) -> Result<(), String> {
        let place = &mut self.places[node];
        place.speaker = None;
        place.process += 1;
        place.back = None;
        place.owned.clear();
        self.look()
    }

    fn leave(&mut self, node: usize, how: Leave, away: Option<Duration>) -> Result<(), String> {
        let now = self.now;
        let place = &mut self.places[node];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        place.back = away;
        if how == Leave::Stop && speaker.begin_to_stop() {
            self.push_process(node, now + HANDOVER_LIMIT, What::StopNow);
            self.decide_soon(node);
            return Ok(());
        }
        speaker.leave(how, now);
        self.follow(node)
    }

    fn proceed(&mut self, node: usize, what: What) -> Result<(), String> {
        let now = self.now;
        if let What::Start = what {
            return if self.places[node].speaker.is_none() { self.start(node) } else { Ok(()) };
        }
        let unfair = matches!(what, What::Resume) && self.rng.random_bool(0.5);
        let place = &mut self.places[node];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        match what {
            What::Start => {}
            What::Wake => {
                if place.wake_at != Some(now) {
                    return Ok(());
                }
                place.wake_at = None;
                speaker.wake(now);
            }
            What::Decide => {
                if place.decide_at != Some(now) {
                    return Ok(());
                }
                place.decide_at = None;
                return self.decide(node);
            }
            What::News { watch, news, truth } => {
                if watch != place.watch {
                    return Ok(()); // that connection is gone
                }
                speaker.see(&news, &truth, now);
                self.decide_soon(node);
            }
            What::FactsOverdue => {
                speaker.facts_overdue();
                self.decide_soon(node);
            }
            What::Heard { target } => {
                speaker.heard(target);
                self.decide_soon(node);
                return Ok(());
            }
            What::StopNow => speaker.leave(Leave::Stop, now),
            What::Resume => {
                if place.paused_until > now {
                    return Ok(());
                }
                // Timers may be looked at before the socket.
                if unfair {
                    speaker.wake(now);
                }
                for (from, datagram) in std::mem::take(&mut place.socket) {
                    speaker.receive(from, &datagram, now);
                }
                place.wake_at = None;
                place.decide_at = None;
                for what in std::mem::take(&mut place.deferred) {
                    if !matches!(what, What::Wake | What::Decide) {
                        self.proceed(node, what)?;
                    }
                }
                self.decide_soon(node);
            }
        }
        self.follow(node)
    }

    fn decide_soon(&mut self, node: usize) {
        self.decide_by(node, self.now + TURN);
    }

    fn decide_by(&mut self, node: usize, at: Duration) {
        let place = &mut self.places[node];
        if place.decide_at.is_none_or(|known| known > at) {
            place.decide_at = Some(at);
            self.push_process(node, at, What::Decide);
        }
    }

    fn decide(&mut self, node: usize) -> Result<(), String> {
        let now = self.now;
        let place = &mut self.places[node];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        let Decided { changes, probes, handed_over } = speaker.decide(now);
        if handed_over {
            speaker.leave(Leave::Stop, now);
        }
        let next = speaker.decide_at();
        for (ip, owns) in &changes {
            if !*owns {
                place.owned.remove(ip);
                continue;
            }
            place.owned.insert(*ip);
            if let Some(owner) = self.kept.get(ip).filter(|owner| **owner != node) {
                return Err(format!("invariant 8: node {node} takes {ip} while the speaker on node {owner} restarts"));
            }
        }
        for target in probes {
            self.probe(node, truth::node_at(target));
        }
        if let Some(at) = next {
            self.decide_by(node, at.max(now + TURN));
        }
        for (ip, owns) in &changes {
            let word = if *owns { "owns" } else { "gives up" };
            self.tell(|s| {
                let members = s.places[node].speaker.as_ref().map(Speaker::members).unwrap_or_default();
                format!("node {node} {word} {ip}; believes alive {members:?}")
            });
        }
        self.follow(node)?;
        if changes.is_empty() { Ok(()) } else { self.look() }
    }

    /// What a call to a speaker leads to.
    fn follow(&mut self, node: usize) -> Result<(), String> {
        let now = self.now;
        let Some(speaker) = &mut self.places[node].speaker else { return Ok(()) };
        let effects = speaker.effects();
        let due = speaker.wake_at();
        for told in &effects.told {
            self.tell(|_| format!("    node {node} hears: {told}"));
        }
        for (to, datagram) in effects.sent {
            self.transmit(node, truth::node_at(to.ip()), datagram);
        }
        if effects.news {
            self.decide_soon(node);
        }
        if effects.started {
            self.push_process(node, now + FACTS_PATIENCE, What::FactsOverdue);
        }
        if effects.left {
            let back = self.places[node].back;
            self.tell(|_| format!("node {node} has left"));
            self.kill(node)?;
            self.disturb(now);
            if let Some(away) = back {
                self.push_process(node, now + away, What::Start);
                self.disturb(now + away);
            }
            return Ok(());
        }
        let Some(due) = due else { return Ok(()) };
        let place = &mut self.places[node];
        let at = due.max(now) + Duration::from_micros(self.rng.random_range(0..=LATENESS));
        if place.wake_at.is_none_or(|known| known > at || known < now) {
            place.wake_at = Some(at);
            self.push_process(node, at, What::Wake);
        }
        Ok(())
    }

    fn hears(&self, from: usize, to: usize) -> bool {
        self.places[from].side == self.places[to].side && !self.cuts.contains(&(from, to))
    }

    fn transmit(&mut self, from: usize, to: usize, datagram: Vec<u8>) {
        self.outcome.datagrams += 1;
        if to >= self.places.len() || !self.hears(from, to) {
            return;
        }
        let Network { loss, twice, delay } = self.network;
        if twice > 0.0 && self.rng.random_bool(twice) {
            let at = self.now + Duration::from_micros(self.rng.random_range(50..=delay));
            self.push(at, Event::Deliver { to, from, datagram: datagram.clone() });
        }
        if loss > 0.0 && self.rng.random_bool(loss) {
            return;
        }
        let at = self.now + Duration::from_micros(self.rng.random_range(50..=delay));
        self.push(at, Event::Deliver { to, from, datagram });
    }

    fn deliver(&mut self, to: usize, from: usize, datagram: Vec<u8>) -> Result<(), String> {
        let now = self.now;
        if !self.hears(from, to) {
            return Ok(());
        }
        let place = &mut self.places[to];
        let Some(speaker) = &mut place.speaker else { return Ok(()) };
        if place.paused_until > now {
            if place.socket.len() < SOCKET {
                place.socket.push((truth::address(from), datagram));
            }
            return Ok(());
        }
        speaker.receive(truth::address(from), &datagram, now);
        self.follow(to)
    }

    /// Asks for a node on layer 2, once.
    fn probe(&mut self, node: usize, target: usize) {
        let Some(other) = self.places.get(target) else { return };
        let lost = 1.0 - (1.0 - self.network.loss).powi(2);
        if other.powered && self.hears(node, target) && self.hears(target, node) && !self.rng.random_bool(lost) {
            let after = Duration::from_micros(self.rng.random_range(100..=2 * self.network.delay));
            self.push_process(node, self.now + after, What::Heard { target });
        }
    }

    /// Ownership has changed.
    fn look(&mut self) -> Result<(), String> {
        let places = &self.places;
        let owners = |ip: IpAddr| places.iter().filter(|place| place.owned.contains(&ip)).count();
        let lost = self.watcher.look(self.now, self.truth.services.len(), owners);
        let begun = self.plan.blows.first().is_some_and(|(first, _)| self.now > *first);
        if self.plan.kind == Kind::Move && begun && self.now > self.broken {
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
    fn sights(&self) -> Vec<Sight<'_>> {
        let sights = self.places.iter().enumerate().filter_map(|(node, place)| {
            let speaker = place.speaker.as_ref()?;
            Some(Sight {
                node,
                side: place.side,
                ready: speaker.is_ready(),
                version: speaker.seen.as_ref().map(|truth| truth.version),
                owned: &place.owned,
            })
        });
        sights.collect()
    }

    fn check(&mut self) -> Result<(), String> {
        if !self.cuts.is_empty() {
            return Ok(()); // who hears whom is not the same for all
        }
        let sights = self.sights();
        oracle::steady(&self.truth, &sights).map_or(Ok(()), Err)
    }
}
