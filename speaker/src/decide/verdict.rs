//! What becomes of one Service on this node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use herald_compiler::{Config, L2Advertisement};
use herald_election::{self as election, Candidate, Policy, Presence, Question};
use herald_neighbor::{MacAddr, Scope};

use super::concerned::Standing;
use super::field::{self, Entrant, Fields, with_drain};
use super::handover::Patience;
use super::unannounced::{self, Unannounced};
use super::world::World;
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
    /// It is still announced from here, until the next owner says that it has it.
    HandingOver {
        /// Node of the next owner.
        to: String,
        /// What is still answered.
        addresses: Vec<IpAddr>,
        /// On these interfaces.
        scope: Scope,
    },
    /// Its owner's speaker restarts, and this one answers in its name meanwhile.
    StandIn {
        /// Node of the owner.
        owner: String,
        /// What is answered.
        addresses: Vec<IpAddr>,
        /// On these interfaces.
        scope: Scope,
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
    /// Why it is not announced from here; `None` if it is, or answered in another's name.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Announce { .. } | Self::HandingOver { .. } | Self::StandIn { .. } => None,
            Self::Not(reason) | Self::Unannounced(Unannounced { reason, .. }) => Some(reason),
        }
    }

    /// The addresses that are announced from here, and where.
    #[must_use]
    pub fn announced(&self) -> Option<(&[IpAddr], &Scope)> {
        match self {
            Self::Announce { addresses, scope, .. } | Self::HandingOver { addresses, scope, .. } => {
                Some((addresses, scope))
            }
            Self::StandIn { .. } | Self::Not(_) | Self::Unannounced(_) => None,
        }
    }
}

/// What was decided about one Service.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// For how long this node may go on serving it, if another one was elected.
    pub(super) patience: Patience,
    /// Speakers that nobody hears of, but that would be elected instead of this node if they were alive.
    pub(super) ahead: BTreeSet<MacAddr>,
    /// The owner, if this node would be the next one.
    pub(super) before_us: Option<String>,
    /// How the election stood.
    pub(super) standing: Standing,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            patience: Patience::None,
            ahead: BTreeSet::new(),
            before_us: None,
            standing: Standing::anybody(),
        }
    }
}

/// Decides about one Service.
pub(super) fn decide(world: &World, fields: &mut Fields, service: &ServiceKey, seen: &ServiceSeen) -> Decision {
    let Some(key_address) = seen.addresses.first().copied() else { return Verdict::Not(Reason::NoAddress).into() };
    let displacer = |ip: &IpAddr| world.holders.displacer(*ip, service);
    let addresses: Vec<_> = seen.addresses.iter().copied().filter(|ip| displacer(ip).is_none()).collect();
    if let (true, Some(older)) = (addresses.is_empty(), displacer(&key_address)) {
        return unannounced::verdict(world, key_address, Reason::Displaced(older.clone()), &[]).into();
    }
    let (advertisements, remembered) = match basis(world, seen, key_address) {
        Ok(basis) => basis,
        // The controller sees it as well.
        Err(Reason::NoAdvertisement) => return Verdict::Not(Reason::NoAdvertisement).into(),
        Err(reason) => return unannounced::verdict(world, key_address, reason, &[]).into(),
    };
    let by_node = world.endpoints.by_node(service);
    let failback = advertisements.iter().all(|advertisement| advertisement.failback);
    let policy = if seen.local { Policy::Local } else { Policy::Cluster };
    let entrant = Entrant { address: key_address, policy, failback, by_node: &by_node };
    let question = Question {
        address: key_address,
        policy,
        shared_with_selector: seen.sharing.is_some()
            && advertisements.iter().any(|advertisement| !advertisement.service_selectors.is_empty()),
        failback,
        elsewhere: field::elsewhere(world, &entrant),
        nodes: field::candidates(world, &fields.of(world, &advertisements, remembered), &entrant),
    };
    let answer = election::elect(&question);
    let patience = match answer.reason(&world.me) {
        Some(reason) => patience(reason),
        None if answer.ranking.iter().any(|one| one.node == world.me) => Patience::Endless,
        None => Patience::None,
    };
    let mut ahead = BTreeSet::new();
    let verdict = match answer.owner {
        Some(owner) if owner == world.me => {
            ahead = would_be_ahead(world, &question);
            Verdict::Announce { addresses, scope: scope(world, &advertisements), remembered }
        }
        Some(owner) if world.speakers.is_away(owner) && is_next(world, &question, &answer) => {
            Verdict::StandIn { owner: owner.to_owned(), addresses, scope: scope(world, &advertisements) }
        }
        Some(owner) => Verdict::Not(Reason::Owner(owner.to_owned())),
        None => {
            let mine = answer.reason(&world.me).or(answer.refused.first().map(|(_, reason)| *reason));
            let reason = mine.map_or(Reason::NoNodes, Reason::NoCandidate);
            unannounced::verdict(world, key_address, reason, &answer.refused)
        }
    };
    let before_us = answer.owner.filter(|_| answer.successor() == Some(&world.me)).map(str::to_owned);
    let plain = advertisements.iter().all(|advertisement| advertisement.preferred.is_empty())
        && !answer.owner.is_some_and(|owner| world.speakers.is_away(owner));
    let standing = Standing::of(&question, &answer, plain, &ahead);
    let macs = ahead.iter().flat_map(|node| world.speakers.macs_of(node));
    let ahead = macs.map(|mac| MacAddr::from(*mac)).collect();
    Decision { verdict, patience, ahead, before_us, standing }
}

