//! What becomes of one Service's routes on this node.
//!
//! Every node that may serve a Service announces it: there is no election, the routers spread the flows. In this order a
//! node does not, as in MetalLB but for terminating endpoints (KEP-1669, `docs/bgp.md`):
//!
//! | why not | what it depends on |
//! | --- | --- |
//! | no BGPAdvertisement covers the pool and selects the Service | configuration |
//! | none of those selects this node | configuration, labels of the node |
//! | the node has no network (`NetworkUnavailable`) | the Node |
//! | Local: no local endpoint, or only terminating ones while another node has a ready one | EndpointSlices |
//! | no endpoint anywhere | EndpointSlices |
//!
//! (A node that is drained goes on announcing for a while; see [`super::drain`].)

use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::bgp::{Wanted, wanted};
use herald_compiler::{BgpAdvertisement, Home};
use herald_election::Presence;

use super::rib::Rib;
use crate::decide::World;
use crate::watch::endpoint_slice::EndpointState;
use crate::watch::node::NodeSeen;
use crate::watch::service::{ServiceKey, ServiceSeen};

/// What was decided about the routes of one Service.
#[derive(Debug, Default)]
pub(super) struct Decision {
    pub(super) wanted: Wanted,
    /// Addresses of it that this node can't serve though another node can.
    pub(super) unservable: Vec<IpAddr>,
    /// Other nodes were looked at: one of them that changes may change this.
    pub(super) looks_at_others: bool,
    pub(super) reason: Option<NoRoute>,
}

/// Why a Service has no routes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::decide) enum NoRoute {
    /// The controller has given it no address yet, or an older Service has it.
    NoAddress,
    /// No BGPAdvertisement covers its pool and selects it.
    NoAdvertisement,
    /// None of those that do selects this node.
    NotSelected,
    /// The node has no network.
    NetworkUnavailable,
    /// Local, and the node has no endpoint that serves.
    NoLocalEndpoint,
    /// Local, and the node's endpoints are terminating while another node has a ready one.
    OnlyTerminating,
    /// No endpoint serves anywhere.
    NoEndpoint,
}

/// Decides about one Service. `rib` knows which aggregates this node can serve.
pub(super) fn decide(world: &World, rib: &Rib, service: &ServiceKey, seen: &ServiceSeen) -> Decision {
    let no = |reason| Decision { reason: Some(reason), ..Decision::default() };
    let shown = seen.addresses.iter().copied();
    let addresses: Vec<_> = shown.filter(|ip| world.holders.displacer(*ip, service).is_none()).collect();
    let Some(first) = addresses.first() else { return no(NoRoute::NoAddress) };
    let serving = serving(world, service, seen);
    let unservable = match serving {
        Serving::Elsewhere(_) => addresses.clone(),
        Serving::Here | Serving::Nowhere => Vec::new(),
    };
    let looks_at_others = matches!(serving, Serving::Elsewhere(NoRoute::OnlyTerminating))
        || (seen.local && local_state(world, service) == Some(EndpointState::ServingTerminating));
    let no = |reason| Decision {
        wanted: Wanted::default(),
        unservable: unservable.clone(),
        looks_at_others,
        reason: Some(reason),
    };
    let homes: Vec<_> = addresses.iter().map(|ip| (*ip, world.config.home_of(*ip, seen.pool.as_deref()))).collect();
    let advertisements = basis(world, seen, *first, &homes);
    if advertisements.is_empty() {
        return no(NoRoute::NoAdvertisement);
    }
    let Some(node) = world.my_node() else { return no(NoRoute::NotSelected) };
    let selecting: Vec<_> = advertisements.into_iter().filter(|one| one.selects_node(&node.labels)).collect();
    if selecting.is_empty() {
        return no(NoRoute::NotSelected);
    }
    if node.network_unavailable {
        return no(NoRoute::NetworkUnavailable);
    }
    match serving {
        Serving::Here => {}
        Serving::Elsewhere(reason) => return no(reason),
        Serving::Nowhere => return no(NoRoute::NoEndpoint),
    }
    let wanted = wanted(selecting, &homes, |prefix| rib.serves_all_of(prefix));
    Decision { wanted, unservable, looks_at_others, reason: None }
}

/// Where a Service is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serving {
    /// This node can.
    Here,
    /// Another node can, this one can't.
    Elsewhere(NoRoute),
    /// No endpoint serves.
    Nowhere,
}

fn serving(world: &World, service: &ServiceKey, seen: &ServiceSeen) -> Serving {
    let by_node = world.endpoints.by_node(service);
    if by_node.is_empty() {
        return Serving::Nowhere;
    }
    if !seen.local {
        return Serving::Here;
    }
    match by_node.get(world.me.as_str()) {
        None => Serving::Elsewhere(NoRoute::NoLocalEndpoint),
        Some(EndpointState::Ready) => Serving::Here,
        Some(EndpointState::ServingTerminating) => {
            let ready = by_node.iter().filter(|(_, state)| **state == EndpointState::Ready);
            let mut others = ready.filter_map(|(node, _)| world.nodes.get(*node));
            match others.any(|node| may_announce(world, seen, node)) {
                true => Serving::Elsewhere(NoRoute::OnlyTerminating),
                // kube-proxy sends to terminating endpoints while the node has no others: better than nobody.
                false => Serving::Here,
            }
        }
    }
}

fn local_state(world: &World, service: &ServiceKey) -> Option<EndpointState> {
    world.endpoints.by_node(service).get(world.me.as_str()).copied()
}

/// Whether another node, which has a ready endpoint, announces the Service as far as can be seen from here.
fn may_announce(world: &World, seen: &ServiceSeen, node: &NodeSeen) -> bool {
    let excluded = node.excluded() && !world.settings.ignore_exclude;
    let speaks = matches!(world.speakers.presence(&node.name), Presence::Alive { leaving: false, .. });
    let there = speaks && !excluded && !node.network_unavailable && !node.draining;
    there && {
        let covering = seen.addresses.iter().filter_map(|ip| world.config.home_of(*ip, seen.pool.as_deref()).pool());
        let mut advertisements = covering.flat_map(|pool| world.config.bgp_advertisements_of(&pool.name));
        advertisements.any(|one| one.selects_service(&seen.labels) && one.selects_node(&node.labels))
    }
}

/// The advertisements by which a Service is announced: those that cover the pool of an address of it and select it; while
/// there are none, those that are remembered.
fn basis<'a>(
    world: &'a World,
    seen: &ServiceSeen,
    first: IpAddr,
    homes: &[(IpAddr, Home<'_>)],
) -> Vec<&'a Arc<BgpAdvertisement>> {
    let selects = |one: &&Arc<BgpAdvertisement>| one.selects_service(&seen.labels);
    let covers = |one: &&Arc<BgpAdvertisement>| {
        homes.iter().filter_map(|(_, home)| home.pool()).any(|pool| one.pools.contains(&pool.name))
    };
    let all = world.config.bgp_advertisements();
    let found: Vec<_> = all.iter().filter(covers).filter(selects).collect();
    if !found.is_empty() {
        return found;
    }
    let recorded = seen.pool.as_deref();
    let orphaned = homes.iter().all(|(_, home)| home.pool().is_none());
    match (world.memory.bgp_advertisements_for(first, recorded), recorded) {
        (Some(remembered), _) => remembered.filter(selects).collect(),
        // As for layer 2: a speaker that has just started can't know what there was.
        (None, Some(pool)) if orphaned && world.memory.is_young() => {
            all.iter().filter(selects).filter(|one| world.means_by_bgp(&one.name, pool)).collect()
        }
        (None, _) => Vec::new(),
    }
}
