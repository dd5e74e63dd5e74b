//! Answering in the place of a speaker that restarts, or has fallen silent.
//!
//! Its node may go on forwarding, and whoever knows the owner's MAC notices nothing. A *new* neighbour asks, and nobody
//! would answer. So the first live speaker in the election's order answers for it, with the owner's MAC. It learns that
//! MAC, and whether the node is still there at all, by asking for the node's own address, which the kernel answers:
//!
//! ```text
//!   again and again:  who has <address of the owner's node>?
//!        │ answer                          │ MISSES times none
//!        ▼                                 ▼
//!   stand in, with that MAC            the node is gone: elect somebody else
//! ```
//!
//! `docs/layer2.md` has the picture for operators; switches with ARP inspection may refuse such answers
//! (`--restart-proxy=false`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use herald_neighbor::{MacAddr, Scope};

use super::step::Step;
use crate::watch::service::ServiceKey;

/// How often the owner's node is asked.
const PROBE_PERIOD: Duration = Duration::from_millis(100);
/// How often as long as it has not answered yet: nobody answers new neighbours until then.
const FIRST_PERIOD: Duration = Duration::from_millis(50);
/// How many questions in a row may stay without an answer.
const MISSES: u32 = 3;

/// What this node answers in the place of others.
#[derive(Debug)]
pub(super) struct StandIns {
    /// Whether to answer at all; the owner's node is watched in any case.
    answer: bool,
    wanted: BTreeMap<ServiceKey, Wanted>,
    /// By the owner's node.
    watched: BTreeMap<String, Watched>,
    told: BTreeMap<IpAddr, (Scope, MacAddr)>,
}

/// A Service whose owner is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) owner: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) scope: Scope,
}

#[derive(Debug)]
struct Watched {
    /// An address of the node.
    target: IpAddr,
    next: Duration,
    unanswered: u32,
    /// Where it was heard, under which MAC.
    heard: Option<(String, MacAddr)>,
}

impl StandIns {
    pub(super) fn new(answer: bool) -> Self {
        Self { answer, wanted: BTreeMap::new(), watched: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// A Service's owner is away and it is for this node to stand in; `None`: not (any more).
    pub(super) fn set(&mut self, service: &ServiceKey, wanted: Option<Wanted>) {
        match wanted {
            Some(wanted) => drop(self.wanted.insert(service.clone(), wanted)),
            None => drop(self.wanted.remove(service)),
        }
    }

    /// Somebody has answered for `target`; `is` tells whether it is that node.
    pub(super) fn heard(&mut self, target: IpAddr, mac: MacAddr, interface: &str, is: impl Fn(&str) -> bool) {
        let asked = |(owner, watched): &(&String, &mut Watched)| watched.target == target && is(owner);
        for (_, watched) in self.watched.iter_mut().filter(asked) {
            watched.unanswered = 0;
            watched.heard = Some((interface.to_owned(), mac));
        }
    }

    /// Does what is due at `now`; `address_of` tells where a node is asked for. Returns nodes that are gone.
    pub(super) fn turn(
        &mut self,
        now: Duration,
        address_of: impl Fn(&str) -> Option<IpAddr>,
        steps: &mut Vec<Step>,
    ) -> Vec<String> {
        let owners: BTreeSet<&str> = self.wanted.values().map(|wanted| wanted.owner.as_str()).collect();
        self.watched.retain(|owner, _| owners.contains(owner.as_str()));
        for owner in owners {
            let Some(target) = address_of(owner) else { continue };
            self.watched.entry(owner.to_owned()).or_insert(Watched { target, next: now, unanswered: 0, heard: None });
        }
        let mut gone = Vec::new();
        for (owner, watched) in self.watched.iter_mut().filter(|(_, watched)| now >= watched.next) {
            if watched.unanswered >= MISSES {
                gone.push(owner.clone());
                continue;
            }
            watched.unanswered += 1;
            watched.next = now + if watched.heard.is_some() { PROBE_PERIOD } else { FIRST_PERIOD };
            steps.push(Step::Probe { target: watched.target });
        }
        gone
    }

    /// Tells the wire what has changed. What this node owns it answers in its own name.
    pub(super) fn tell(&mut self, owns: impl Fn(IpAddr) -> bool, steps: &mut Vec<Step>) {
        let mut now = BTreeMap::new();
        for wanted in self.wanted.values().filter(|_| self.answer) {
            let Some((interface, mac)) = self.watched.get(&wanted.owner).and_then(|watched| watched.heard.clone())
            else {
                continue;
            };
            if matches!(&wanted.scope, Scope::Named(names) if !names.contains(&interface)) {
                continue;
            }
            for ip in wanted.addresses.iter().filter(|ip| !owns(**ip)) {
                now.insert(*ip, (Scope::Named(BTreeSet::from([interface.clone()])), mac));
            }
        }
        let ended = self.told.keys().filter(|ip| !now.contains_key(*ip) && !owns(**ip));
        steps.extend(ended.map(|ip| Step::Disown { ip: *ip }));
        // An address that was ours a moment ago is not dropped first.
        steps.retain(|step| !matches!(step, Step::Disown { ip } if now.contains_key(ip)));
        let new = now.iter().filter(|(ip, how)| self.told.get(*ip) != Some(*how));
        steps.extend(new.map(|(ip, (scope, mac))| Step::StandIn { ip: *ip, scope: scope.clone(), mac: *mac }));
        self.told = now;
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.watched.values().map(|watched| watched.next).min()
    }
}
