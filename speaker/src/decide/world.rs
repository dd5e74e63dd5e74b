//! All that the speaker knows, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_compiler::{Config, Objects};
use herald_membership::{Alone, Digest, Freshness, Phase};
use herald_neighbor::MacAddr;
use herald_runtime::watch::Change;

use super::addresses::Addresses;
use super::closely::Closely;
use super::concerned::{Concerned, Standing};
use super::endpoints::Endpoints;
use super::field::Fields;
use super::handover::Handovers;
use super::holders::Holders;
use super::lists::{update, update_list};
use super::memory::Memory;
use super::routes::Routes;
use super::speakers::Speakers;
use super::stand_in::StandIns;
use super::step::{MemberEvent, Request};
use super::verdict::Verdict;
use crate::watch::Seen;
use crate::watch::node::NodeSeen;
use crate::watch::service::{ServiceKey, ServiceSeen};

/// What the operator has chosen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Nodes labelled to be excluded from external load balancers announce all the same.
    pub ignore_exclude: bool,
    /// Cordoned nodes rank behind all others.
    pub heed_cordon: bool,
    /// For how long addresses whose pool is gone are announced.
    pub orphan_grace: Duration,
    /// Answer new neighbours in the name of an owner whose speaker restarts.
    pub restart_proxy: bool,
    /// For how long a speaker that fell silent is waited for, while its node answers.
    pub silent_grace: Duration,
    /// For how long routers are told that this node's routes go away before they do.
    pub bgp_drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ignore_exclude: false,
            heed_cordon: true,
            orphan_grace: Duration::from_secs(600),
            restart_proxy: true,
            silent_grace: Duration::from_secs(10),
            bgp_drain: Duration::from_secs(5),
        }
    }
}

/// Which lists have arrived at least once.
#[derive(Debug, Default)]
pub(super) struct Synced {
    services: bool,
    slices: bool,
    nodes: bool,
    pools: bool,
    l2_advertisements: bool,
    bgp: SyncedBgp,
    members: bool,
    pub(super) facts_overdue: bool,
}

/// The same for the kinds of BGP.
#[derive(Debug, Default)]
struct SyncedBgp {
    peers: bool,
    advertisements: bool,
    communities: bool,
    bfd_profiles: bool,
}

/// All that the speaker knows.
#[derive(Debug)]
pub struct World {
    pub(super) me: String,
    pub(super) settings: Settings,
    pub(super) services: BTreeMap<ServiceKey, ServiceSeen>,
    pub(super) endpoints: Endpoints,
    pub(super) nodes: BTreeMap<String, NodeSeen>,
    pub(super) speakers: Speakers,
    /// What this node's speaker owned before it restarted; only until the first decision.
    pub(super) former: Option<Digest>,
    pub(super) decided: bool,
    /// This node's interfaces that take part in layer 2.
    pub(super) interfaces: BTreeMap<String, MacAddr>,
    /// This speaker is about to stop for good.
    pub(super) leaving: bool,
    pub(super) config: Arc<Config>,
    pub(super) memory: Memory,
    pub(super) holders: Holders,
    pub(super) handovers: Handovers,
    pub(super) closely: Closely,
    pub(super) stand_ins: StandIns,
    pub(super) objects: Objects,
    pub(super) objects_changed: bool,
    pub(super) routes: Routes,
    /// With whom to speak BGP has to be found out again.
    pub(super) peers_changed: bool,
    broken: BTreeSet<&'static str>,
    pub(super) synced: Synced,
    /// When the last decision was made.
    pub(super) now: Duration,
    pub(super) concerned: Concerned,
    /// How the elections stood.
    pub(super) standings: BTreeMap<ServiceKey, Standing>,
    pub(super) fields: Fields,
    pub(super) verdicts: BTreeMap<ServiceKey, Verdict>,
    pub(super) addresses: Addresses,
    /// There should be other speakers, and none answers.
    pub(super) alone: Option<Alone>,
    /// A line for each object of the configuration that is left out.
    pub(super) refused: Vec<String>,
    /// Addresses of ours that another node has just given up.
    pub(super) released: BTreeSet<IpAddr>,
    /// What the wire knows of the other speakers' MACs.
    pub(super) told_macs: BTreeSet<MacAddr>,
}

