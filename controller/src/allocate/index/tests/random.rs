//! The index under random sequences: watches that lag, requests and replies that are lost, users
//! who edit faster than anybody can follow, controllers that die.
//!
//! After every step the promises of DESIGN hold: no address is on two Services, and none moves
//! without its Service's wish. When everything has come to rest, everybody who can have an address
//! has one and nothing more is written.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use herald_runtime::watch::Change;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::allocate::Fetched;

#[derive(Clone, Debug)]
enum Step {
    /// A user creates a Service, or changes what an existing one asks for.
    Edit { name: u8, wanted: Option<u8> },
    /// A user deletes a Service, or changes its type: the same to us.
    Delete { name: u8 },
    /// A user edits the pools.
    Pools { choice: usize },
    /// The watch says the next things that it has not said yet.
    Watch { count: usize },
    /// The watch lists everything again.
    Relist,
    /// The controller begins what is to be done.
    Begin { room: usize },
    /// A request under way comes to its end.
    Finish { pick: usize, fate: Fate },
    /// Time passes.
    Wait { ms: u64 },
    /// A new controller takes the place of this one, whose requests are all lost.
    Crash,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Good,
    RequestLost,
    ReplyLost,
}

const POOLS: &[&[(&str, &[&str])]] = &[
    &[("p", &["192.0.2.0-192.0.2.4"])],
    &[("p", &["192.0.2.0-192.0.2.1"]), ("q", &["192.0.2.2-192.0.2.4"])],
    &[("q", &["192.0.2.3-192.0.2.5"])],
    &[],
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate = prop_oneof![4 => Just(Fate::Good), 1 => Just(Fate::RequestLost), 1 => Just(Fate::ReplyLost)];
    let step = prop_oneof![
        5 => (0..6_u8, proptest::option::of(0..6_u8)).prop_map(|(name, wanted)| Step::Edit { name, wanted }),
        2 => (0..6_u8).prop_map(|name| Step::Delete { name }),
        1 => (0..POOLS.len()).prop_map(|choice| Step::Pools { choice }),
        5 => (1..4_usize).prop_map(|count| Step::Watch { count }),
        1 => Just(Step::Relist),
        6 => (1..4_usize).prop_map(|room| Step::Begin { room }),
        8 => (any::<usize>(), fate).prop_map(|(pick, fate)| Step::Finish { pick, fate }),
        2 => prop_oneof![Just(60_u64), Just(1_000), Just(60_000)].prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Crash),
    ];
    proptest::collection::vec(step, 1..80)
}

struct World {
    cluster: Cluster,
    /// What the watch has not said yet.
    unsaid: VecDeque<Change<SeenService>>,
    under_way: Vec<Job>,
    /// Services whose user changed something since their addresses were last written.
    wished: BTreeSet<ServiceKey>,
}

