//! Knows the truth and says what is wrong.
//!
//! * **Invariant 3.** In each part of the network that can talk, every address with an eligible node has exactly one
//!   owner, once the last disturbance is over for the plan's bound. And it stays: nothing moves by itself.
//! * **Invariant 4.** The owner of an address of a Service with `externalTrafficPolicy: Local` has a ready endpoint, or
//!   a serving, terminating one if no eligible node has a ready one.
//! * **Invariant 8.** A planned move ([`Kind::Move`](crate::plan::Kind)) leaves no instant without an owner, as long as
//!   the old one can serve; a restart ([`Kind::Restart`](crate::plan::Kind)) moves nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use herald_speaker::watch::endpoint_slice::EndpointState;

use crate::truth::{Truth, service_ip};

/// What the oracle sees of one running speaker.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) node: usize,
    /// Which part of the network it is in.
    pub(crate) side: u8,
    /// It has seen enough to decide.
    pub(crate) ready: bool,
    /// The newest version of the truth that it has seen.
    pub(crate) version: Option<u64>,
    pub(crate) owned: &'a BTreeSet<IpAddr>,
}

/// What is wrong in a steady state; `None`: nothing.
pub(crate) fn steady(truth: &Truth, speakers: &[Sight<'_>]) -> Option<String> {
    let sides: BTreeSet<u8> = speakers.iter().map(|speaker| speaker.side).collect();
    for side in sides {
        let part: Vec<_> = speakers.iter().filter(|speaker| speaker.side == side).collect();
        // Who decides by an old truth decides by that; it is looked at again when the watches work.
        if part.iter().any(|speaker| speaker.version.is_some_and(|version| version != truth.version)) {
            continue;
        }
        for service in 0..truth.services.len() {
            if let Some(wrong) = wrong_with(truth, service, &part) {
                return Some(wrong);
            }
        }
    }
    None
}

fn wrong_with(truth: &Truth, service: usize, part: &[&Sight<'_>]) -> Option<String> {
    let ip = service_ip(service);
    let owners: Vec<_> =
        part.iter().filter(|speaker| speaker.owned.contains(&ip)).map(|speaker| speaker.node).collect();
    let right = right_owners(truth, service, part);
    let fine = match owners[..] {
        [] => right.is_empty(),
        [owner] => right.contains(&owner),
        _ => false,
    };
    if fine {
        return None;
    }
    let nodes: Vec<_> = part.iter().map(|speaker| speaker.node).collect();
    Some(format!(
        "invariant 3 or 4: {ip} ({:?}) is announced by {owners:?} among {nodes:?}, and should be by one of {right:?}",
        truth.services[service],
    ))
}

/// Those of which any may be the owner, whatever the order of election says.
fn right_owners(truth: &Truth, service: usize, part: &[&Sight<'_>]) -> Vec<usize> {
    let service = &truth.services[service];
    let ready = |node: usize| service.endpoints.get(&node) == Some(&EndpointState::Ready);
    let mut able: Vec<usize> = part
        .iter()
        .filter(|speaker| speaker.ready && !truth.nodes[speaker.node].excluded)
        .map(|speaker| speaker.node)
        .filter(|node| !service.endpoints.is_empty() && (!service.local || service.endpoints.contains_key(node)))
        .collect();
    if service.local && able.iter().any(|node| ready(*node)) {
        able.retain(|node| ready(*node));
    }
    if able.iter().any(|node| !truth.nodes[*node].cordoned) {
        able.retain(|node| !truth.nodes[*node].cordoned);
    }
    able
}

/// Whether anybody could announce the address.
pub(crate) fn announceable(truth: &Truth, service: usize, speakers: &[Sight<'_>]) -> bool {
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
}

impl Watcher {
    /// Ownership has changed. Returns the Services that have just lost their last owner.
    pub(crate) fn look(&mut self, now: Duration, services: usize, owners: impl Fn(IpAddr) -> usize) -> Vec<usize> {
        let mut lost = Vec::new();
        for service in 0..services {
            match owners(service_ip(service)) {
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
