//! The server, the replicas, and what is between them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use herald_compiler::Family;
use herald_compiler::object::{LabelSelector, Namespace, ServiceAllocation};
use herald_ipam::{FamilyPolicy, Port, Protocol, ServiceKey, Terms, Wish};
use herald_runtime::watch::Change;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;

use super::super::server::{Server, pool};
use super::naive;
use super::replica::Replica;
use super::step::{Fate, REPLICAS, Spec, Step};
use crate::allocate::{Done, Fetched, Job, ServiceWrite, Written};
use crate::compile::SeenPool;
use crate::lead::Epoch;
use crate::watch::SeenService;

/// Pools: name, addresses, and whom they serve.
type PoolText = (&'static str, &'static [&'static str], Option<&'static str>);

/// What users may make of the pools.
pub(super) const POOLS: &[&[PoolText]] = &[
    &[("p0", &["192.0.2.0-192.0.2.4", "2001:db8::/126"], None)],
    &[("p0", &["192.0.2.0/31"], None), ("p1", &["192.0.2.2-192.0.2.4", "2001:db8::/127"], None)],
    &[("p1", &["192.0.2.3-192.0.2.5", "2001:db8::2/127"], None)],
    &[("p0", &["192.0.2.0-192.0.2.2"], Some("shop")), ("p2", &["192.0.2.3-192.0.2.5", "2001:db8::/127"], None)],
    &[("p0", &["192.0.2.0-192.0.2.2"], Some(TEAM)), ("p1", &["192.0.2.2-192.0.2.3", "2001:db8::/127"], None)],
    &[],
];

/// Stands for "namespaces that are labelled as the team's", not for one by name.
const TEAM: &str = "of-the-team";

/// A request under way.
struct Sent {
    job: Job,
    replica: usize,
    life: u64,
}

pub(super) struct World {
    sharing: bool,
    server: Server,
    namespaces: Vec<Namespace>,
    replicas: Vec<Replica>,
    under_way: Vec<Sent>,
    /// Services whose user changed something since their addresses were last written.
    wished: BTreeSet<ServiceKey>,
    now: Duration,
    lives: u64,
    terms: u64,
}

impl World {
    pub(super) fn new(sharing: bool) -> Self {
        let server = Server { pools: pools(0), ..Server::default() };
        let namespaces = namespaces(false, true);
        let replica = |life| Replica::start(life, vec![], server.pools.clone(), namespaces.clone());
        let replicas = (0..REPLICAS as u64).map(replica).collect();
        let (now, lives) = (Duration::ZERO, REPLICAS as u64);
        let (under_way, wished) = (vec![], BTreeSet::new());
        let mut world = Self { sharing, server, namespaces, replicas, under_way, wished, now, lives, terms: 0 };
        world.lead(0);
        world
    }

    pub(super) fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Edit { name, spec } => self.edit(&key(name), &spec),
            Step::Delete { name } => {
                if let Some(seen) = self.server.services.remove(&key(name)) {
                    self.say(&Change::Deleted(seen));
                }
            }
            Step::Reallocate { name } => self.reallocate(&key(name)),
            Step::Wipe { name } => self.wipe(&key(name)),
            Step::Pools { choice } => {
                self.server.pools = pools(choice);
                for replica in &mut self.replicas {
                    replica.pools.push_back(self.server.pools.clone());
                }
            }
            Step::Namespaces { shop, bank } => {
                self.namespaces = namespaces(shop, bank);
                for replica in &mut self.replicas {
                    replica.namespaces.push_back(self.namespaces.clone());
                }
            }
            Step::Watch { replica, count } => {
                for _ in 0..count {
                    self.replicas[replica].hear(self.now);
                }
            }
            Step::Swap { replica } => self.replicas[replica].swap(),
            Step::Relist { replica } => {
                let all = self.all();
                self.replicas[replica].services = [Change::Reset(all)].into();
            }
            Step::Begin { replica, room } => self.begin(replica, room),
            Step::Arrive { pick, fate } => {
                if !self.under_way.is_empty() {
                    let sent = self.under_way.swap_remove(pick % self.under_way.len());
                    self.arrive(sent, fate)?;
                }
            }
            Step::Wait { ms } => self.now += Duration::from_millis(ms),
            Step::Crash { replica } => self.crash(replica),
            Step::Lead { replica } => self.lead(replica),
        }
        Ok(())
    }

    fn all(&self) -> Vec<SeenService> {
        self.server.services.values().cloned().collect()
    }

    fn say(&mut self, change: &Change<SeenService>) {
        for replica in &mut self.replicas {
            replica.services.push_back(change.clone());
        }
    }

    fn edit(&mut self, key: &ServiceKey, spec: &Spec) {
        if !self.server.services.contains_key(key) {
            self.server.store(&key.namespace, &key.name, json!({}), json!({}));
        }
        self.server.change(key, |service| ask(service, spec));
        self.wished.insert(key.clone());
        self.say(&Change::Applied(self.server.services[key].clone()));
    }

    fn reallocate(&mut self, key: &ServiceKey) {
        if self.server.services.contains_key(key) {
            self.server.change(key, |service| service.reallocate = true);
            self.wished.insert(key.clone());
            self.say(&Change::Applied(self.server.services[key].clone()));
        }
    }

    fn wipe(&mut self, key: &ServiceKey) {
        if self.server.services.contains_key(key) {
            self.server.change(key, |service| service.request.shown.clear());
            // The server forgets what it was; so may a controller that starts now.
            self.wished.insert(key.clone());
            self.say(&Change::Applied(self.server.services[key].clone()));
        }
    }

    fn begin(&mut self, replica: usize, room: usize) {
        let Replica { index, life, leads, .. } = &mut self.replicas[replica];
        if *leads {
            let life = *life;
            self.under_way.extend(index.jobs(room, self.now).into_iter().map(|job| Sent { job, replica, life }));
            // Nobody reads them here.
            let _ = index.take_notices();
        }
    }

    fn lead(&mut self, replica: usize) {
        self.terms += 1;
        let all = self.all();
        for other in &mut self.replicas {
            other.leads = false;
        }
        self.replicas[replica].lead(Epoch::new(self.terms.to_string()), all);
    }

    fn crash(&mut self, replica: usize) {
        self.lives += 1;
        let led = self.replicas[replica].leads;
        self.replicas[replica] =
            Replica::start(self.lives, self.all(), self.server.pools.clone(), self.namespaces.clone());
        if led {
            self.lead((replica + 1) % REPLICAS);
        }
    }

    fn arrive(&mut self, sent: Sent, fate: Fate) -> Result<(), TestCaseError> {
        let served = match (&sent.job, fate) {
            (Job::Write(write), Fate::Good | Fate::ReplyLost) => Some(self.write(write)?),
            _ => None,
        };
        let lost = matches!(fate, Fate::RequestLost | Fate::ReplyLost);
        let done = match sent.job {
            Job::Write(write) => {
                let outcome = served.filter(|_| !lost).unwrap_or_else(|| Written::Unknown("lost".into()));
                Done::Write { write, outcome }
            }
            Job::Fetch { ticket, key } => {
                let found = self.server.services.get(&key).cloned();
                let found = found.map_or(Fetched::Gone, |seen| Fetched::Found(Box::new(seen)));
                let outcome = if lost { Fetched::Unknown("lost".into()) } else { found };
                Done::Fetch { ticket, key, outcome }
            }
            Job::Unmark { key } => Done::Unmark { key, clean: !lost },
            Job::Announced(write) => {
                let outcome = if lost { Written::Unknown("lost".into()) } else { self.server.announce(&write) };
                Done::Announced { write, outcome }
            }
            Job::State(write) => Done::State { written: (!lost).then(|| self.server.state(&write)) },
            Job::Status(write) => {
                let written = (!lost).then(|| self.server.status(&write));
                Done::Status { kind: write.verdict.kind, name: write.verdict.name, written }
            }
        };
        let replica = &mut self.replicas[sent.replica];
        if replica.life == sent.life {
            replica.index.done(done, self.now);
        }
        Ok(())
    }

    /// A write arrives at the server; if it stands, the watches will say so.
    fn write(&mut self, write: &ServiceWrite) -> Result<Written, TestCaseError> {
        let before = self.server.services.get(&write.key).map(|service| service.request.shown.clone());
        let outcome = self.server.serve(write);
        if let Written::Stands(seen) = &outcome {
            let (before, after) = (before.unwrap_or_default(), &seen.request.shown);
            let gains = after.len() > before.len() && before.iter().all(|address| after.contains(address));
            if write.change.ingress.is_some() {
                let wished = self.wished.remove(&write.key);
                prop_assert!(
                    before == *after || before.is_empty() || gains || wished,
                    "{} moved by itself from {:?} to {:?}",
                    write.key,
                    before,
                    after
                );
            }
            if !self.sharing {
                let others = self.server.services.values().filter(|other| *other.key() != write.key);
                let taken = others.flat_map(|other| &other.request.shown).find(|address| after.contains(address));
                prop_assert!(taken.is_none(), "{:?} is on {} and another Service", taken, write.key);
            }
            self.say(&Change::Applied((**seen).clone()));
        }
        Ok(outcome)
    }

    /// Lets everything come to rest, with the replica that leads.
    pub(super) fn rest(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..400 {
            for replica in &mut self.replicas {
                while replica.hear(self.now) {}
            }
            for replica in 0..REPLICAS {
                self.begin(replica, 64);
            }
            if self.under_way.is_empty() {
                let leader = self.replicas.iter().find(|replica| replica.leads);
                match leader.and_then(|replica| replica.index.deadline()) {
                    None => return Ok(()),
                    Some(at) => self.now = self.now.max(at),
                }
            }
            for sent in std::mem::take(&mut self.under_way) {
                self.arrive(sent, Fate::Good)?;
            }
        }
        Err(TestCaseError::fail("it does not come to rest"))
    }

    /// At rest everybody who waits has a reason, and nothing is written for nothing.
    pub(super) fn check_rest(&mut self) -> Result<(), TestCaseError> {
        let config = self.config();
        for (key, service) in &self.server.services {
            let request = &service.request;
            let served = !request.shown.is_empty();
            prop_assert_eq!(service.condition.as_ref().map(|one| one.status), Some(served), "{}", key);
            let could = naive::could_have(&config, &self.server.services, request);
            prop_assert!(served || !could, "{} waits, though it could have an address", key);
            for other in self.server.services.values().filter(|other| other.key() != key) {
                let both = request.shown.iter().any(|address| other.request.shown.contains(address));
                let told =
                    service.condition.as_ref().is_some_and(|condition| condition.message.contains("two Services"));
                prop_assert!(
                    !both || naive::lawful(&request.terms, &other.request.terms) || told,
                    "{} and {} share",
                    key,
                    other.key()
                );
            }
        }
        let before = self.settled();
        for replica in 0..REPLICAS {
            self.step(Step::Relist { replica })?;
            self.rest()?;
        }
        prop_assert_eq!(self.settled(), before.clone(), "a relist wrote something");
        let leader = self.replicas.iter().position(|replica| replica.leads).unwrap_or(0);
        self.crash(leader);
        self.rest()?;
        prop_assert_eq!(self.settled(), before, "another leader wrote something");
        Ok(())
    }

    fn config(&self) -> herald_compiler::Config {
        let pools = self.server.pools.iter().map(|pool| pool.object.clone()).collect();
        let objects = herald_compiler::Objects { pools, namespaces: self.namespaces.clone(), ..Default::default() };
        (*herald_compiler::compile(&objects).config).clone()
    }

    /// What users see of the Services. (Of several reasons to wait, each true, another one may be named.)
    fn settled(&self) -> Vec<(ServiceKey, Vec<IpAddr>, Option<bool>)> {
        let status = |service: &SeenService| service.condition.as_ref().map(|condition| condition.status);
        let services = self.server.services.values();
        services.map(|one| (one.key().clone(), one.request.shown.clone(), status(one))).collect()
    }
}

