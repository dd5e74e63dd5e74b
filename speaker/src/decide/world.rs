//! All that the speaker knows, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_compiler::{Config, Objects, compile};
use herald_membership::{Facts, Freshness, Phase};
use herald_neighbor::Scope;
use herald_runtime::watch::Change;

use super::addresses::Addresses;
use super::endpoints::Endpoints;
use super::freshness::Views;
use super::holders::Holders;
use super::lists::{update, update_list};
use super::memory::Memory;
use super::verdict::{self, Verdict};
use crate::watch::Seen;
use crate::watch::node::NodeSeen;
use crate::watch::service::{ServiceKey, ServiceSeen};

/// What the membership says of the other speakers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberEvent {
    /// This node's speaker is alive there.
    Up(Arc<str>),
    /// It is not any more.
    Down(Arc<str>),
    /// It says this about itself.
    Facts(Arc<str>, Facts),
    /// The others had their chance to answer: from now on, silence means absence.
    Started,
    /// Those that answered had their chance to tell their facts.
    FactsOverdue,
}

/// What the world needs to know to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The EndpointSlices of this Service.
    ListSlices(ServiceKey),
}

/// One consequence of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Answer for `ip` on these interfaces.
    Own {
        /// The address.
        ip: IpAddr,
        /// Where.
        scope: Scope,
    },
    /// Stop answering for `ip`.
    Disown {
        /// The address.
        ip: IpAddr,
    },
    /// The verdict about a Service has changed; `None`: there is no such Service (any more).
    Verdict {
        /// The Service.
        service: ServiceKey,
        /// Its UID, for Events.
        uid: String,
        /// What was decided.
        verdict: Option<Verdict>,
        /// What was decided the last time.
        before: Option<Verdict>,
    },
}

/// Which lists have arrived at least once.
#[derive(Debug, Default)]
struct Synced {
    services: bool,
    slices: bool,
    nodes: bool,
    pools: bool,
    l2_advertisements: bool,
    members: bool,
    facts_overdue: bool,
}

/// All that the speaker knows.
#[derive(Debug)]
pub struct World {
    pub(super) me: String,
    pub(super) ignore_exclude: bool,
    pub(super) services: BTreeMap<ServiceKey, ServiceSeen>,
    pub(super) endpoints: Endpoints,
    pub(super) nodes: BTreeMap<String, NodeSeen>,
    /// Live speakers on other nodes. One whose facts are not known yet (protocol 0) is no candidate: it may have just
    /// started and not see the cluster yet.
    pub(super) members: BTreeMap<Arc<str>, Facts>,
    /// Names of this node's interfaces that take part in layer 2.
    pub(super) interfaces: BTreeSet<String>,
    pub(super) config: Arc<Config>,
    pub(super) memory: Memory,
    pub(super) holders: Holders,
    objects: Objects,
    objects_changed: bool,
    broken: BTreeSet<&'static str>,
    synced: Synced,
    /// Whose view of the cluster counts as fresh.
    pub(super) views: Views,
    /// When the last decision was made.
    now: Duration,
    concerned: Concerned,
    pub(super) verdicts: BTreeMap<ServiceKey, Verdict>,
    addresses: Addresses,
}

/// Which Services have to be decided about again.
#[derive(Debug)]
enum Concerned {
    All,
    These(BTreeSet<ServiceKey>),
}

impl Concerned {
    fn add(&mut self, service: ServiceKey) {
        if let Self::These(services) = self {
            services.insert(service);
        }
    }
}

impl World {
    /// Knows nothing but which node it is on. Addresses whose pool is gone are announced for `orphan_grace` more.
    #[must_use]
    pub fn new(me: String, ignore_exclude: bool, orphan_grace: Duration) -> Self {
        Self {
            me,
            ignore_exclude,
            services: BTreeMap::new(),
            endpoints: Endpoints::default(),
            nodes: BTreeMap::new(),
            members: BTreeMap::new(),
            interfaces: BTreeSet::new(),
            config: Arc::default(),
            memory: Memory::new(orphan_grace),
            holders: Holders::default(),
            objects: Objects::default(),
            objects_changed: true,
            broken: BTreeSet::new(),
            synced: Synced::default(),
            views: Views::default(),
            now: Duration::ZERO,
            concerned: Concerned::All,
            verdicts: BTreeMap::new(),
            addresses: Addresses::default(),
        }
    }

