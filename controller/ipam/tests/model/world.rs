//! A cluster of plain values with an allocator in its controller.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::object::{IpAddressPool, ObjectMeta, Objects, ServiceAllocation};
use herald_compiler::{Config, Family, compile};
use herald_ipam::{
    Allocator, Cause, Decision, FamilyPolicy, NotMoved, Port, Protocol, Remark, ServiceKey, ServiceRequest, Terms, Wish,
};
use proptest::prelude::*;

use super::naive::{Holder, choose, lawful};

/// Services that may exist.
const NAMES: usize = 7;

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A user creates or changes a Service.
    Edit { name: usize, spec: Spec },
    /// A user deletes a Service.
    Delete { name: usize },
    /// A user edits the pools.
    Pools { choice: usize },
    /// A user asks for a Service to be moved.
    Reallocate { name: usize },
    /// Somebody empties a Service's status.
    Wipe { name: usize },
    /// The controller sees a Service and decides.
    Decide { name: usize },
    /// A write arrives at the server.
    Land { pick: usize, reply_lost: bool },
    /// A write is lost on its way.
    Lose { pick: usize },
    /// The controller is replaced by a new one.
    Crash,
    /// Everything comes to rest.
    Settle,
}

/// What a user wants of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub dual: bool,
    pub policy: u8,
    pub addresses: Option<u8>,
    pub pool: Option<usize>,
    pub key: Option<u8>,
    pub local: bool,
    pub port: u16,
}

