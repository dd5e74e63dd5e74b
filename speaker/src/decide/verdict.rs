//! What becomes of one Service on this node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use herald_compiler::{Config, L2Advertisement};
use herald_election::{self as election, Endpoints, Policy, Presence, Question};
use herald_membership::{Facts, Phase};
use herald_neighbor::Scope;

use super::unannounced::{self, Unannounced};
use super::world::World;
use crate::watch::endpoint_slice::EndpointState;
use crate::watch::node::NodeSeen;
use crate::watch::service::{ServiceKey, ServiceSeen};

/// What becomes of one Service on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is announced from here.
    Announce {
        /// All its addresses, without those that an older Service has.
        addresses: Vec<IpAddr>,
        /// On these interfaces.
        scope: Scope,
        /// Only because the configuration was so: the pool, or with it the advertisement, has vanished.
        remembered: bool,
    },
    /// It is not, for this reason.
    Not(Reason),
    /// Nobody announces it, and it is for this speaker to say so.
    Unannounced(Unannounced),
}

/// Why a Service is not announced from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The controller has given it no address yet.
    NoAddress,
    /// An older Service has its address.
    Displaced(ServiceKey),
    /// No pool contains its address, and the one it came from, if known, has been gone for longer than the grace time.
    PoolGone(Option<String>),
    /// No L2Advertisement covers its pool and selects it.
    NoAdvertisement,
    /// Another node announces it.
    Owner(String),
    /// No node can announce it; this is why this one can't.
    NoCandidate(election::Reason),
    /// The cluster has no node that this speaker knows.
    NoNodes,
}

impl Verdict {
    /// Why it is not announced from here; `None` if it is.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Announce { .. } => None,
            Self::Not(reason) | Self::Unannounced(Unannounced { reason, .. }) => Some(reason),
        }
    }
}

/// Decides about one Service.
pub(super) fn decide(world: &World, service: &ServiceKey, seen: &ServiceSeen) -> Verdict {
    let Some(key_address) = seen.addresses.first().copied() else { return Verdict::Not(Reason::NoAddress) };
    let displacer = |ip: &IpAddr| world.holders.displacer(*ip, service);
    let addresses: Vec<_> = seen.addresses.iter().copied().filter(|ip| displacer(ip).is_none()).collect();
    if let (true, Some(older)) = (addresses.is_empty(), displacer(&key_address)) {
        return unannounced::verdict(world, key_address, Reason::Displaced(older.clone()), &[]);
    }
    let (advertisements, remembered) = match basis(world, seen, key_address) {
        Ok(basis) => basis,
        Err(Reason::NoAdvertisement) => return Verdict::Not(Reason::NoAdvertisement), // the controller sees it as well
        Err(reason) => return unannounced::verdict(world, key_address, reason, &[]),
    };
    let by_node = world.endpoints.by_node(service);
    let question = Question {
        address: key_address,
        policy: if seen.local { Policy::Local } else { Policy::Cluster },
        shared_with_selector: seen.sharing.is_some()
            && advertisements.iter().any(|advertisement| !advertisement.service_selectors.is_empty()),
        failback: true,
        elsewhere: elsewhere(world, &by_node),
        nodes: world.nodes.values().map(|node| candidate(world, node, &advertisements, &by_node)).collect(),
    };
    let answer = election::elect(&question);
    match answer.owner {
        Some(owner) if owner == world.me => {
            Verdict::Announce { addresses, scope: scope(world, &advertisements), remembered }
        }
        Some(owner) => Verdict::Not(Reason::Owner(owner.to_owned())),
        None => {
            let mine = answer.reason(&world.me).or(answer.refused.first().map(|(_, reason)| *reason));
            let reason = mine.map_or(Reason::NoNodes, Reason::NoCandidate);
            unannounced::verdict(world, key_address, reason, &answer.refused)
        }
    }
}

/// The advertisements that the configuration has for a Service: those that cover its pool and select it; `None` if
/// there are none.
pub(super) fn advertisements<'a>(config: &'a Config, seen: &ServiceSeen) -> Option<Vec<&'a L2Advertisement>> {
    let pool = config.home_of(*seen.addresses.first()?, seen.pool.as_deref()).pool()?;
    let selecting = config.l2_advertisements_of(&pool.name).filter(|one| one.selects_service(&seen.labels));
    Some(selecting.collect::<Vec<_>>()).filter(|found| !found.is_empty())
}

/// The advertisements by which a Service is announced, and whether they are only remembered.
fn basis<'a>(
    world: &'a World,
    seen: &ServiceSeen,
    address: IpAddr,
) -> Result<(Vec<&'a L2Advertisement>, bool), Reason> {
    if let Some(found) = advertisements(&world.config, seen) {
        return Ok((found, false));
    }
    let selects = |one: &&L2Advertisement| one.selects_service(&seen.labels);
    let recorded = seen.pool.as_deref();
    let orphaned = world.config.home_of(address, recorded).pool().is_none();
    let found: Vec<_> = match (world.memory.advertisements_for(address, recorded), recorded) {
        (Some(remembered), _) => remembered.filter(selects).collect(),
        // A speaker that has just started can't know what there was. What names the pool or means all is a good guess.
        (None, Some(pool)) if orphaned && world.memory.is_young() => {
            world.config.l2_advertisements().iter().filter(selects).filter(|one| world.means(&one.name, pool)).collect()
        }
        (None, _) => Vec::new(),
    };
    match (found.is_empty(), orphaned) {
        (false, _) => Ok((found, true)),
        (true, true) => Err(Reason::PoolGone(seen.pool.clone())),
        (true, false) => Err(Reason::NoAdvertisement),
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
        _ if mine => Presence::Alive { current: world.views.counts(&world.me), leaving: false },
        Some(facts) if facts.protocol > 0 => {
            Presence::Alive { current: world.views.counts(&node.name), leaving: facts.phase != Phase::Running }
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
