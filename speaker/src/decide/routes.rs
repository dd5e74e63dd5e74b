//! Which routes the routers of this node are told.
//!
//! ```text
//!   Service, endpoints, node ─► verdict ─► wanted prefixes ─► Rib ─► touched prefixes ┐
//!   BGPPeers, Secrets, labels ─► peers of this node ─────────────────────────────────┼─► Step::Routes, Step::Peers
//!   draining, stopping ─► Drain ─────────────────────────────────────────────────────┘
//!   sessions (established, families) ──────────────────────► which peers have a Service ─► Step::Routed
//! ```
//!
//! What a peer has been told already is known to its session ([`herald_bgp::table`]): here a change is followed by
//! everything it might concern, and there only differences go out.

mod attributes;
mod drain;
mod peers;
mod rib;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use herald_compiler::BgpPeer;

use super::step::Step;
use super::world::World;
use crate::bgp::Routes as Changes;
use crate::bgp::wanted::LinkRouter;
use crate::watch::service::{ServiceKey, ServiceSeen};
use attributes::{Answers, Told};
use drain::Drain;
use peers::Peers;
use rib::Rib;

/// All that is known of BGP.
#[derive(Debug, Default)]
pub(super) struct Routes {
    rib: Rib,
    told: Told,
    pub(super) peers: Peers,
    drain: Drain,
    /// Services about which other nodes had to be asked.
    look_at_others: BTreeSet<ServiceKey>,
    /// The peers that have each Service that has routes from here, as last said.
    had_by: BTreeMap<ServiceKey, Box<[Arc<str>]>>,
    /// Services whose routes have changed.
    changed: BTreeSet<ServiceKey>,
}

impl World {
    /// Which of the Services that other nodes matter to have to be decided about when a node has changed.
    pub(super) fn routed_by_others(&self) -> impl Iterator<Item = &ServiceKey> {
        self.routes.look_at_others.iter()
    }

    /// Whether there is anything to decide about BGP.
    fn has_bgp(&self) -> bool {
        !self.config.bgp_advertisements().is_empty() || !self.routes.rib.is_blank() || self.memory.remembers()
    }

    /// Whether only memory may know of an advertisement for a Service.
    pub(super) fn routed_from_memory(&self, seen: &ServiceSeen) -> bool {
        let home = |ip: &std::net::IpAddr| self.config.home_of(*ip, seen.pool.as_deref()).pool();
        let mut covering =
            seen.addresses.iter().filter_map(home).flat_map(|pool| self.config.bgp_advertisements_of(&pool.name));
        self.has_bgp() && !covering.any(|one| one.selects_service(&seen.labels))
    }

    /// Decides about the routes of these Services, and of those that this concerns.
    pub(super) fn decide_routes(&mut self, services: BTreeSet<ServiceKey>) {
        if !self.has_bgp() {
            return;
        }
        let mut services = services;
        // An aggregate that may not be announced any more has the Services below it decided about again. That ends: what
        // a node can serve depends on endpoints only.
        while let Some(service) = services.pop_first() {
            services.extend(self.decide_routes_of(&service));
        }
    }

    fn decide_routes_of(&mut self, service: &ServiceKey) -> BTreeSet<ServiceKey> {
        let decision = match self.services.get(service) {
            Some(_) if self.endpoints.is_pending(service) => return BTreeSet::new(),
            Some(seen) => verdict::decide(self, &self.routes.rib, service, seen),
            None => verdict::Decision::default(),
        };
        tracing::debug!(%service, routes = ?decision.wanted.routes.keys(), reason = ?decision.reason, "decided about BGP");
        let routes = &mut self.routes;
        if decision.looks_at_others {
            routes.look_at_others.insert(service.clone());
        } else {
            routes.look_at_others.remove(service);
        }
        routes.changed.insert(service.clone());
        routes.rib.set(service, &decision.wanted, &decision.unservable)
    }

    /// Says what has changed: first to whom to speak, then what to say.
    pub(super) fn tell_routes(&mut self, now: Duration, steps: &mut Vec<Step>) {
        let excluded = |node: &crate::watch::node::NodeSeen| node.excluded() && !self.settings.ignore_exclude;
        let leaving = self.leaving || self.my_node().is_some_and(|node| node.draining || excluded(node));
        let announces = self.decided && !self.routes.rib.is_empty();
        let drained = self.routes.drain.turn(leaving, announces, self.settings.bgp_drain, now);
        let wish = std::mem::take(&mut self.peers_changed).then(|| peers::wish(self));
        let routes = &mut self.routes;
        if wish.is_some_and(|wish| routes.peers.follow(wish)) {
            let all: BTreeSet<_> = routes.rib.prefixes().collect();
            let new = routes.peers.changed().to_vec();
            let tables = new.iter().map(|peer| (peer.to_string(), routes.changes(peer, &all))).collect();
            let selected =
                |peer: &&BgpPeer| self.nodes.get(&self.me).is_some_and(|node| peer.selects_node(&node.labels));
            let peers = self.config.bgp_peers().iter().filter(selected).cloned().collect();
            steps.push(Step::Peers { peers, wanted: routes.peers.wanted().clone(), routes: tables });
        }
        let mut touched = routes.rib.take_touched();
        if drained {
            touched.extend(routes.rib.prefixes());
        }
        if !touched.is_empty() {
            let names: Vec<_> = routes.peers.names().cloned().collect();
            let changes = names.into_iter().map(|peer| (peer.to_string(), routes.changes(&peer, &touched)));
            steps.push(Step::Routes(changes.collect()));
        }
        if drained {
            routes.changed.extend(routes.rib.services().cloned());
        }
        self.tell_who_has(steps);
    }

