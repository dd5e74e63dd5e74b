//! What an election depends on: plain values, the same on every speaker.

use std::net::IpAddr;

use crate::ranking::Candidate;

/// Who shall announce this address?
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The first address in the Service's status. A dual-stack Service is decided by it for both families.
    pub address: IpAddr,
    /// `externalTrafficPolicy`.
    pub policy: Policy,
    /// Whether the Service shares its address and one of its advertisements selects Services: then the sharers could
    /// not agree on a node, and nobody announces.
    pub shared_with_selector: bool,
    /// Whether the address returns to the first in the ranking as soon as it may. `false`: it stays with whoever owns
    /// it now and still may.
    pub failback: bool,
    /// Endpoints that are on none of [`Question::nodes`].
    pub elsewhere: Endpoints,
    /// Every node the caller knows, each once.
    pub nodes: Vec<Node<'a>>,
}

/// `externalTrafficPolicy` of the Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Any node forwards to endpoints anywhere.
    #[default]
    Cluster,
    /// A node forwards only to endpoints of its own.
    Local,
}

/// One node, for one Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether a speaker runs there, and how it is.
    pub speaker: Presence,
    /// Whether one of the Service's advertisements selects the node.
    pub selected: bool,
    /// Whether it has one of the interfaces its advertisements name; `true` if they name none.
    pub has_interface: bool,
    /// Condition `NetworkUnavailable` is True.
    pub network_unavailable: bool,
    /// It carries `node.kubernetes.io/exclude-from-external-load-balancers` and the caller heeds it.
    pub excluded: bool,
    /// It is cordoned and the caller heeds it: ranked behind all that are not.
    pub cordoned: bool,
    /// Sum of the preference weights that the Service's advertisements give this node.
    pub score: i64,
    /// The Service's endpoints on this node.
    pub endpoints: Endpoints,
    /// Its speaker says that it owns the address now; matters only without [`Question::failback`].
    pub owns_now: bool,
}

/// How a node's speaker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Presence {
    /// None, or not alive.
    #[default]
    Absent,
    /// Alive.
    Alive {
        /// Its view of the cluster is fresh.
        current: bool,
        /// It will stop for good, or its node is being drained.
        leaving: bool,
    },
}

/// A Service's endpoints in one place, as KEP-1669 tells them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// One or more are ready (an unset condition counts as ready).
    pub ready: bool,
    /// One or more are terminating but still serving.
    pub serving_terminating: bool,
}

impl Endpoints {
    /// Whether traffic that arrives here meets anybody.
    pub fn any(self) -> bool {
        self.ready || self.serving_terminating
    }
}

impl Presence {
    /// An ordinary speaker: fresh view, here to stay.
    pub const GOOD: Self = Self::Alive { current: true, leaving: false };
}

impl<'a> Node<'a> {
    pub(crate) fn candidate(&self) -> Candidate<'a> {
        Candidate { node: self.name, score: self.score, cordoned: self.cordoned }
    }
}