    /// Whether everything needed for a decision has been seen.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing().is_empty()
    }

    /// What has not been seen yet, for a person.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let Synced { services, slices, nodes, pools, l2_advertisements, members, facts_overdue } = self.synced;
        // Claiming what a speaker owns, only because it has not told yet that it sees the cluster, would be a move.
        let facts = facts_overdue || self.members.values().all(|facts| facts.protocol > 0);
        let parts = [
            (services, "Services"),
            (slices, "EndpointSlices"),
            (nodes, "Nodes"),
            (pools, "IPAddressPools"),
            (l2_advertisements, "L2Advertisements"),
            (members, "other speakers"),
            (facts, "other speakers' facts"),
        ];
        parts.into_iter().filter(|(seen, _)| !seen).map(|(_, what)| what).collect()
    }

    /// Whether the view of the cluster is fresh: everything was seen and every watch works.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.broken.is_empty() && self.is_ready()
    }

    /// Whether the Services are known, so that EndpointSlices may be watched.
    #[must_use]
    pub fn knows_services(&self) -> bool {
        self.synced.services
    }

    /// Speakers that are alive, stay, and see the cluster as it is, this one included: those that can speak for
    /// themselves.
    pub fn fit(&self) -> impl Iterator<Item = &str> {
        let fit = |facts: &Facts| {
            facts.protocol > 0 && facts.freshness == Freshness::Current && facts.phase == Phase::Running
        };
        let others = self.members.iter().filter(move |(_, facts)| fit(facts)).map(|(node, _)| &**node);
        others.chain(self.is_current().then_some(self.me.as_str()))
    }

    /// This node as the API describes it, once it is known.
    #[must_use]
    pub fn my_node(&self) -> Option<&NodeSeen> {
        self.nodes.get(&self.me)
    }

    /// Every known node.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeSeen> {
        self.nodes.values()
    }

    /// Names of this node's interfaces that take part in layer 2.
    pub fn interfaces(&self) -> impl Iterator<Item = &String> {
        self.interfaces.iter()
    }

    /// Every address that is announced from here.
    pub fn owned(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.addresses.owned()
    }

    /// Whether an advertisement names a pool, or means all of them; also a pool that does not exist.
    pub(super) fn means(&self, advertisement: &str, pool: &str) -> bool {
        let written = self.objects.l2_advertisements.iter().find(|one| one.meta.name == advertisement);
        written.is_some_and(|one| {
            let all = one.ip_address_pools.is_empty() && one.ip_address_pool_selectors.is_empty();
            all || one.ip_address_pools.iter().any(|name| name == pool)
        })
    }

    /// Takes in one thing seen.
    pub fn see(&mut self, seen: Seen) -> Vec<Request> {
        match seen {
            Seen::Services(change) => return self.see_services(change),
            Seen::Slices(change) => self.see_slices(change),
            Seen::SlicesOf(service, slices) => {
                self.endpoints.listed(&service, slices);
                self.concerned.add(service);
            }
            Seen::Nodes(change) => {
                self.note_watch("Nodes", &change);
                self.synced.nodes |= matches!(change, Change::Reset(_));
                if update(&mut self.nodes, change, |node| node.name.clone()) {
                    self.concerned = Concerned::All;
                }
            }
            Seen::Pools(change) => {
                self.note_watch("IPAddressPools", &change);
                self.synced.pools |= matches!(change, Change::Reset(_));
                let (changed, gone) = update_list(&mut self.objects.pools, change, |pool| &pool.meta.name);
                self.objects_changed |= changed;
                self.memory.pools_vanished(gone);
            }
            Seen::L2Advertisements(change) => {
                self.note_watch("L2Advertisements", &change);
                self.synced.l2_advertisements |= matches!(change, Change::Reset(_));
                let (changed, gone) = update_list(&mut self.objects.l2_advertisements, change, |one| &one.meta.name);
                self.objects_changed |= changed;
                self.memory.advertisements_vanished(gone);
            }
        }
        Vec::new()
    }

    fn see_services(&mut self, change: Change<(ServiceKey, Option<ServiceSeen>)>) -> Vec<Request> {
        self.note_watch("Services", &change);
        let mut requests = Vec::new();
        match change {
            Change::Reset(all) => {
                self.synced.services = true;
                let new: BTreeMap<_, _> = all.into_iter().filter_map(|(key, service)| Some((key, service?))).collect();
                let gone: Vec<_> = self.services.keys().filter(|key| !new.contains_key(key)).cloned().collect();
                for key in gone {
                    self.remove_service(&key);
                }
                for (key, service) in new {
                    self.set_service(key, service, &mut requests);
                }
            }
            Change::Applied((key, Some(service))) => self.set_service(key, service, &mut requests),
            Change::Applied((key, None)) | Change::Deleted((key, _)) => self.remove_service(&key),
            Change::Broken(_) => {}
        }
        requests
    }

    fn set_service(&mut self, key: ServiceKey, service: ServiceSeen, requests: &mut Vec<Request>) {
        if self.endpoints.want(&key) {
            requests.push(Request::ListSlices(key.clone()));
        }
        let before = self.services.get(&key);
        if before != Some(&service) {
            let shown = before.map_or(&[][..], |before| &before.addresses);
            self.holders.follow(&key, shown, &service.addresses);
            self.services.insert(key.clone(), service);
            self.concerned.add(key);
        }
    }

    fn remove_service(&mut self, key: &ServiceKey) {
        self.endpoints.unwant(key);
        if let Some(before) = self.services.remove(key) {
            self.holders.follow(key, &before.addresses, &[]);
            self.concerned.add(key.clone());
        }
    }

    fn see_slices(&mut self, change: Change<crate::watch::endpoint_slice::Slice>) {
        self.note_watch("EndpointSlices", &change);
        match change {
            Change::Reset(all) => {
                self.synced.slices = true;
                for service in self.endpoints.reset(all) {
                    self.concerned.add(service);
                }
            }
            Change::Applied(slice) => {
                let service = slice.service.clone();
                if self.endpoints.apply(slice) {
                    self.concerned.add(service);
                }
            }
            Change::Deleted(slice) => {
                if self.endpoints.delete(&slice) {
                    self.concerned.add(slice.service);
                }
            }
            Change::Broken(_) => {}
        }
    }

    /// Takes in what the membership says.
    pub fn hear(&mut self, event: MemberEvent) {
        let changed = match event {
            MemberEvent::Up(node) => {
                self.members.insert(node, Facts::default());
                true
            }
            MemberEvent::Down(node) => self.members.remove(&node).is_some(),
            MemberEvent::Facts(node, facts) => match self.members.get_mut(&node) {
                Some(known) if *known != facts => {
                    *known = facts;
                    true
                }
                _ => false,
            },
            MemberEvent::Started => !std::mem::replace(&mut self.synced.members, true),
            MemberEvent::FactsOverdue => !std::mem::replace(&mut self.synced.facts_overdue, true),
        };
        if changed {
            self.concerned = Concerned::All;
        }
    }

    /// Takes in which interfaces of this node take part in layer 2.
    pub fn set_interfaces(&mut self, names: BTreeSet<String>) {
        if self.interfaces != names {
            self.interfaces = names;
            self.concerned = Concerned::All;
        }
    }

    /// Decides about every Service that something new concerns. Nothing comes out before [`is_ready`](Self::is_ready).
    pub fn decide(&mut self, now: Duration) -> Vec<Step> {
        if !self.is_ready() {
            return Vec::new();
        }
        let others = self.members.iter().filter(|(_, facts)| facts.protocol > 0);
        let others = others.map(|(name, facts)| (name.clone(), facts.freshness == Freshness::Current));
        let mine = (Arc::from(self.me.as_str()), self.is_current());
        if self.views.update(others.chain([mine]), now) {
            self.concerned = Concerned::All;
        }
        self.now = now;
        if std::mem::take(&mut self.objects_changed) {
            let config = compile(&self.objects).config;
            let in_use = || addresses_by_pool(&self.config, &self.services);
            self.memory.follow(&self.objects, &config, in_use, now);
            if config != self.config {
                self.config = config;
                self.concerned = Concerned::All;
            }
        }
        if self.memory.turn(&self.objects, now) {
            let bare = |seen: &ServiceSeen| verdict::advertisements(&self.config, seen).is_none();
            let services = self.services.iter().filter(|(_, seen)| bare(seen));
            services.for_each(|(service, _)| self.concerned.add(service.clone()));
        }
        for service in self.holders.sift(&self.services) {
            self.concerned.add(service);
        }
        let concerned = match std::mem::replace(&mut self.concerned, Concerned::These(BTreeSet::new())) {
            Concerned::These(services) => services,
            Concerned::All => self.services.keys().chain(self.verdicts.keys()).cloned().collect(),
        };
        let mut steps = Vec::new();
        for service in concerned {
            self.decide_one(service, &mut steps);
        }
        // Gains first, over all Services: the network hears of a new address before another one falls silent.
        steps.sort_by_key(|step| matches!(step, Step::Disown { .. }));
        steps
    }

    /// When to [`decide`](Self::decide) again though nothing new was seen or heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        [self.memory.deadline(), self.views.deadline(self.now)].into_iter().flatten().min()
    }

    fn decide_one(&mut self, service: ServiceKey, steps: &mut Vec<Step>) {
        if self.services.contains_key(&service) && self.endpoints.is_pending(&service) {
            return; // its slices are being listed; deciding on none would withdraw what another node just gave us
        }
        let verdict = self.services.get(&service).map(|seen| verdict::decide(self, &service, seen));
        if verdict.as_ref() == self.verdicts.get(&service) {
            return;
        }
        match &verdict {
            Some(Verdict::Announce { addresses, scope, .. }) => self.addresses.set(&service, addresses, scope, steps),
            _ => self.addresses.set(&service, &[], &Scope::All, steps),
        }
        let before = match &verdict {
            Some(new) => self.verdicts.insert(service.clone(), new.clone()),
            None => self.verdicts.remove(&service),
        };
        let uid = self.services.get(&service).map(|seen| seen.uid.clone()).unwrap_or_default();
        steps.push(Step::Verdict { service, uid, verdict, before });
    }

    fn note_watch<T>(&mut self, what: &'static str, change: &Change<T>) {
        match change {
            Change::Broken(_) => self.broken.insert(what),
            _ => self.broken.remove(what),
        };
    }
}

/// The addresses in use, by the name of the pool they have.
fn addresses_by_pool(config: &Config, services: &BTreeMap<ServiceKey, ServiceSeen>) -> BTreeMap<String, Vec<IpAddr>> {
    let mut by_pool: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for seen in services.values() {
        for address in &seen.addresses {
            if let Some(pool) = config.home_of(*address, seen.pool.as_deref()).pool() {
                by_pool.entry(pool.name.clone()).or_default().push(*address);
            }
        }
    }
    by_pool
}
