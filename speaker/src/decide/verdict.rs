//! What becomes of one Service on this node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use herald_compiler::L2Advertisement;
use herald_election::{self as election, Endpoints, Policy, Presence, Question};
use herald_membership::{Facts, Freshness, Phase};
use herald_neighbor::Scope;

use super::world::World;
use crate::watch::endpoint_slice::EndpointState;
use crate::watch::node::NodeSeen;
use crate::watch::service::{ServiceKey, ServiceSeen};

/// What becomes of one Service on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is announced from here.
    Announce {
        /// All its addresses.
        addresses: Vec<IpAddr>,
        /// On these interfaces.
        scope: Scope,
    },
    /// It is not, for this reason.
    Not(Reason),
}

/// Why a Service is not announced from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The controller has given it no address yet.
    NoAddress,
    /// No pool contains its address (any more).
    NoPool,
    /// No L2Advertisement covers its pool and selects it.
    NoAdvertisement,
    /// Another node announces it.
    Owner(String),
    /// No node can announce it; this is why this one can't.
    NoCandidate(election::Reason),
    /// The cluster has no node that this speaker knows.
    NoNodes,
}

/// Decides about one Service.
pub(super) fn decide(world: &World, service: &ServiceKey, seen: &ServiceSeen) -> Verdict {
    let Some(key_address) = seen.addresses.first() else { return Verdict::Not(Reason::NoAddress) };
    let Some(pool) = world.config.home_of(*key_address, seen.pool.as_deref()).pool() else {
        return Verdict::Not(Reason::NoPool);
    };
    let advertisements: Vec<_> = world
        .config
        .l2_advertisements_of(&pool.name)
        .filter(|advertisement| advertisement.selects_service(&seen.labels))
        .collect();
    if advertisements.is_empty() {
        return Verdict::Not(Reason::NoAdvertisement);
    }
    let by_node = world.endpoints.by_node(service);
    let question = Question {
        address: *key_address,
        policy: if seen.local { Policy::Local } else { Policy::Cluster },
        shared_with_selector: seen.shared
            && advertisements.iter().any(|advertisement| !advertisement.service_selectors.is_empty()),
        failback: true,
        elsewhere: elsewhere(world, &by_node),
        nodes: world.nodes.values().map(|node| candidate(world, node, &advertisements, &by_node)).collect(),
    };
    let answer = election::elect(&question);
    match answer.owner {
        Some(owner) if owner == world.me => {
            Verdict::Announce { addresses: seen.addresses.clone(), scope: scope(world, &advertisements) }
        }
        Some(owner) => Verdict::Not(Reason::Owner(owner.to_owned())),
        None => {
            let mine = answer.reason(&world.me).or(answer.refused.first().map(|(_, reason)| *reason));
            Verdict::Not(mine.map_or(Reason::NoNodes, Reason::NoCandidate))
        }
    }
}

/// Endpoints without a node, or on nodes that are not known (yet).
fn elsewhere(world: &World, by_node: &BTreeMap<&str, EndpointState>) -> Endpoints {
    let unknown = by_node.iter().filter(|(node, _)| !world.nodes.contains_key(**node));
    endpoints(unknown.map(|(_, state)| *state).max())
}

fn endpoints(best: Option<EndpointState>) -> Endpoints {
    Endpoints {
        ready: best == Some(EndpointState::Ready),
        serving_terminating: best == Some(EndpointState::ServingTerminating),
    }
}

fn candidate<'a>(
    world: &World,
    node: &'a NodeSeen,
    advertisements: &[&L2Advertisement],
    by_node: &BTreeMap<&str, EndpointState>,
) -> election::Node<'a> {
    let mine = node.name == world.me;
    let facts = world.members.get(node.name.as_str());
    let selecting: Vec<_> = advertisements.iter().filter(|ad| ad.selects_node(&node.labels)).collect();
    let has_interface = selecting.iter().any(|advertisement| {
        if mine { has_interface(&world.interfaces, advertisement) } else { claims_interface(facts, advertisement) }
    });
    let speaker = match facts {
        _ if mine => Presence::Alive { current: world.is_current(), leaving: false },
        Some(facts) if facts.protocol > 0 => {
            Presence::Alive { current: is_current(facts), leaving: facts.phase != Phase::Running }
        }
        _ => Presence::Absent,
    };
    election::Node {
        name: &node.name,
        speaker,
        selected: !selecting.is_empty(),
        has_interface: has_interface || selecting.is_empty(),
        network_unavailable: node.network_unavailable,
        excluded: node.excluded() && !world.ignore_exclude,
        cordoned: node.cordoned,
        score: advertisements.iter().map(|advertisement| i64::from(advertisement.score(&node.labels))).sum(),
        endpoints: endpoints(by_node.get(node.name.as_str()).copied()),
        owns_now: false,
    }
}

fn is_current(facts: &Facts) -> bool {
    facts.freshness == Freshness::Current
}

fn has_interface(mine: &BTreeSet<String>, advertisement: &L2Advertisement) -> bool {
    advertisement.interfaces.is_empty() || advertisement.interfaces.iter().any(|name| mine.contains(name))
}

/// Whether another node has one of the interfaces; "don't know" counts as yes.
fn claims_interface(facts: Option<&Facts>, advertisement: &L2Advertisement) -> bool {
    let Some(facts) = facts else { return true };
    advertisement.interfaces.is_empty()
        || advertisement.interfaces.iter().any(|name| facts.interfaces.contains(name) != Some(false))
}

/// Where this node answers: on what any of the advertisements that select it allows.
fn scope(world: &World, advertisements: &[&L2Advertisement]) -> Scope {
    let labels = world.my_node().map(|node| &node.labels);
    advertisements
        .iter()
        .filter(|advertisement| labels.is_some_and(|labels| advertisement.selects_node(labels)))
        .map(|advertisement| match advertisement.interfaces.is_empty() {
            true => Scope::All,
            false => Scope::Named(advertisement.interfaces.clone()),
        })
        .reduce(Scope::union)
        .unwrap_or(Scope::All)
}
