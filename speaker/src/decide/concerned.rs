//! Which Services have to be decided about again, so that a change costs what it changes and not what there is.
//!
//! A Service that changed is decided about again, and all of them if the configuration did. If one *node* changed (its
//! speaker came, went, or said something; its labels), that matters to few Services: to those that it has or would have
//! next, and to those for which it might rank before these two. [`Standing`] holds what is needed to tell.

use std::collections::BTreeSet;
use std::net::IpAddr;

use herald_election::{self as election, Policy, Presence, Question};

use crate::watch::service::ServiceKey;

/// What has changed since the last decision.
#[derive(Debug)]
pub(super) struct Concerned {
    pub(super) all: bool,
    pub(super) services: BTreeSet<ServiceKey>,
    pub(super) nodes: BTreeSet<String>,
}

impl Concerned {
    /// Before the first decision.
    pub(super) fn everything() -> Self {
        Self { all: true, services: BTreeSet::new(), nodes: BTreeSet::new() }
    }

    /// After a decision.
    pub(super) fn nothing() -> Self {
        Self { all: false, ..Self::everything() }
    }

    /// Decide about this Service.
    pub(super) fn add(&mut self, service: ServiceKey) {
        if !self.all {
            self.services.insert(service);
        }
    }

    /// Decide about those that this node may matter to.
    pub(super) fn add_node(&mut self, node: &str) {
        if !self.all && !self.nodes.contains(node) {
            self.nodes.insert(node.to_owned());
        }
    }

    /// Decide about all.
    pub(super) fn add_all(&mut self) {
        *self = Self::everything();
    }
}

/// How the election about a Service stood.
#[derive(Debug)]
pub(super) struct Standing {
    /// `None`: any node may matter.
    ordinary: Option<Ordinary>,
}

/// The owner was the first in the ranking, and nothing speaks against it.
#[derive(Debug)]
struct Ordinary {
    address: IpAddr,
    /// The first two in the ranking, and those that would be ahead of them if they were alive.
    involved: Box<[Box<str>]>,
    /// Where the second stands: what ranks behind it changes nothing. `None`: there was none.
    second: Option<(bool, election::Digest)>,
}

impl Standing {
    /// Any node may matter.
    pub(super) fn anybody() -> Self {
        Self { ordinary: None }
    }

    /// From a question and its answer. In a `plain` election no node is preferred and the owner is not away. `ahead`
    /// would be before the owner if they were alive.
    pub(super) fn of(
        question: &Question<'_>,
        answer: &election::Verdict<'_>,
        plain: bool,
        ahead: &BTreeSet<&str>,
    ) -> Self {
        let (Some(owner), Some(first)) = (answer.owner, answer.ranking.first()) else { return Self::anybody() };
        // The last resort gives way to any that is better, wherever it ranks.
        let sound = |node: &election::Node<'_>| {
            node.speaker == Presence::GOOD && (question.policy == Policy::Cluster || node.endpoints.ready)
        };
        let ordinary = plain
            && question.failback
            && owner == first.node
            && question.nodes.iter().filter(|node| node.name == owner).all(sound);
        if !ordinary {
            return Self::anybody();
        }
        let address = question.address;
        let second = answer.ranking.get(1);
        let involved = [Some(first), second].into_iter().flatten().map(|one| one.node).chain(ahead.iter().copied());
        let involved = involved.map(Box::from).collect();
        let second = second.map(|second| (second.cordoned, election::digest(second.node, address)));
        Self { ordinary: Some(Ordinary { address, involved, second }) }
    }

    /// Whether a change of `node` may change the answer. It is `cordoned` or not, and there `is` a speaker there that was
    /// ever heard of, or not: then it can't have come to matter.
    pub(super) fn may_depend_on(&self, node: &str, cordoned: bool, is: bool) -> bool {
        let Some(Ordinary { address, involved, second }) = &self.ordinary else { return true };
        let before = || second.is_none_or(|second| (cordoned, election::digest(node, *address)) < second);
        involved.iter().any(|known| **known == *node) || (is && before())
    }
}