/// For how long a node that was refused for this reason may still serve what is sent to it.
fn patience(reason: election::Reason) -> Patience {
    match reason {
        // Others may not have noticed for as long as this one.
        election::Reason::Stale => Patience::Endless,
        election::Reason::NotSelected
        | election::Reason::Excluded
        | election::Reason::OnlyTerminating
        | election::Reason::Leaving => Patience::Limited,
        election::Reason::NoEndpoint
        | election::Reason::SharedWithSelector
        | election::Reason::NoSpeaker
        | election::Reason::NetworkUnavailable
        | election::Reason::NoInterface
        | election::Reason::NoLocalEndpoint => Patience::None,
    }
}

/// Whether this node is the first in the election's order whose speaker is there. If none is that may own the address,
/// any other will do: what it answers is not its own MAC.
fn is_next(world: &World, question: &Question<'_>, answer: &election::Verdict<'_>) -> bool {
    let there = |name: &str| name == world.me || world.speakers.is_fit(name);
    if let Some(first) = answer.ranking.iter().find(|one| there(one.node)) {
        return first.node == world.me;
    }
    let others = question.nodes.iter().filter(|node| there(node.name));
    let others = others.map(|node| Candidate { node: node.name, score: 0, cordoned: false });
    election::rank(question.address, others).first().is_some_and(|first| first.node == world.me)
}

/// Nodes whose speakers would be elected before this one if they were alive. If one of them is heard to announce the
/// address, it *is* alive and only the membership does not know (UDP is blocked, or a key is wrong).
///
/// Each is compared with this node alone. Who is really dead must not come between: a dead node with the only ready endpoint
/// would be better than all that are left, of whom then none would be ahead of another.
fn would_be_ahead<'w>(world: &'w World, question: &Question<'w>) -> BTreeSet<&'w str> {
    let silent = world.speakers.silent();
    let Some(me) = question.nodes.iter().find(|node| node.name == world.me).filter(|_| !silent.is_empty()) else {
        return BTreeSet::new();
    };
    let candidates = question.nodes.iter().filter(|node| silent.contains(node.name));
    let is_ahead = |other: &&election::Node<'w>| {
        let speaker = world.nodes.get(other.name).map_or(Presence::GOOD, |node| with_drain(Presence::GOOD, node));
        let nodes = vec![*me, election::Node { speaker, ..**other }];
        let two = Question { failback: true, nodes, ..*question };
        election::elect(&two).owner == Some(other.name)
    };
    candidates.filter(is_ahead).map(|node| node.name).collect()
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