    /// Says which peers have a Service, where that has changed.
    fn tell_who_has(&mut self, steps: &mut Vec<Step>) {
        let routes = &mut self.routes;
        let mut services = std::mem::take(&mut routes.changed);
        if routes.peers.take_changes() {
            services.extend(routes.had_by.keys().cloned());
        }
        for service in services {
            let now = routes.who_has(&service);
            if routes.had_by.get(&service) == now.as_ref() {
                continue;
            }
            let peers = now.as_deref().map(|peers| peers.iter().map(ToString::to_string).collect());
            match now {
                None => drop(routes.had_by.remove(&service)),
                Some(now) => drop(routes.had_by.insert(service.clone(), now)),
            }
            let uid = self.services.get(&service).map(|seen| seen.uid.clone()).unwrap_or_default();
            steps.push(Step::Routed { service, uid, peers });
        }
    }

    /// All that a peer is told.
    #[cfg(test)]
    pub(super) fn table_of(&mut self, peer: &str) -> Changes {
        let all: BTreeSet<_> = self.routes.rib.prefixes().collect();
        self.routes.changes(peer, &all)
    }

    /// When the drain goes on.
    pub(super) fn drain_deadline(&self) -> Option<Duration> {
        self.routes.drain.deadline()
    }

    /// Whether routers need not be told any more that this node's routes go away: they have been, or there are none.
    #[must_use]
    pub fn has_withdrawn(&self) -> bool {
        self.routes.drain == Drain::Withdrawn || self.routes.rib.is_empty() || self.routes.peers.is_empty()
    }

    /// Takes in that the session with a peer carries routes of these families now; of none while it is not established.
    pub fn set_session(&mut self, peer: &str, families: BTreeSet<herald_bgp::Family>) {
        self.routes.peers.carry(peer, families);
    }

    /// Names of the Secrets with passwords for this node's peers.
    #[must_use]
    pub fn wanted_secrets(&self) -> &BTreeSet<String> {
        self.routes.peers.secrets()
    }

    /// Names of the interfaces at whose other end a router is to be found.
    #[must_use]
    pub fn wanted_interfaces(&self) -> &BTreeSet<String> {
        self.routes.peers.interfaces()
    }

    /// Takes in which routers are at the other ends of interfaces.
    pub fn set_link_routers(&mut self, routers: BTreeMap<String, LinkRouter>) {
        self.peers_changed |= self.routes.peers.set_routers(routers);
    }
}

impl Routes {
    /// What a peer is to be told of these prefixes.
    fn changes(&mut self, peer: &str, prefixes: &BTreeSet<herald_compiler::bgp::Prefix>) -> Changes {
        let mut answers = Answers::new();
        let leaving = matches!(self.drain, Drain::Announced { .. });
        let of = |prefix: &herald_compiler::bgp::Prefix| {
            let said = match self.drain {
                Drain::Withdrawn => None,
                _ => self.told.of(peer, self.rib.advertisements(*prefix), leaving, &mut answers),
            };
            Some((attributes::prefix(*prefix)?, said))
        };
        prefixes.iter().filter_map(of).collect()
    }

    /// The peers that have routes of a Service: an advertisement is for them, and their sessions carry the family. `None`: it has none from
    /// here.
    fn who_has(&self, service: &ServiceKey) -> Option<Box<[Arc<str>]>> {
        if self.drain == Drain::Withdrawn {
            return None;
        }
        self.rib.of(service).next()?;
        let has = |peer: &str, families: &BTreeSet<herald_bgp::Family>| {
            let for_it = self.rib.of(service).filter(|(_, all)| all.iter().any(|one| one.announces_to(peer)));
            let mut for_it = for_it.filter(|(prefix, _)| families.contains(&attributes::family(prefix.family())));
            for_it.next().is_some()
        };
        let sessions = self.peers.carried().filter(|(peer, families)| has(peer, families));
        Some(sessions.map(|(peer, _)| Arc::clone(peer)).collect())
    }
}
