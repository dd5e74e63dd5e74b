//! Which nodes may own the address at all.

use crate::{Endpoints, Node, Question};

/// Why a node is no candidate. Of several reasons the first in this order is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The Service has no endpoint that could serve, anywhere.
    NoEndpoints,
    /// No speaker is alive there.
    NotAlive,
    /// Condition `NetworkUnavailable`.
    NetworkUnavailable,
    /// Label `node.kubernetes.io/exclude-from-external-load-balancers`.
    Excluded,
    /// No advertisement selects it.
    NotSelected,
    /// It lacks every interface that the advertisements allow.
    NoInterface,
    /// With `externalTrafficPolicy: Local`: it has no endpoint that could serve.
    NoLocalEndpoint,
    /// With `externalTrafficPolicy: Local`: its endpoints are terminating, and another candidate has a ready one
    /// (KEP-1669).
    OnlyTerminating,
    /// Its view of the cluster is stale, and another candidate's is current.
    Stale,
    /// It is about to stop, and another candidate stays. (Alone, it owns the address to the end.)
    Replaced,
}

impl Refusal {
    /// A sentence part for people, after "node x:".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::NoEndpoints => "the Service has no ready endpoint",
            Self::NotAlive => "no speaker is alive there",
            Self::Replaced => "its speaker is about to stop",
            Self::NetworkUnavailable => "its condition NetworkUnavailable is True",
            Self::Excluded => "it has the label node.kubernetes.io/exclude-from-external-load-balancers",
            Self::NotSelected => "no advertisement's nodeSelectors match it",
            Self::NoInterface => "it has none of the interfaces that the advertisements name",
            Self::NoLocalEndpoint => "it has no ready endpoint of the Service (externalTrafficPolicy: Local)",
            Self::OnlyTerminating => "its endpoints are terminating and another node has a ready one",
            Self::Stale => "its view of the cluster is stale and another speaker's is current",
        }
    }
}

/// Whether a node is worse than a candidate should be, if there are others.
type Lesser = fn(&Question<'_>, &Node<'_>) -> bool;

/// Divides the nodes into candidates and others.
pub(crate) fn divide<'q, 'a>(question: &'q Question<'a>) -> (Vec<&'q Node<'a>>, Vec<(&'a str, Refusal)>) {
    let mut refused = Vec::new();
    let mut candidates: Vec<&Node<'a>> = Vec::with_capacity(question.nodes.len());
    for node in &question.nodes {
        match absolute(question, node) {
            Some(refusal) => refused.push((node.name, refusal)),
            None => candidates.push(node),
        }
    }
    // What disqualifies only while somebody better is there. A speaker that leaves comes last: it still serves well.
    let relative: [(Refusal, Lesser); 3] = [
        (Refusal::OnlyTerminating, |question, node| question.local && node.endpoints != Endpoints::Ready),
        (Refusal::Replaced, |_, node| !node.staying),
        (Refusal::Stale, |_, node| !node.current),
    ];
    for (refusal, lesser) in relative {
        if candidates.iter().any(|node| !lesser(question, node)) {
            candidates.retain(|node| {
                let keep = !lesser(question, node);
                if !keep {
                    refused.push((node.name, refusal));
                }
                keep
            });
        }
    }
    (candidates, refused)
}

fn absolute(question: &Question<'_>, node: &Node<'_>) -> Option<Refusal> {
    let refusals = [
        (!question.served, Refusal::NoEndpoints),
        (!node.alive, Refusal::NotAlive),
        (node.network_unavailable, Refusal::NetworkUnavailable),
        (node.excluded, Refusal::Excluded),
        (!node.selected, Refusal::NotSelected),
        (!node.has_interface, Refusal::NoInterface),
        (question.local && node.endpoints == Endpoints::None, Refusal::NoLocalEndpoint),
    ];
    refusals.into_iter().find(|(applies, _)| *applies).map(|(_, refusal)| refusal)
}