impl World {
    fn new() -> Self {
        let pools = POOLS[0].iter().map(|(name, addresses)| pool(name, addresses)).collect();
        let cluster = Cluster::new(pools);
        Self { cluster, unsaid: VecDeque::new(), under_way: Vec::new(), wished: BTreeSet::new() }
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Edit { name, wanted } => self.edit(name, wanted),
            Step::Delete { name } => {
                if let Some(seen) = self.cluster.services.remove(&key(name)) {
                    self.unsaid.push_back(Change::Deleted(seen));
                }
            }
            Step::Pools { choice } => {
                let pools = POOLS[choice].iter().map(|(name, addresses)| pool(name, addresses)).collect();
                self.cluster.set_pools(pools);
            }
            Step::Watch { count } => {
                for _ in 0..count {
                    let Some(change) = self.unsaid.pop_front() else { break };
                    self.cluster.index.services(change, self.cluster.now);
                }
            }
            Step::Relist => self.relist(),
            Step::Begin { room } => self.under_way.extend(self.cluster.index.jobs(room, self.cluster.now)),
            Step::Finish { pick, fate } => {
                if !self.under_way.is_empty() {
                    let job = self.under_way.swap_remove(pick % self.under_way.len());
                    self.finish(job, fate)?;
                }
            }
            Step::Wait { ms: time } => self.cluster.now += ms(time),
            Step::Crash => {
                self.under_way.clear();
                self.unsaid.clear();
                self.cluster.restart();
            }
        }
        Ok(())
    }

    fn edit(&mut self, name: u8, wanted: Option<u8>) {
        let key = key(name);
        if !self.cluster.services.contains_key(&key) {
            self.cluster.store(&key.name, json!({}), json!({}));
        }
        self.cluster.change(&key, |service| {
            let addresses = wanted.map(|last| IpAddr::from([192, 0, 2, last])).into_iter().collect();
            service.request.wish = Ok(Wish { addresses, pool: None });
        });
        self.wished.insert(key.clone());
        self.unsaid.push_back(Change::Applied(self.cluster.services[&key].clone()));
    }

    fn relist(&mut self) {
        self.unsaid.clear();
        let all = self.cluster.services.values().cloned().collect();
        self.cluster.index.services(Change::Reset(all), self.cluster.now);
    }

    fn finish(&mut self, job: Job, fate: Fate) -> Result<(), TestCaseError> {
        match (job, fate) {
            (job, Fate::Good) => {
                if let Job::Write(write) = &job {
                    let outcome = self.write(write)?;
                    let done = Done::Write { write: write.clone(), outcome };
                    self.cluster.index.done(done, self.cluster.now);
                } else {
                    self.cluster.perform(job);
                }
            }
            (Job::Write(write), fate) => {
                if matches!(fate, Fate::ReplyLost) {
                    self.write(&write)?;
                }
                let outcome = Written::Unknown("lost".into());
                self.cluster.index.done(Done::Write { write, outcome }, self.cluster.now);
            }
            (Job::Fetch { ticket, key }, _) => {
                let outcome = Fetched::Unknown("lost".into());
                self.cluster.index.done(Done::Fetch { ticket, key, outcome }, self.cluster.now);
            }
            (Job::Unmark { key }, _) => {
                self.cluster.index.done(Done::Unmark { key, clean: false }, self.cluster.now);
            }
            (Job::Status(write), _) => {
                let (kind, name) = (write.verdict.kind, write.verdict.name);
                self.cluster.index.done(Done::Status { kind, name, written: None }, self.cluster.now);
            }
        }
        Ok(())
    }

    /// A write arrives at the server; if it stands, the watch will say so.
    fn write(&mut self, write: &ServiceWrite) -> Result<Written, TestCaseError> {
        let before = self.cluster.services.get(&write.key).map(|service| service.request.shown.clone());
        let outcome = self.cluster.serve(write);
        if let Written::Stands(seen) = &outcome {
            let before = before.unwrap_or_default();
            let same = before == seen.request.shown;
            let wished = self.wished.remove(&write.key);
            prop_assert!(same || before.is_empty() || wished, "{} moved by itself from {:?}", write.key, before);
            self.unsaid.push_back(Change::Applied((**seen).clone()));
        }
        Ok(outcome)
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let mut shown = BTreeSet::new();
        for service in self.cluster.services.values() {
            for address in &service.request.shown {
                prop_assert!(shown.insert(*address), "{} is on two Services", address);
            }
        }
        Ok(())
    }

    /// Lets everything come to rest.
    fn rest(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..300 {
            while let Some(change) = self.unsaid.pop_front() {
                self.cluster.index.services(change, self.cluster.now);
            }
            self.under_way.extend(self.cluster.index.jobs(64, self.cluster.now));
            if self.under_way.is_empty() {
                match self.cluster.index.deadline() {
                    None => return Ok(()),
                    Some(at) => self.cluster.now = self.cluster.now.max(at),
                }
            }
            for job in std::mem::take(&mut self.under_way) {
                self.finish(job, Fate::Good)?;
                self.check()?;
            }
        }
        Err(TestCaseError::fail("it does not come to rest"))
    }

    /// At rest everybody who waits has a reason, and a relist or a restart writes nothing.
    fn check_rest(&mut self) -> Result<(), TestCaseError> {
        self.check()?;
        let used: BTreeSet<_> = self.cluster.services.values().flat_map(|one| one.request.shown.clone()).collect();
        let free = |address: &IpAddr| {
            !used.contains(address)
                && self.cluster.pools.iter().any(|pool| {
                    let range = |text: &String| herald_compiler::AddressRange::parse(text);
                    pool.object
                        .addresses
                        .iter()
                        .filter_map(|text| range(text).ok())
                        .any(|range| range.contains(*address))
                })
        };
        let all: Vec<_> = (0..8).map(|last| IpAddr::from([192, 0, 2, last])).filter(free).collect();
        for (key, service) in &self.cluster.services {
            let condition = service.condition.as_ref();
            let served = !service.request.shown.is_empty();
            prop_assert_eq!(condition.map(|one| one.status), Some(served), "{}", key);
            let wanted = service.request.wish.as_ref().map_or(vec![], |wish| wish.addresses.clone());
            let could = if wanted.is_empty() { !all.is_empty() } else { all.contains(&wanted[0]) };
            prop_assert!(served || !could, "{} waits though {:?} are free", key, all);
            prop_assert!(wanted.is_empty() || !served || service.request.shown == wanted, "{}", key);
        }
        let writes = self.cluster.services.clone();
        self.relist();
        self.rest()?;
        self.cluster.restart();
        self.rest()?;
        prop_assert!(self.cluster.services == writes, "something was written for nothing");
        Ok(())
    }
}

fn key(name: u8) -> ServiceKey {
    ServiceKey::new("shop", format!("s{name}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step)?;
            world.check()?;
        }
        world.rest()?;
        world.check_rest()?;
    }
}
