//! A Node, reduced to what election and membership use. Heartbeats change nothing here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Node;

/// Label that keeps a node from announcing.
pub const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// What is used of a Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSeen {
    /// Name.
    pub name: String,
    /// UID, for owner references.
    pub uid: String,
    /// Labels, for `nodeSelectors`.
    pub labels: BTreeMap<String, String>,
    /// Condition `NetworkUnavailable` is True.
    pub network_unavailable: bool,
    /// `spec.unschedulable`: cordoned.
    pub cordoned: bool,
    /// It is about to go: deleted, taken out of service, or shutting down. Its addresses move before it does.
    pub draining: bool,
    /// Addresses of type InternalIP, in that order; the first one's family is the node's own.
    pub internal_ips: Vec<IpAddr>,
    /// Condition `Ready` is True: its speaker should answer.
    pub ready: bool,
}

impl NodeSeen {
    /// The address by which a neighbour asks whether the node is there: ARP first.
    #[must_use]
    pub fn probe_address(&self) -> Option<IpAddr> {
        let v4 = self.internal_ips.iter().find(|ip| ip.is_ipv4());
        v4.or(self.internal_ips.first()).copied()
    }

    /// Carries the label [`EXCLUDE`], whatever its value.
    #[must_use]
    pub fn excluded(&self) -> bool {
        self.labels.contains_key(EXCLUDE)
    }
}

/// Taints of a node that is about to go, or gone.
const LEAVING_TAINTS: [&str; 2] = ["ToBeDeletedByClusterAutoscaler", "node.kubernetes.io/out-of-service"];

/// What the kubelet writes into the condition Ready when the machine goes down in order (`GracefulNodeShutdown`).
const SHUTTING_DOWN: &str = "node is shutting down";

/// Reduces a Node.
#[must_use]
pub fn reduce(node: &Node) -> NodeSeen {
    let status = node.status.as_ref();
    let is_true = |kind: &str| {
        let conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
        conditions.into_iter().any(|condition| condition.type_ == kind && condition.status == "True")
    };
    let internal_ips = status
        .and_then(|status| status.addresses.as_ref())
        .into_iter()
        .flatten()
        .filter(|address| address.type_ == "InternalIP")
        .filter_map(|address| address.address.parse().ok())
        .collect();
    NodeSeen {
        name: node.metadata.name.clone().unwrap_or_default(),
        uid: node.metadata.uid.clone().unwrap_or_default(),
        labels: node.metadata.labels.clone().unwrap_or_default(),
        network_unavailable: is_true("NetworkUnavailable"),
        cordoned: node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or(false),
        draining: draining(node),
        internal_ips,
        ready: is_true("Ready"),
    }
}

fn draining(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref()).into_iter().flatten();
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    node.metadata.deletion_timestamp.is_some()
        || taints.into_iter().any(|taint| LEAVING_TAINTS.contains(&taint.key.as_str()))
        || conditions.into_iter().any(|condition| {
            condition.type_ == "Ready"
                && condition.status != "True"
                && condition.message.as_deref().is_some_and(|message| message.contains(SHUTTING_DOWN))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_used() {
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": "a", "uid": "u", "labels": {EXCLUDE: ""}},
            "spec": {"unschedulable": true},
            "status": {
                "conditions": [{"type": "NetworkUnavailable", "status": "True"}, {"type": "Ready", "status": "False"}],
                "addresses": [
                    {"type": "Hostname", "address": "a"},
                    {"type": "InternalIP", "address": "fd00::1"},
                    {"type": "InternalIP", "address": "not-an-ip"},
                    {"type": "InternalIP", "address": "192.168.1.11"},
                    {"type": "ExternalIP", "address": "203.0.113.1"},
                ],
            },
        }))
        .unwrap();
        let node = reduce(&node);
        assert!(node.excluded() && node.network_unavailable && node.cordoned && !node.ready);
        assert_eq!(node.internal_ips, ["fd00::1".parse::<IpAddr>().unwrap(), "192.168.1.11".parse().unwrap()]);
    }
}
