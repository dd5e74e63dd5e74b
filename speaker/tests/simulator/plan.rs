//! What happens in one scenario: all of it follows from the seed, before anything runs.

use std::collections::BTreeMap;
use std::time::Duration;

use herald_speaker::watch::endpoint_slice::EndpointState;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::blow::{Blow, Network};
use crate::truth::Service;

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What a scenario is about, and so what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Anything, at any time. Afterwards all must be well.
    Storm,
    /// The network falls apart and heals: each part serves, and afterwards two owners are gone soon.
    Partition,
    /// The speakers don't hear each other, though their nodes do: on the wire one keeps each address.
    Deaf,
    /// Labels, taints and endpoints change in a healthy cluster: the new owner comes before the old one goes.
    Move,
    /// A speaker restarts in a healthy cluster: nothing moves, and new neighbours are answered.
    Restart,
    /// The API server is away, for some or for all: what is announced stays, and failover works.
    Outage,
    /// It is away for longer than the grace: who alone does not see it steps back, as a planned move.
    LongOutage,
}

/// A scenario.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) nodes: usize,
    pub(crate) network: Network,
    pub(crate) services: Vec<Service>,
    /// Whether addresses return to the first in the election.
    pub(crate) failback: bool,
    pub(crate) blows: Vec<(Duration, Blow)>,
    /// So long after a blow everything must be as it should.
    pub(crate) bound: Duration,
    /// How long a speaker that fell silent is waited for while its node answers.
    pub(crate) silent_grace: Duration,
    /// And so long after the network is whole again.
    pub(crate) heal_bound: Duration,
    pub(crate) end: Duration,
}

