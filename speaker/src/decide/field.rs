//! The field of candidates: every node, as the election asks about it.
//!
//! Most of what is asked about a node depends on the advertisements alone, and thousands of Services have the same
//! ones. That part is worked out once for each set of advertisements ([`Fields`]) and kept until a node, a speaker or
//! the configuration changes; what differs from Service to Service is added to it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::L2Advertisement;
use herald_election::{self as election, Endpoints, Policy, Presence};
use herald_membership::Facts;
use herald_neighbor::MacAddr;

use super::world::World;
use crate::watch::endpoint_slice::EndpointState;
use crate::watch::node::NodeSeen;

/// What was worked out.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// By the names of the advertisements.
    known: HashMap<String, Arc<[Template]>>,
}

/// A node in the order of [`World::nodes`], without what differs from Service to Service.
#[derive(Debug)]
pub(super) struct Template {
    speaker: Presence,
    selected: bool,
    has_interface: bool,
    excluded: bool,
    score: i64,
}

/// The Service about which the election is asked.
#[derive(Debug)]
pub(super) struct Entrant<'a> {
    pub(super) address: IpAddr,
    pub(super) policy: Policy,
    pub(super) failback: bool,
    /// The best state of its endpoints on each node.
    pub(super) by_node: &'a BTreeMap<&'a str, EndpointState>,
}

impl Fields {
    /// The nodes, as seen by these advertisements.
    pub(super) fn of(
        &mut self,
        world: &World,
        advertisements: &[&L2Advertisement],
        remembered: bool,
    ) -> Arc<[Template]> {
        let mut key = String::from(if remembered { "-" } else { "+" });
        for advertisement in advertisements {
            key.push_str(&advertisement.name);
            key.push('/'); // no name contains it
        }
        let new = || world.nodes.values().map(|node| template(world, node, advertisements)).collect();
        Arc::clone(self.known.entry(key).or_insert_with(new))
    }
}

/// Every node as a candidate.
pub(super) fn candidates<'w>(world: &'w World, field: &[Template], entrant: &Entrant<'_>) -> Vec<election::Node<'w>> {
    let address = entrant.address;
    let candidate = |(node, template): (&'w NodeSeen, &Template)| {
        let Template { speaker, selected, has_interface, excluded, score } = template;
        // With Cluster any node serves endpoints anywhere.
        let endpoints = match entrant.policy {
            Policy::Cluster => Endpoints::default(),
            Policy::Local => endpoints(entrant.by_node.get(node.name.as_str()).copied()),
        };
        let speaker = match *speaker {
            _ if world.speakers.keeps(&node.name, address) => with_drain(Presence::GOOD, node),
            Presence::Alive { current: false, leaving } => {
                Presence::Alive { current: world.speakers.counts_on(&node.name, address), leaving }
            }
            speaker => speaker,
        };
        election::Node {
            name: &node.name,
            speaker,
            selected: *selected,
            has_interface: *has_interface,
            network_unavailable: node.network_unavailable,
            excluded: *excluded,
            cordoned: node.cordoned && world.settings.heed_cordon,
            score: *score,
            endpoints,
            owns_now: !entrant.failback && owns_now(world, node, address),
        }
    };
    let mut nodes: Vec<_> = world.nodes.values().zip(field).map(candidate).collect();
    // What was kept for this node while its speaker restarted; not what somebody has taken since.
    if !entrant.failback && owned_before(world, address) && !nodes.iter().any(|node| node.owns_now) {
        nodes.iter_mut().filter(|node| node.name == world.me).for_each(|node| node.owns_now = true);
    }
    nodes
}

/// Endpoints that are on none of the candidates: without a node, on nodes that are not known (yet), and with Cluster all.
pub(super) fn elsewhere(world: &World, entrant: &Entrant<'_>) -> Endpoints {
    let counts = |node: &str| entrant.policy == Policy::Cluster || !world.nodes.contains_key(node);
    let states = entrant.by_node.iter().filter(|(node, _)| counts(node)).map(|(_, state)| *state);
    endpoints(states.max())
}

fn endpoints(best: Option<EndpointState>) -> Endpoints {
    Endpoints {
        ready: best == Some(EndpointState::Ready),
        serving_terminating: best == Some(EndpointState::ServingTerminating),
    }
}

fn template(world: &World, node: &NodeSeen, advertisements: &[&L2Advertisement]) -> Template {
    let mine = node.name == world.me;
    let facts = world.speakers.facts(&node.name);
    let selecting: Vec<_> = advertisements.iter().filter(|ad| ad.selects_node(&node.labels)).collect();
    let has_interface = selecting.iter().any(|advertisement| {
        if mine { has_interface(&world.interfaces, advertisement) } else { claims_interface(facts, advertisement) }
    });
    let speaker = match mine {
        true => Presence::Alive { current: world.speakers.counts(&world.me), leaving: world.leaving },
        false => world.speakers.presence(&node.name),
    };
    Template {
        speaker: with_drain(speaker, node),
        selected: !selecting.is_empty(),
        has_interface: has_interface || selecting.is_empty(),
        excluded: node.excluded() && !world.settings.ignore_exclude,
        score: advertisements.iter().map(|advertisement| i64::from(advertisement.score(&node.labels))).sum(),
    }
}

/// How a speaker counts on a node that may be about to go.
pub(super) fn with_drain(speaker: Presence, node: &NodeSeen) -> Presence {
    match speaker {
        Presence::Alive { current, leaving } => Presence::Alive { current, leaving: leaving || node.draining },
        Presence::Absent => Presence::Absent,
    }
}

fn owns_now(world: &World, node: &NodeSeen, address: IpAddr) -> bool {
    if node.name == world.me {
        return world.addresses.owns(address);
    }
    let facts = world.speakers.facts(&node.name);
    // One that is back from a restart and has not decided yet says of nothing that it owns it.
    world.speakers.kept(&node.name, address)
        || facts.is_some_and(|facts| facts.owned.contains(&address.to_string()) == Some(true))
}

/// Whether this node's speaker owned the address before it restarted, and comes to its first decision now.
fn owned_before(world: &World, address: IpAddr) -> bool {
    world.former.as_ref().is_some_and(|owned| owned.contains(&address.to_string()) == Some(true))
}

fn has_interface(mine: &BTreeMap<String, MacAddr>, advertisement: &L2Advertisement) -> bool {
    advertisement.interfaces.is_empty() || advertisement.interfaces.iter().any(|name| mine.contains_key(name))
}

/// Whether another node has one of the interfaces; "don't know" counts as yes.
fn claims_interface(facts: Option<&Facts>, advertisement: &L2Advertisement) -> bool {
    let Some(facts) = facts else { return true };
    advertisement.interfaces.is_empty()
        || advertisement.interfaces.iter().any(|name| facts.interfaces.contains(name) != Some(false))
}