impl World {
    /// Knows nothing but which node it is on and what its operator wants.
    #[must_use]
    pub fn new(me: String, settings: Settings) -> Self {
        Self {
            me,
            memory: Memory::new(settings.orphan_grace),
            stand_ins: StandIns::new(settings.restart_proxy),
            speakers: Speakers::new(settings.silent_grace),
            settings,
            services: BTreeMap::new(),
            endpoints: Endpoints::default(),
            nodes: BTreeMap::new(),
            former: None,
            decided: false,
            interfaces: BTreeMap::new(),
            leaving: false,
            config: Arc::default(),
            holders: Holders::default(),
            handovers: Handovers::default(),
            closely: Closely::default(),
            objects: Objects::default(),
            objects_changed: true,
            routes: Routes::default(),
            peers_changed: true,
            broken: BTreeSet::new(),
            synced: Synced::default(),
            now: Duration::ZERO,
            concerned: Concerned::everything(),
            standings: BTreeMap::new(),
            fields: Fields::default(),
            verdicts: BTreeMap::new(),
            addresses: Addresses::default(),
            alone: None,
            refused: Vec::new(),
            released: BTreeSet::new(),
            told_macs: BTreeSet::new(),
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
        let Synced { services, slices, nodes, pools, l2_advertisements, ref bgp, members, facts_overdue } = self.synced;
        // Claiming what a speaker owns, only because it has not told yet that it sees the cluster, would be a move.
        let facts = facts_overdue || self.speakers.all_have_spoken();
        let parts = [
            (services, "Services"),
            (slices, "EndpointSlices"),
            (nodes, "Nodes"),
            (pools, "IPAddressPools"),
            (l2_advertisements, "L2Advertisements"),
            (bgp.peers, "BGPPeers"),
            (bgp.advertisements, "BGPAdvertisements"),
            (bgp.communities, "Communities"),
            (bgp.bfd_profiles, "BFDProfiles"),
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

    /// How fresh the view of the cluster is. Who has decided once is never blind again, even if it waits a moment for
    /// the facts of a newcomer.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        match (self.is_ready(), self.broken.is_empty()) {
            (false, _) => Freshness::Blind,
            (true, false) => Freshness::Stale,
            (true, true) => Freshness::Current,
        }
    }

    /// Whether the Services are known, so that EndpointSlices may be watched.
    #[must_use]
    pub fn knows_services(&self) -> bool {
        self.synced.services
    }

    /// Speakers that are alive, stay, and see the cluster as it is, this one included: those that can speak for
    /// themselves.
    pub fn fit(&self) -> impl Iterator<Item = &str> {
        let me = self.is_current() && !self.leaving;
        self.speakers.fit().chain(me.then_some(self.me.as_str()))
    }

    /// How this speaker goes on.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.leaving || self.my_node().is_some_and(|node| node.draining) {
            true => Phase::Draining,
            false => Phase::Running,
        }
    }

    /// Nodes whose speakers are to be watched closely: owners of what would be ours next.
    pub fn watched(&self) -> impl Iterator<Item = &str> {
        self.closely.nodes()
    }

    /// This speaker is about to stop for good: others take over what they can.
    pub fn leave(&mut self) {
        self.leaving = true;
        self.concerned.add_all();
    }

    /// Whether nothing is being handed over to another node (any more).
    #[must_use]
    pub fn has_handed_over(&self) -> bool {
        self.handovers.is_empty()
    }

    /// A line for each object of the configuration that is left out.
    pub fn refused(&self) -> impl Iterator<Item = &String> {
        self.refused.iter()
    }

    /// Set while there should be other speakers and none answers.
    #[must_use]
    pub fn alone(&self) -> Option<Alone> {
        self.alone
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

    /// This node's interfaces that take part in layer 2, with their MACs.
    pub fn interfaces(&self) -> impl Iterator<Item = (&String, MacAddr)> {
        self.interfaces.iter().map(|(name, mac)| (name, *mac))
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

    /// The same for BGP.
    pub(super) fn means_by_bgp(&self, advertisement: &str, pool: &str) -> bool {
        let written = self.objects.bgp_advertisements.iter().find(|one| one.meta.name == advertisement);
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
                let one = match &change {
                    Change::Applied(node) | Change::Deleted(node) if node.name != self.me => Some(node.name.clone()),
                    _ => None,
                };
                if update(&mut self.nodes, change, |node| node.name.clone()) {
                    match one {
                        Some(node) => self.concerned.add_node(&node),
                        None => {
                            self.concerned.add_all();
                            self.peers_changed = true;
                        }
                    }
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
            Seen::BgpAdvertisements(change) => {
                self.note_watch("BGPAdvertisements", &change);
                self.synced.bgp.advertisements |= matches!(change, Change::Reset(_));
                let (changed, gone) = update_list(&mut self.objects.bgp_advertisements, change, |one| &one.meta.name);
                self.objects_changed |= changed;
                self.memory.bgp_advertisements_vanished(gone);
            }
            Seen::BgpPeers(change) => {
                self.note_watch("BGPPeers", &change);
                self.synced.bgp.peers |= matches!(change, Change::Reset(_));
                self.objects_changed |= update_list(&mut self.objects.bgp_peers, change, |one| &one.meta.name).0;
            }
            Seen::Communities(change) => {
                self.note_watch("Communities", &change);
                self.synced.bgp.communities |= matches!(change, Change::Reset(_));
                self.objects_changed |= update_list(&mut self.objects.communities, change, |one| &one.meta.name).0;
            }
            Seen::BfdProfiles(change) => {
                self.note_watch("BFDProfiles", &change);
                self.synced.bgp.bfd_profiles |= matches!(change, Change::Reset(_));
                self.objects_changed |= update_list(&mut self.objects.bfd_profiles, change, |one| &one.meta.name).0;
            }
            Seen::Secret(name, seen) => self.peers_changed |= self.routes.peers.set_secret(&name, seen),
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
        let heard = self.speakers.hear(&event, self.addresses.owned());
        self.released.extend(heard.released);
        if let (true, Some(node)) = (heard.changed, event.node()) {
            self.concerned.add_node(node);
        }
        let first = match event {
            MemberEvent::Alone(alone) => {
                self.alone = alone;
                false
            }
            MemberEvent::Former(facts) => {
                self.former = Some(facts.owned).filter(|_| !self.decided);
                false
            }
            MemberEvent::Quiet(node) => {
                self.closely.fell_quiet(node);
                false
            }
            MemberEvent::Started => !std::mem::replace(&mut self.synced.members, true),
            MemberEvent::FactsOverdue => !std::mem::replace(&mut self.synced.facts_overdue, true),
            _ => false,
        };
        if first {
            self.concerned.add_all();
        }
    }

    /// Takes in which interfaces of this node take part in layer 2.
    pub fn set_interfaces(&mut self, interfaces: BTreeMap<String, MacAddr>) {
        if self.interfaces != interfaces {
            self.interfaces = interfaces;
            self.concerned.add_all();
        }
    }

    /// The Services that are announced from here under `ip`, with their UIDs and what was decided.
    pub fn announced_at(&self, ip: IpAddr) -> impl Iterator<Item = (&ServiceKey, &str, &Verdict)> {
        self.addresses.services(ip).filter_map(|service| {
            let uid = self.services.get(service)?.uid.as_str();
            Some((service, uid, self.verdicts.get(service)?))
        })
    }

    /// Takes in that `target`, which was asked for, is at `mac` on `interface`.
    pub fn heard(&mut self, target: IpAddr, mac: MacAddr, interface: &str) {
        // (A router that answers for everybody is not the owner's node.)
        let speakers = &self.speakers;
        self.stand_ins.heard(target, mac, interface, |owner| {
            let macs = speakers.macs_of(owner);
            macs.is_empty() || macs.contains(&mac.octets())
        });
        self.closely.heard(target);
    }

    fn note_watch<T>(&mut self, what: &'static str, change: &Change<T>) {
        match change {
            Change::Broken(_) => self.broken.insert(what),
            _ => self.broken.remove(what),
        };
    }
}
