//! Knows the truth and says what is wrong.
//!
//! * **Invariant 3.** In each part of the network that can talk, every address with an eligible node has exactly one
//!   owner, once the last disturbance is over for the plan's bound. And it stays: nothing moves by itself.
//! * **Invariant 4.** The owner of an address of a Service with `externalTrafficPolicy: Local` has a ready endpoint, or
//!   a serving, terminating one if no eligible node has a ready one.
//! * **Invariant 8.** A planned move ([`Kind::Move`](crate::plan::Kind)) leaves no instant without an owner, as long as
//!   the old one can serve; a restart ([`Kind::Restart`](crate::plan::Kind)) moves nothing, and a client that asks
//!   meanwhile is told the owner's MAC.
//! * **`failback: false`.** Nobody takes an address on a planned move from one that may keep it.
//!
//! What counts is what a client on the wire is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use herald_speaker::watch::endpoint_slice::EndpointState;

use crate::truth::{Truth, service_ip};

/// What the oracle sees of one running speaker.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) node: usize,
    /// Which part of the network it is in.
    pub(crate) side: u8,
    /// It has not seen the API server for so long that others leave it out.
    pub(crate) stale: bool,
    /// It has seen enough to decide.
    pub(crate) ready: bool,
    /// The newest version of the truth that it has seen.
    pub(crate) version: Option<u64>,
}

/// Who answers, and whose MAC it tells.
pub(crate) type Told = Vec<(usize, usize)>;

/// What is wrong in a steady state; `None`: nothing. Of each Service, who answers a client that asks for it.
pub(crate) fn steady(truth: &Truth, speakers: &[Sight], told: &[Told]) -> Option<String> {
    let sides: BTreeSet<u8> = speakers.iter().map(|speaker| speaker.side).collect();
    for side in sides {
        let part: Vec<_> = speakers.iter().filter(|speaker| speaker.side == side).collect();
        // Who decides by an old truth decides by that; it is looked at again when the watches work.
        if part.iter().any(|speaker| speaker.version.is_some_and(|version| version != truth.version)) {
            continue;
        }
        for (service, told) in told.iter().enumerate() {
            if let Some(wrong) = wrong_with(truth, service, &part, told) {
                return Some(wrong);
            }
        }
    }
    None
}

fn wrong_with(truth: &Truth, service: usize, part: &[&Sight], told: &Told) -> Option<String> {
    let ip = service_ip(service);
    let is_here = |node: usize| part.iter().any(|speaker| speaker.node == node);
    let owners: Vec<_> = told.iter().filter(|(node, _)| is_here(*node)).collect();
    let right = right_owners(truth, service, part);
    let fine = match owners[..] {
        [] => right.is_empty(),
        // Others may answer in the owner's name.
        [(_, owner), ..] => {
            let agreed = owners.iter().all(|(_, told)| told == owner);
            agreed && owners.iter().any(|(node, _)| node == owner) && right.contains(owner)
        }
    };
    if fine {
        return None;
    }
    let nodes: Vec<_> = part.iter().map(|speaker| speaker.node).collect();
    Some(format!(
        "invariant 3 or 4: {ip} ({:?}) is answered for by {owners:?} (who, and whose MAC) among {nodes:?}, and should \
         be by one of {right:?}",
        truth.services[service],
    ))
}

/// Those of which any may be the owner, whatever the order of election says.
fn right_owners(truth: &Truth, service: usize, part: &[&Sight]) -> Vec<usize> {
    let service = &truth.services[service];
    let ready = |node: usize| service.endpoints.get(&node) == Some(&EndpointState::Ready);
    let mut able: Vec<usize> = part
        .iter()
        .filter(|speaker| speaker.ready && !truth.nodes[speaker.node].excluded)
        .map(|speaker| speaker.node)
        .filter(|node| !service.endpoints.is_empty() && (!service.local || service.endpoints.contains_key(node)))
        .collect();
    if service.local {
        prefer(&mut able, ready);
    }
    prefer(&mut able, |node| !truth.nodes[node].draining);
    prefer(&mut able, |node| part.iter().any(|speaker| speaker.node == node && !speaker.stale));
    if truth.failback {
        prefer(&mut able, |node| !truth.nodes[node].cordoned);
    }
    able
}

/// Only the better ones, if there are any.
fn prefer(able: &mut Vec<usize>, better: impl Fn(usize) -> bool) {
    if able.iter().any(|node| better(*node)) {
        able.retain(|node| better(*node));
    }
}

/// Who may not announce what.
pub(crate) fn unable(truth: &Truth, speakers: &[Sight]) -> Vec<(IpAddr, usize)> {
    let part: Vec<_> = speakers.iter().collect();
    let of = |service: usize| {
        let right = right_owners(truth, service, &part);
        let others = part.iter().map(|speaker| speaker.node).filter(move |node| !right.contains(node));
        others.map(move |node| (service_ip(service), node)).collect::<Vec<_>>()
    };
    (0..truth.services.len()).flat_map(of).collect()
}

/// Who had a reason to give up what, and when last.
#[derive(Debug, Default)]
pub(crate) struct Incumbents {
    unable: BTreeMap<(IpAddr, usize), Duration>,
}

impl Incumbents {
    /// These may not announce these, now.
    pub(crate) fn note(&mut self, unable: Vec<(IpAddr, usize)>, now: Duration) {
        self.unable.extend(unable.into_iter().map(|which| (which, now)));
    }

    /// Whether a node might not announce an address at some time since.
    pub(crate) fn was_unable(&self, ip: IpAddr, node: usize, since: Duration) -> bool {
        self.unable.get(&(ip, node)).is_some_and(|at| *at >= since)
    }
}

/// Whether anybody could announce the address.
pub(crate) fn announceable(truth: &Truth, service: usize, speakers: &[Sight]) -> bool {
    let part: Vec<_> = speakers.iter().collect();
    !right_owners(truth, service, &part).is_empty()
}

/// Follows the number of owners of every address through time.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    /// Addresses without an owner.
    bare: BTreeSet<usize>,
    /// When an address last had two owners.
    pub(crate) twofold: Option<Duration>,
    /// Addresses with two owners, since when.
    double: BTreeMap<usize, Duration>,
    /// For how long at the longest.
    pub(crate) longest: Duration,
}

impl Watcher {
    /// Ownership has changed. Returns the Services that have just lost their last owner.
    pub(crate) fn look(&mut self, now: Duration, services: usize, owners: impl Fn(IpAddr) -> usize) -> Vec<usize> {
        let mut lost = Vec::new();
        for service in 0..services {
            let count = owners(service_ip(service));
            if count > 1 {
                self.double.entry(service).or_insert(now);
            } else if let Some(since) = self.double.remove(&service) {
                self.longest = self.longest.max(now.saturating_sub(since));
            }
            match count {
                0 if self.bare.insert(service) => lost.push(service),
                0 => {}
                count => {
                    self.bare.remove(&service);
                    if count > 1 {
                        self.twofold = Some(now);
                    }
                }
            }
        }
        lost
    }
}
