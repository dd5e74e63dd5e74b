//! Which node owns a layer-2 address?
//!
//! Every speaker asks [`elect`] about the same facts and comes to the same answer, so nobody has to be asked:
//!
//! ```text
//!   all nodes ── eligible? ──► candidates ── rank ──► the first owns the address
//!                   │                          │
//!                   └► refused, and why        └ uncordoned before cordoned, then preference score (high first),
//!                                                then SHA-256 of "node#address" (low first)
//! ```
//!
//! The order is MetalLB's, so that an address stays on its node when a cluster changes over; cordon, which MetalLB
//! does not look at, only ranks. Without preferences the removal of a node that does not own an address never moves
//! the address, and a node that joins takes it only if it ranks first (rendezvous hashing).

mod eligible;
mod rank;

use std::net::IpAddr;

pub use eligible::Refusal;

/// How the Service's endpoints on one node are; ordered, the better the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoints {
    /// None that could serve.
    None,
    /// Only such that are terminating, but still serving.
    ServingTerminating,
    /// At least one that is ready.
    Ready,
}

/// One node, as far as it concerns one Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// Name.
    pub name: &'a str,
    /// A speaker is alive there.
    pub alive: bool,
    /// That speaker stays: it neither drains nor stops.
    pub staying: bool,
    /// That speaker sees a fresh cluster.
    pub current: bool,
    /// An advertisement of the address selects the node.
    pub selected: bool,
    /// The node has one of the interfaces that the advertisements allow (true if they allow all).
    pub has_interface: bool,
    /// Condition `NetworkUnavailable`.
    pub network_unavailable: bool,
    /// Label `node.kubernetes.io/exclude-from-external-load-balancers`, unless it is to be ignored.
    pub excluded: bool,
    /// Cordoned: ranks behind the others.
    pub cordoned: bool,
    /// Sum of the weights of the preferences that match.
    pub score: u32,
    /// The Service's endpoints on this node.
    pub endpoints: Endpoints,
}

/// What is to be decided.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The address that is hashed: the Service's first.
    pub address: IpAddr,
    /// `externalTrafficPolicy: Local`.
    pub local: bool,
    /// The Service has an endpoint that could serve, on whatever node or on none.
    pub served: bool,
    /// Every node of the cluster, in any order, each once.
    pub nodes: Vec<Node<'a>>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Candidates; the first owns the address, the second would take over from it, and so on.
    pub ranking: Vec<&'a str>,
    /// Nodes that are no candidates, and why, in the order of the question.
    pub refused: Vec<(&'a str, Refusal)>,
}

impl<'a> Verdict<'a> {
    /// Who owns the address, if anybody can.
    #[must_use]
    pub fn owner(&self) -> Option<&'a str> {
        self.ranking.first().copied()
    }
}

/// Decides who owns an address. The order of the nodes has no influence.
#[must_use]
pub fn elect<'a>(question: &Question<'a>) -> Verdict<'a> {
    let (candidates, refused) = eligible::divide(question);
    Verdict { ranking: rank::rank(question.address, candidates), refused }
}

#[cfg(test)]
mod tests;