fn spec() -> impl Strategy<Value = Spec> {
    let wish = prop_oneof![
        6 => Just((None, None)),
        1 => (0..10_u8).prop_map(|address| (Some(address), None)),
        1 => (0..4_usize).prop_map(|pool| (None, Some(pool))),
        1 => (0..10_u8, 0..4_usize).prop_map(|(address, pool)| (Some(address), Some(pool))),
    ];
    (any::<bool>(), 0..3_u8, wish, proptest::option::of(0..2_u8), any::<bool>(), 80..83_u16).prop_map(
        |(dual, policy, (addresses, pool), key, local, port)| Spec { dual, policy, addresses, pool, key, local, port },
    )
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0..NAMES;
    let step = prop_oneof![
        6 => (name.clone(), spec()).prop_map(|(name, spec)| Step::Edit { name, spec }),
        2 => name.clone().prop_map(|name| Step::Delete { name }),
        2 => (0..POOLS.len()).prop_map(|choice| Step::Pools { choice }),
        1 => name.clone().prop_map(|name| Step::Reallocate { name }),
        1 => name.clone().prop_map(|name| Step::Wipe { name }),
        8 => name.prop_map(|name| Step::Decide { name }),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(pick, reply_lost)| Step::Land { pick, reply_lost }),
        1 => any::<usize>().prop_map(|pick| Step::Lose { pick }),
        1 => Just(Step::Crash),
        2 => Just(Step::Settle),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A pool: name, age, addresses, avoidBuggyIPs, autoAssign, priority and namespaces.
type PoolText = (&'static str, i64, &'static [&'static str], bool, bool, Option<(i64, &'static [&'static str])>);

/// Configurations that a user may change between: growing, shrinking, splitting, renaming,
/// overlapping, pinning, deleting.
const POOLS: &[&[PoolText]] = &[
    &[("p0", 0, &["192.0.2.0-192.0.2.5", "2001:db8::/126"], false, true, None)],
    &[("p0", 0, &["192.0.2.4-192.0.2.5", "192.0.2.0-192.0.2.1"], false, true, None)],
    &[("p1", 5, &["192.0.2.0-192.0.2.5", "2001:db8::/126"], false, true, None)],
    &[
        ("p0", 0, &["192.0.2.0/31", "2001:db8::/127"], false, true, None),
        ("p1", 0, &["192.0.2.2-192.0.2.5", "2001:db8::2/127"], false, true, Some((1, &["shop"]))),
    ],
    &[
        ("p0", 3, &["192.0.2.0-192.0.2.5"], false, true, None),
        ("p2", 1, &["192.0.2.3-192.0.2.8", "2001:db8::/127"], false, false, None),
        ("p3", 1, &["192.0.2.9/32", "2001:db8::3/128"], false, true, Some((0, &["bank"]))),
    ],
    &[("p0", 0, &["192.0.2.0-192.0.2.5", "2001:db8::/126"], true, true, Some((0, &[])))],
    &[],
    &[("p0", 0, &["192.0.2.0-192.0.2.5", "2001:db8::/126"], false, true, None)],
    &[
        ("p0", 0, &["192.0.2.0-192.0.2.2", "2001:db8::/127"], false, true, None),
        ("p1", 0, &["192.0.2.3-192.0.2.6", "2001:db8::2/127"], false, true, None),
    ],
];

/// Quotas of all pools of a configuration; the naive allocator can tell whose an address is only where pools
/// do not overlap.
const QUOTAS: &[(usize, i64)] = &[(0, 3), (7, 2), (8, 1)];

fn config(choice: usize) -> Arc<Config> {
    let pool = |(name, created, addresses, avoid_buggy_ips, auto_assign, allocation): &PoolText| IpAddressPool {
        meta: ObjectMeta { name: (*name).into(), created: *created, ..ObjectMeta::default() },
        addresses: addresses.iter().map(ToString::to_string).collect(),
        auto_assign: *auto_assign,
        avoid_buggy_ips: *avoid_buggy_ips,
        max_per_namespace: QUOTAS.iter().find(|(of, _)| *of == choice).map(|(_, max)| *max),
        service_allocation: allocation.map(|(priority, namespaces)| ServiceAllocation {
            priority,
            namespaces: namespaces.iter().map(ToString::to_string).collect(),
            ..ServiceAllocation::default()
        }),
    };
    compile(&Objects { pools: POOLS[choice].iter().map(pool).collect(), ..Objects::default() }).config
}

/// A Service at the server.
#[derive(Clone)]
struct Stored {
    request: ServiceRequest,
    spec: Spec,
    version: u64,
    /// The user changed it since its addresses were last written.
    wished: bool,
    /// The user asks for it to be moved.
    reallocate: bool,
}

/// A write on its way.
struct Write {
    name: usize,
    version: u64,
    decision: Decision,
}

pub struct World {
    sharing: bool,
    config: Arc<Config>,
    server: BTreeMap<usize, Stored>,
    versions: u64,
    writes: Vec<Write>,
    allocator: Allocator,
    /// What the controller has seen and decided, to compare with the naive allocator.
    known: BTreeMap<usize, (Terms, Vec<IpAddr>, Vec<IpAddr>)>,
}

impl World {
    pub fn new(sharing: bool) -> Self {
        let config = config(0);
        let mut allocator = Allocator::new();
        allocator.set_config(config.clone());
        let (server, known) = (BTreeMap::new(), BTreeMap::new());
        Self { sharing, config, server, versions: 0, writes: Vec::new(), allocator, known }
    }

    pub fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Edit { name, spec } => self.edit(name, spec),
            Step::Delete { name } => {
                if self.server.remove(&name).is_some() {
                    self.allocator.release(&key(name));
                    self.known.remove(&name);
                }
            }
            Step::Pools { choice } => {
                self.config = config(choice);
                self.allocator.set_config(self.config.clone());
            }
            Step::Reallocate { name } => {
                self.versions += 1;
                if let Some(stored) = self.server.get_mut(&name) {
                    stored.version = self.versions;
                    (stored.wished, stored.reallocate) = (true, true);
                }
            }
            Step::Wipe { name } => {
                self.versions += 1;
                if let Some(stored) = self.server.get_mut(&name) {
                    stored.version = self.versions;
                    stored.request.shown.clear();
                    // The server forgets what it was; so may a controller that starts now.
                    stored.wished = true;
                }
            }
            Step::Decide { name } => self.decide(name)?,
            Step::Land { pick, reply_lost } => {
                if !self.writes.is_empty() {
                    let write = self.writes.swap_remove(pick % self.writes.len());
                    self.land(write, reply_lost)?;
                }
            }
            Step::Lose { pick } => {
                if !self.writes.is_empty() {
                    self.writes.swap_remove(pick % self.writes.len());
                }
            }
            Step::Crash => self.crash(),
            Step::Settle => self.settle()?,
        }
        Ok(())
    }

    fn edit(&mut self, name: usize, mut spec: Spec) {
        if !self.sharing {
            spec.key = None;
        }
        self.versions += 1;
        let version = self.versions;
        let fresh =
            || Stored { request: request(name, &spec), spec: spec.clone(), version, wished: true, reallocate: false };
        let stored = self.server.entry(name).or_insert_with(fresh);
        stored.wished |= stored.spec != spec;
        let (shown, recorded_pool) = (stored.request.shown.clone(), stored.request.recorded_pool.clone());
        stored.request = ServiceRequest { shown, recorded_pool, ..request(name, &spec) };
        stored.spec = spec;
        stored.version = version;
    }

    fn decide(&mut self, name: usize) -> Result<(), TestCaseError> {
        let Some(stored) = self.server.get(&name) else { return Ok(()) };
        let (request, version, reallocate) = (stored.request.clone(), stored.version, stored.reallocate);
        let (_, _, before) = self.known.get(&name).cloned().unwrap_or_default();
        let had_nothing = request.shown.is_empty() && before.is_empty();
        self.known.insert(name, (request.terms.clone(), request.shown.clone(), before));
        let holders: Vec<_> = self
            .known
            .iter()
            .map(|(name, (terms, shown, decided))| Holder {
                key: key(*name),
                terms: terms.clone(),
                addresses: [shown.clone(), decided.clone()].concat(),
            })
            .collect();
        let decide = |allocator: &mut Allocator| {
            if reallocate { allocator.reallocate(&request) } else { allocator.decide(&request) }
        };
        let decision = decide(&mut self.allocator);
        let again = decide(&mut self.allocator);
        prop_assert_eq!(&again, &decision, "deciding again says something else");
        self.check_move(&request, &holders, &decision)?;
        match &decision {
            Decision::Assign { holding, cause: Cause::New, .. } if had_nothing => {
                prop_assert_eq!(&holding.addresses, &choose(&self.config, &holders, &request, &[]));
            }
            Decision::Pending { refusal, .. } => {
                let naive = choose(&self.config, &holders, &request, &[]);
                prop_assert!(naive.is_empty(), "{:?}, but {:?} would do", refusal, naive);
            }
            _ => {}
        }
        self.known.insert(name, (request.terms.clone(), request.shown.clone(), decision.addresses().to_vec()));
        // The index has one write of a Service under way at most.
        self.writes.retain(|write| write.name != name);
        self.writes.push(Write { name, version, decision });
        Ok(())
    }

    /// Of a Service that was to be moved: it left what it had for what it would get if it were new, or there was
    /// nothing else.
    fn check_move(
        &self,
        request: &ServiceRequest,
        holders: &[Holder],
        decision: &Decision,
    ) -> Result<(), TestCaseError> {
        let own = &request.shown;
        let mut known = holders.iter().filter(|one| one.key == request.key).flat_map(|one| &one.addresses);
        let under_way = known.any(|address| !own.contains(address));
        let others = choose(&self.config, holders, request, own);
        match decision {
            Decision::Assign { holding, cause: Cause::Reallocated, .. } if !own.is_empty() && !under_way => {
                // What was decided before and is on its way stays, whatever has become free since.
                let new = holding.addresses.iter().all(|address| !own.contains(address));
                prop_assert!(!new || holding.addresses == others, "{:?}, not {:?}", holding, others);
            }
            Decision::Keep { holding, remarks } => {
                let stays = remarks.iter().any(|remark| matches!(remark, Remark::NotMoved(NotMoved::Refused(_))));
                prop_assert!(!stays || others.len() < holding.addresses.len(), "{:?}, and not {:?}", holding, others);
            }
            _ => {}
        }
        Ok(())
    }

    /// A write arrives: it counts only for the version that it was decided on.
    fn land(&mut self, Write { name, version, decision }: Write, reply_lost: bool) -> Result<(), TestCaseError> {
        let Some(stored) = self.server.get_mut(&name).filter(|stored| stored.version == version) else {
            return Ok(());
        };
        let (addresses, pool) = match &decision {
            Decision::Keep { holding, .. } | Decision::Assign { holding, .. } => {
                (holding.addresses.clone(), holding.pool.clone())
            }
            Decision::Pending { .. } => (vec![], None),
        };
        let before = std::mem::replace(&mut stored.request.shown, addresses.clone());
        let gained = addresses.len() > before.len() && before.iter().all(|address| addresses.contains(address));
        prop_assert!(
            before == addresses || before.is_empty() || stored.wished || gained,
            "{} moved by itself from {:?} to {:?}: {:?}",
            name,
            before,
            addresses,
            decision
        );
        self.versions += 1;
        stored.version = self.versions;
        stored.request.recorded_pool = pool;
        (stored.wished, stored.reallocate) = (false, false);
        if !reply_lost {
            let request = stored.request.clone();
            self.allocator.adopt(&request);
            if let Some(known) = self.known.get_mut(&name) {
                known.1.clone_from(&request.shown);
            }
        }
        Ok(())
    }

    /// A new controller: it knows what the server shows and nothing else. Writes of the old one
    /// that are still on their way are fenced off by the versions, which the new one moves.
    fn crash(&mut self) {
        self.writes.clear();
        self.allocator = Allocator::new();
        self.allocator.set_config(self.config.clone());
        self.known.clear();
        for (name, stored) in &self.server {
            self.allocator.adopt(&stored.request);
            self.known.insert(*name, (stored.request.terms.clone(), stored.request.shown.clone(), vec![]));
        }
        // Every Service is decided once, as a controller does at its start.
        for name in self.server.keys().copied().collect::<Vec<_>>() {
            if self.decide(name).is_err() {
                // Found again, with its message, by the next decision.
            }
        }
    }

    /// Decides and writes until nothing changes any more.
    pub fn settle(&mut self) -> Result<(), TestCaseError> {
        // What is still on its way is lost; else it could be in the way of what is decided now.
        self.writes.clear();
        for _ in 0..20 {
            let before: Vec<_> = self.server.values().map(|stored| stored.request.clone()).collect();
            for name in 0..NAMES {
                self.decide(name)?;
            }
            for write in std::mem::take(&mut self.writes) {
                self.land(write, false)?;
            }
            let after: Vec<_> = self.server.values().map(|stored| stored.request.clone()).collect();
            if before == after {
                return Ok(());
            }
        }
        Err(TestCaseError::fail("it does not come to rest"))
    }

    /// Promise 1, at any time: without sharing no address is shown twice.
    pub fn check(&self) -> Result<(), TestCaseError> {
        if !self.sharing {
            let mut shown: Vec<_> = self.server.values().flat_map(|stored| &stored.request.shown).collect();
            let count = shown.len();
            shown.sort();
            shown.dedup();
            prop_assert_eq!(shown.len(), count, "an address is on two Services");
        }
        for pool in self.config.pools() {
            let usage = self.allocator.usage(&pool.name).unwrap_or_default();
            let capacity = pool.capacity();
            prop_assert!(
                u128::from(usage.available_v4) <= capacity.v4 && u128::from(usage.available_v6) <= capacity.v6
            );
        }
        Ok(())
    }

    /// Promise 1, at rest: whoever shares an address may. If two came to share one against the rules
    /// while no controller looked, they keep it, and both are told.
    pub fn check_settled(&mut self) -> Result<(), TestCaseError> {
        self.check()?;
        let all: Vec<_> = self.server.values().map(|stored| stored.request.clone()).collect();
        for (place, one) in all.iter().enumerate() {
            for other in &all[place + 1..] {
                let shared = one.shown.iter().any(|address| other.shown.contains(address));
                if shared && !lawful(&one.terms, &other.terms) {
                    for request in [one, other] {
                        let told = matches!(self.allocator.decide(request), Decision::Keep { remarks, .. }
                            if remarks.iter().any(|remark| matches!(remark, Remark::Duplicate(_))));
                        prop_assert!(told, "{} and {} share", one.key, other.key);
                    }
                }
            }
        }
        // And the free addresses are exactly those that nobody has.
        for pool in self.config.pools() {
            let used = all.iter().flat_map(|request| &request.shown).collect::<std::collections::BTreeSet<_>>();
            let free = |address: &&&IpAddr| {
                pool.may_hand_out(***address) && pool.free_ranges.iter().any(|range| range.contains(***address))
            };
            let taken = used.iter().filter(free).filter(|address| address.is_ipv4()).count() as u128;
            let usage = self.allocator.usage(&pool.name).unwrap_or_default();
            prop_assert_eq!(u128::from(usage.available_v4), pool.capacity().v4 - taken);
        }
        Ok(())
    }
}

fn key(name: usize) -> ServiceKey {
    ServiceKey::new(if name.is_multiple_of(2) { "shop" } else { "bank" }, format!("s{name}"))
}

fn request(name: usize, spec: &Spec) -> ServiceRequest {
    let v4 = |last: u8| IpAddr::from([192, 0, 2, last]);
    let v6 = |last: u8| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]);
    let families = if spec.dual { vec![Family::V4, Family::V6] } else { vec![Family::V4] };
    let addresses = match (spec.addresses, spec.dual) {
        (None, _) => vec![],
        (Some(last), false) => vec![v4(last)],
        (Some(last), true) => vec![v6(last % 4), v4(last)],
    };
    let sharing = spec.key.map(|key| format!("key{key}"));
    let port = Port { protocol: Protocol::Tcp, number: spec.port };
    ServiceRequest {
        key: key(name),
        labels: BTreeMap::new(),
        families,
        policy: match spec.policy {
            0 => FamilyPolicy::SingleStack,
            1 => FamilyPolicy::PreferDualStack,
            _ => FamilyPolicy::RequireDualStack,
        },
        wish: Ok(Wish { addresses, pool: spec.pool.map(|pool| format!("p{pool}")) }),
        terms: Terms::new(sharing.as_deref(), if spec.local { "app=x" } else { "" }, [port]),
        shown: vec![],
        recorded_pool: None,
    }
}