/// Nodes of a scenario: 98 in 100 have 3 to 7.
fn size(rng: &mut StdRng) -> usize {
    match rng.random_range(0..1_000) {
        0..980 => rng.random_range(3..=7),
        980..998 => rng.random_range(8..=30),
        _ => rng.random_range(31..=100),
    }
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let kind = match rng.random_range(0..100) {
            0..33 => Kind::Storm,
            33..53 => Kind::Partition,
            53..61 => Kind::Deaf,
            61..75 => Kind::Move,
            75..85 => Kind::Restart,
            85..98 => Kind::Outage,
            _ => Kind::LongOutage,
        };
        let nodes = if kind == Kind::LongOutage { rng.random_range(3..=5) } else { size(&mut rng) };
        let services = (0..rng.random_range(1..=4)).map(|_| service(nodes, &mut rng)).collect();
        let good = Network {
            loss: if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.02) },
            twice: if rng.random_bool(0.5) { 0.0 } else { 0.02 },
            delay: [500, 1_000, 3_000][rng.random_range(0..3)],
        };
        let network = match kind {
            Kind::Storm => {
                Network { loss: rng.random_range(0.0..0.15), twice: 0.05, delay: rng.random_range(200..20_000) }
            }
            _ => good,
        };
        let many = nodes > 10;
        let bound = match kind {
            Kind::Storm | Kind::Restart | Kind::Outage | Kind::LongOutage => ms(if many { 4_000 } else { 3_000 }),
            Kind::Partition | Kind::Deaf => ms(if many { 4_000 } else { 2_000 }),
            Kind::Move => ms(1_000),
        };
        let heal_bound = match kind {
            Kind::Partition | Kind::Deaf => ms(if many { 2_000 } else { 500 }),
            _ => bound,
        };
        // How long a speaker that was killed on a living node is waited for.
        let may_wait = matches!(kind, Kind::Storm | Kind::Partition | Kind::Deaf | Kind::Outage | Kind::LongOutage);
        let silent_grace = ms(if may_wait && rng.random_bool(0.5) { 1_000 } else { 0 });
        let (bound, heal_bound) = (bound + silent_grace, heal_bound + silent_grace);
        let blows = Vec::new();
        let failback = rng.random_bool(0.7);
        let end = Duration::ZERO;
        let mut plan = Self { kind, nodes, network, services, failback, silent_grace, blows, bound, heal_bound, end };
        let mut at = ms(rng.random_range(1_200..1_500)) + ms(if nodes > 10 { 500 } else { 0 });
        match kind {
            Kind::Storm => plan.storm(&mut at, good, &mut rng),
            Kind::Partition => plan.partition(&mut at, good, &mut rng),
            Kind::Move => plan.moves(&mut at, &mut rng),
            Kind::Restart => plan.restart(&mut at, &mut rng),
            Kind::Deaf => plan.deaf(&mut at, good, &mut rng),
            Kind::Outage => plan.outage(&mut at, &mut rng),
            Kind::LongOutage => plan.long_outage(&mut at, &mut rng),
        }
        plan.end = at + plan.heal_bound + ms(400);
        plan
    }

    fn add(&mut self, at: Duration, blow: Blow) {
        self.blows.push((at, blow));
    }

    fn storm(&mut self, at: &mut Duration, good: Network, rng: &mut StdRng) {
        let mut longest = *at;
        for _ in 0..rng.random_range(3..=8) {
            let (node, other) = (rng.random_range(0..self.nodes), rng.random_range(0..self.nodes));
            let blow = match rng.random_range(0..15) {
                0 => Blow::Kill(node),
                1 => Blow::Silence(node),
                2 | 3 => Blow::Start(node),
                4 => Blow::Stop(node),
                5 => {
                    let away = ms(rng.random_range(50..2_500));
                    longest = longest.max(*at + away);
                    Blow::Restart { node, away, grace: ms(1_500) }
                }
                6 => {
                    let time = ms(rng.random_range(1..1_500));
                    longest = longest.max(*at + time);
                    // Minutes, in one of two.
                    let leap = if rng.random_bool(0.5) { ms(rng.random_range(1_000..600_000)) } else { ms(0) };
                    Blow::Pause { node, time, leap }
                }
                14 => {
                    let time = ms(rng.random_range(300..2_000));
                    longest = longest.max(*at + time);
                    Blow::Sleep(node, time)
                }
                7 => Blow::Divide(sides(self.nodes, rng)),
                8 => Blow::Heal(self.network),
                9 => Blow::Cut(node, other),
                10 => Blow::ApiAway(node),
                11 => Blow::ApiBack(node),
                12 => self.endpoint_change(rng),
                _ => label(node, rng),
            };
            self.add(*at, blow);
            *at += ms(rng.random_range(0..400));
        }
        *at = longest.max(*at);
        self.add(*at, Blow::Heal(good));
        for node in 0..self.nodes {
            self.add(*at, Blow::ApiBack(node));
            if rng.random_bool(0.8) {
                let later = *at + ms(rng.random_range(0..200));
                self.add(later, Blow::Start(node));
            }
        }
        *at += ms(200);
        self.blows.sort_by_key(|(at, _)| *at);
    }

    fn partition(&mut self, at: &mut Duration, good: Network, rng: &mut StdRng) {
        for _ in 0..rng.random_range(1..=2) {
            self.add(*at, Blow::Divide(sides(self.nodes, rng)));
            *at += ms(if rng.random_bool(0.7) { rng.random_range(100..1_500) } else { 2_500 });
            self.add(*at, Blow::Heal(good));
            *at += ms(rng.random_range(0..700));
        }
        *at = self.blows.last().map_or(*at, |(at, _)| *at);
    }

    /// UDP is blocked, for some or between all; the wire is as it was.
    fn deaf(&mut self, at: &mut Duration, good: Network, rng: &mut StdRng) {
        if rng.random_bool(0.3) {
            self.add(*at, Blow::Drain(rng.random_range(0..self.nodes), true));
            *at += ms(rng.random_range(0..1_000));
        }
        self.add(*at, Blow::Deafen(sides(self.nodes, rng)));
        *at += self.bound + ms(rng.random_range(50..500));
        if rng.random_bool(0.6) {
            let node = rng.random_range(0..self.nodes);
            self.add(*at, if rng.random_bool(0.5) { Blow::Kill(node) } else { Blow::Silence(node) });
            *at += self.bound + ms(rng.random_range(50..300));
        }
        self.add(*at, Blow::Heal(good));
    }

    fn moves(&mut self, at: &mut Duration, rng: &mut StdRng) {
        for _ in 0..rng.random_range(1..=3) {
            let node = rng.random_range(0..self.nodes);
            let blow = if rng.random_bool(0.5) { label(node, rng) } else { self.endpoint_change(rng) };
            self.add(*at, blow);
            *at += ms(rng.random_range(300..1_200));
        }
    }

    fn restart(&mut self, at: &mut Duration, rng: &mut StdRng) {
        for _ in 0..rng.random_range(1..=2) {
            let away = ms(rng.random_range(50..1_500));
            let node = rng.random_range(0..self.nodes);
            self.add(*at, Blow::Restart { node, away, grace: ms(10_000) });
            for _ in 0..3 {
                let asked = *at + ms(rng.random_range(0..2_500));
                let service = rng.random_range(0..self.services.len());
                self.add(asked, Blow::Ask(service));
            }
            *at += away + ms(rng.random_range(0..1_500));
        }
        self.blows.sort_by_key(|(at, _)| *at);
        *at = self.blows.last().map_or(*at, |(last, _)| (*last).max(*at));
    }

    fn outage(&mut self, at: &mut Duration, rng: &mut StdRng) {
        let all = rng.random_bool(0.6);
        let away: Vec<_> = (0..self.nodes).filter(|_| all || rng.random_bool(0.3)).collect();
        for node in &away {
            self.add(*at + ms(rng.random_range(0..300)), Blow::ApiAway(*node));
        }
        *at += ms(300);
        for _ in 0..rng.random_range(0..=2) {
            let node = rng.random_range(0..self.nodes);
            let blow = match rng.random_range(0..5) {
                0 => Blow::Kill(node),
                1 => Blow::Silence(node),
                2 => Blow::Start(node),
                3 => self.endpoint_change(rng),
                _ => Blow::Restart { node, away: ms(rng.random_range(50..600)), grace: ms(1_500) },
            };
            self.add(*at, blow);
            *at += ms(rng.random_range(0..1_000));
        }
        // What holds while it is away is looked at, too.
        *at += self.bound + ms(200);
        for node in &away {
            self.add(*at + ms(rng.random_range(0..300)), Blow::ApiBack(*node));
        }
        *at += ms(300);
        self.blows.sort_by_key(|(at, _)| *at);
    }

    /// Whoever has not seen the API server for 15 s steps back if somebody has; then it is there again.
    fn long_outage(&mut self, at: &mut Duration, rng: &mut StdRng) {
        let all = rng.random_bool(0.3);
        let away: Vec<_> = (0..self.nodes).filter(|_| all || rng.random_bool(0.4)).collect();
        for node in &away {
            self.add(*at + ms(rng.random_range(0..300)), Blow::ApiAway(*node));
        }
        *at += ms(15_500);
        if rng.random_bool(0.3) {
            *at += self.bound;
            self.add(*at, Blow::Kill(rng.random_range(0..self.nodes)));
        }
        *at += self.bound + ms(200);
        for node in &away {
            self.add(*at + ms(rng.random_range(0..300)), Blow::ApiBack(*node));
        }
        *at += ms(300);
        self.blows.sort_by_key(|(at, _)| *at);
    }

    fn endpoint_change(&self, rng: &mut StdRng) -> Blow {
        let state = [None, Some(EndpointState::Ready), Some(EndpointState::ServingTerminating)];
        Blow::Endpoint {
            service: rng.random_range(0..self.services.len()),
            node: rng.random_range(0..self.nodes),
            state: state[rng.random_range(0..state.len())],
        }
    }
}

fn label(node: usize, rng: &mut StdRng) -> Blow {
    match rng.random_range(0..4) {
        0 => Blow::Exclude(node, true),
        1 => Blow::Exclude(node, false),
        2 => Blow::Drain(node, rng.random_bool(0.6)),
        _ => Blow::Cordon(node, rng.random_bool(0.5)),
    }
}

fn service(nodes: usize, rng: &mut StdRng) -> Service {
    let mut endpoints = BTreeMap::new();
    for _ in 0..rng.random_range(1..=4) {
        let state = if rng.random_bool(0.8) { EndpointState::Ready } else { EndpointState::ServingTerminating };
        endpoints.insert(rng.random_range(0..nodes), state);
    }
    Service { local: rng.random_bool(0.4), endpoints }
}

fn sides(nodes: usize, rng: &mut StdRng) -> Vec<u8> {
    let parts = rng.random_range(2..=3);
    (0..nodes).map(|_| rng.random_range(0..parts)).collect()
}
