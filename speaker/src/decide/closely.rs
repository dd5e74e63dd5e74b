//! Whom to watch closely, and what to do when they fall quiet.
//!
//! The node that would own an address next watches the one that owns it now, with heartbeats
//! ([`herald_membership::Membership::watch`]). When they fail to come, the speaker may be dead, or its node, or only
//! UDP between the two. Before anybody is called down, the owner's node is asked for by ARP or NDP, which its kernel
//! answers:
//!
//! ```text
//!   Quiet ──► ask QUESTIONS times, QUESTION_PERIOD apart ──┬─ an answer ──────► "it answers": the membership decides alone
//!                                                          └─ none for LIMIT ─► "it does not": down at once
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::step::Step;
use crate::watch::service::ServiceKey;

/// How often a quiet node is asked for.
const QUESTIONS: u32 = 3;
/// Time between two questions: one may be lost.
const QUESTION_PERIOD: Duration = Duration::from_millis(25);
/// How long an answer may take, from the first question on.
const LIMIT: Duration = Duration::from_millis(80);

/// Whom to watch closely.
#[derive(Debug, Default)]
pub(super) struct Closely {
    /// The owner's node of each Service that would be ours next.
    owners: BTreeMap<ServiceKey, String>,
    counts: BTreeMap<String, usize>,
    quiet: BTreeMap<Arc<str>, Quiet>,
}

#[derive(Debug)]
struct Quiet {
    target: Option<IpAddr>,
    asked: u32,
    /// When to ask again, or to give up.
    next: Duration,
    gives_up: Option<Duration>,
    answers: bool,
}

impl Closely {
    /// A Service would be ours if `owner` were gone; `None`: it would not.
    pub(super) fn set(&mut self, service: &ServiceKey, owner: Option<&str>) {
        if self.owners.get(service).map(String::as_str) == owner {
            return;
        }
        if let Some(before) = self.owners.remove(service)
            && let Some(count) = self.counts.get_mut(&before)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&before);
            }
        }
        if let Some(owner) = owner {
            self.owners.insert(service.clone(), owner.to_owned());
            *self.counts.entry(owner.to_owned()).or_default() += 1;
        }
    }

    /// The nodes to watch.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.counts.keys().map(String::as_str)
    }

    /// A node has missed its heartbeats.
    pub(super) fn fell_quiet(&mut self, node: Arc<str>) {
        let quiet = Quiet { target: None, asked: 0, next: Duration::ZERO, gives_up: None, answers: false };
        self.quiet.entry(node).or_insert(quiet);
    }

    /// Somebody answers at `target`.
    pub(super) fn heard(&mut self, target: IpAddr) {
        self.quiet.values_mut().filter(|quiet| quiet.target == Some(target)).for_each(|quiet| quiet.answers = true);
    }

    /// Does what is due at `now`; `address_of` tells where a node is asked for.
    pub(super) fn turn(&mut self, now: Duration, address_of: impl Fn(&str) -> Option<IpAddr>, steps: &mut Vec<Step>) {
        let mut settled = BTreeSet::new();
        for (node, quiet) in &mut self.quiet {
            let gives_up = *quiet.gives_up.get_or_insert(now + LIMIT);
            quiet.target = quiet.target.or_else(|| address_of(node));
            if quiet.answers || now >= gives_up {
                steps.push(Step::Quiet { node: node.clone(), answers: quiet.answers });
                settled.insert(node.clone());
            } else if now >= quiet.next {
                quiet.asked += 1;
                quiet.next = if quiet.asked < QUESTIONS { now + QUESTION_PERIOD } else { gives_up };
                steps.extend(quiet.target.map(|target| Step::Probe { target }));
            }
        }
        self.quiet.retain(|node, _| !settled.contains(node));
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.quiet.values().map(|quiet| quiet.next).min()
    }
}
