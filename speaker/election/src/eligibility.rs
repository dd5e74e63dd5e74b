//! Who may announce an address, and why the others may not.
//!
//! A node has to pass the checks in this order; the first it fails is its reason:
//!
//! 1. of the Service: somebody serves it, and its advertisements do not contradict each other;
//! 2. of the node alone: speaker, advertisement, network, exclude label, interface, local endpoint;
//! 3. of the node beside the others that passed so far. These never refuse the last:
//!    ready endpoints before terminating ones (Local), staying before leaving, fresh before stale.

use crate::question::{Node, Policy, Presence, Question};

/// Why a node may not announce an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The Service has no endpoint that serves, anywhere.
    NoEndpoint,
    /// The address is shared and an advertisement has serviceSelectors.
    SharedWithSelector,
    /// No live speaker on the node.
    NoSpeaker,
    /// No advertisement selects the node.
    NotSelected,
    /// The node's condition NetworkUnavailable is True.
    NetworkUnavailable,
    /// The node is labelled to be excluded from external load balancers.
    Excluded,
    /// The node has none of the interfaces its advertisements name.
    NoInterface,
    /// `externalTrafficPolicy: Local` and no endpoint on the node serves.
    NoLocalEndpoint,
    /// `externalTrafficPolicy: Local`, all endpoints on the node terminate, and another node has a ready one.
    OnlyTerminating,
    /// Its speaker leaves, and another stays.
    Leaving,
    /// Its speaker's view of the cluster is stale, and another's is not.
    Stale,
}

impl Reason {
    /// A name for conditions, metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::NoEndpoint => "NoEndpoint",
            Self::SharedWithSelector => "SharedIPWithServiceSelector",
            Self::NoSpeaker => "NoSpeaker",
            Self::NotSelected => "NoMatchingAdvertisement",
            Self::NetworkUnavailable => "NodeNetworkUnavailable",
            Self::Excluded => "NodeExcluded",
            Self::NoInterface => "NoInterface",
            Self::NoLocalEndpoint => "NoLocalEndpoint",
            Self::OnlyTerminating => "OnlyTerminatingEndpoints",
            Self::Leaving => "SpeakerLeaving",
            Self::Stale => "SpeakerStale",
        }
    }

    /// What to say to a person after "node x is no candidate: ".
    pub fn describe(self) -> &'static str {
        match self {
            Self::NoEndpoint => "the Service has no endpoint that is ready or still serving",
            Self::SharedWithSelector => {
                "the address is shared and an L2Advertisement has serviceSelectors; use one without for shared addresses"
            }
            Self::NoSpeaker => "no live speaker runs on it; see the speaker's pod there",
            Self::NotSelected => "no advertisement's nodeSelectors match it",
            Self::NetworkUnavailable => "its condition NetworkUnavailable is True",
            Self::Excluded => "it is labelled node.kubernetes.io/exclude-from-external-load-balancers",
            Self::NoInterface => "it has none of the interfaces that its advertisements name",
            Self::NoLocalEndpoint => "externalTrafficPolicy is Local and it has no endpoint of the Service",
            Self::OnlyTerminating => "its endpoints are terminating and another node has a ready one",
            Self::Leaving => "its speaker is about to stop and another stays",
            Self::Stale => "its speaker sees an outdated cluster and another a current one",
        }
    }
}

/// Whether a node is one of those for which others step back.
type Better = fn(&Node<'_>, Policy) -> bool;

/// Parts the nodes: who may, and who may not for which reason, both in the question's order.
pub(crate) fn sift<'q, 'a>(question: &'q Question<'a>) -> (Vec<&'q Node<'a>>, Vec<(&'a str, Reason)>) {
    let of_service = service_reason(question);
    let mut reasons: Vec<Option<Reason>> =
        question.nodes.iter().map(|node| of_service.or_else(|| node_reason(node, question.policy))).collect();
    let beside: [(Reason, Better); 3] = [
        (Reason::OnlyTerminating, |node, policy| policy == Policy::Cluster || node.endpoints.ready),
        (Reason::Leaving, |node, _| matches!(node.speaker, Presence::Alive { leaving: false, .. })),
        (Reason::Stale, |node, _| matches!(node.speaker, Presence::Alive { current: true, .. })),
    ];
    for (reason, better) in beside {
        let better = |node: &Node<'_>| better(node, question.policy);
        let mut open = question.nodes.iter().zip(&reasons).filter(|(_, r)| r.is_none());
        if open.any(|(node, _)| better(node)) {
            for (node, slot) in question.nodes.iter().zip(&mut reasons) {
                if slot.is_none() && !better(node) {
                    *slot = Some(reason);
                }
            }
        }
    }
    let mut eligible = Vec::new();
    let mut refused = Vec::new();
    for (node, reason) in question.nodes.iter().zip(reasons) {
        match reason {
            None => eligible.push(node),
            Some(reason) => refused.push((node.name, reason)),
        }
    }
    (eligible, refused)
}

fn service_reason(question: &Question<'_>) -> Option<Reason> {
    let served = question.elsewhere.any() || question.nodes.iter().any(|node| node.endpoints.any());
    if !served {
        Some(Reason::NoEndpoint)
    } else if question.shared_with_selector {
        Some(Reason::SharedWithSelector)
    } else {
        None
    }
}

fn node_reason(node: &Node<'_>, policy: Policy) -> Option<Reason> {
    let checks = [
        (node.speaker != Presence::Absent, Reason::NoSpeaker),
        (node.selected, Reason::NotSelected),
        (!node.network_unavailable, Reason::NetworkUnavailable),
        (!node.excluded, Reason::Excluded),
        (node.has_interface, Reason::NoInterface),
        (policy == Policy::Cluster || node.endpoints.any(), Reason::NoLocalEndpoint),
    ];
    checks.into_iter().find(|(passed, _)| !passed).map(|(_, reason)| reason)
}