fn key(name: u8) -> ServiceKey {
    ServiceKey::new(if name.is_multiple_of(2) { "shop" } else { "bank" }, format!("s{name}"))
}

fn namespaces(shop: bool, bank: bool) -> Vec<Namespace> {
    let labels = |team: bool| if team { [("team".to_owned(), "yes".to_owned())].into() } else { Default::default() };
    [("shop", shop), ("bank", bank)].map(|(name, team)| Namespace { name: name.into(), labels: labels(team) }).into()
}

fn pools(choice: usize) -> Vec<SeenPool> {
    let one = |(name, addresses, namespace): &PoolText| {
        let mut pool = pool(name, addresses);
        pool.object.service_allocation = namespace.map(|namespace| {
            let mut allocation = ServiceAllocation::default();
            if namespace == TEAM {
                let labels = [("team".to_owned(), "yes".to_owned())].into();
                allocation.namespace_selectors =
                    vec![LabelSelector { match_labels: labels, ..LabelSelector::default() }];
            } else {
                allocation.namespaces = vec![namespace.to_owned()];
            }
            allocation
        });
        pool
    };
    POOLS[choice].iter().map(one).collect()
}

/// Makes a Service ask for something.
fn ask(service: &mut SeenService, spec: &Spec) {
    let v4 = |last: u8| IpAddr::from([192, 0, 2, last]);
    let v6 = |last: u8| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last % 4)]);
    let request = &mut service.request;
    request.families = if spec.dual { vec![Family::V4, Family::V6] } else { vec![Family::V4] };
    request.policy = match spec.policy {
        0 => FamilyPolicy::SingleStack,
        1 => FamilyPolicy::PreferDualStack,
        _ => FamilyPolicy::RequireDualStack,
    };
    let addresses = match (spec.address, spec.dual) {
        (None, _) => vec![],
        (Some(last), false) => vec![v4(last)],
        (Some(last), true) => vec![v6(last), v4(last)],
    };
    request.wish = Ok(Wish { addresses, pool: spec.pool.map(|pool| format!("p{pool}")) });
    let key = spec.key.map(|key| format!("key{key}"));
    request.terms = Terms::new(key.as_deref(), "", [Port { protocol: Protocol::Tcp, number: spec.port }]);
}
