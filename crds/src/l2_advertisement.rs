//! `L2Advertisement`: which pools are answered for by ARP and NDP, and by which nodes.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::ConditionsStatus;
use crate::rules;
use crate::selector::LabelSelector;

/// Which addresses are announced on the local network, for which Services, and by which nodes.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "L2Advertisement",
    plural = "l2advertisements",
    namespaced,
    status = "ConditionsStatus",
    derive = "PartialEq",
    doc = "L2Advertisement announces addresses on the local network by ARP (IPv4) and NDP (IPv6).",
    printcolumn = r#"{"name": "IPAddressPools", "type": "string", "jsonPath": ".spec.ipAddressPools"}"#,
    printcolumn = r#"{"name": "IPAddressPool Selectors", "type": "string", "jsonPath": ".spec.ipAddressPoolSelectors"}"#,
    printcolumn = r#"{"name": "Interfaces", "type": "string", "jsonPath": ".spec.interfaces"}"#,
    printcolumn = r#"{"name": "Node Selectors", "type": "string", "jsonPath": ".spec.nodeSelectors", "priority": 10}"#,
    printcolumn = r#"{"name": "Accepted", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name": "Pools Found", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct L2AdvertisementSpec {
    /// Pools by name. With ipAddressPoolSelectors empty too, all pools are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::name_set)]
    pub ip_address_pools: Vec<String>,
    /// Pools by label, in addition to those by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// Nodes that may announce; one match is enough, empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub node_selectors: Vec<LabelSelector>,
    /// Interfaces to answer on, by exact name; empty means all. A node that has none of them does
    /// not announce.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::interfaces)]
    pub interfaces: Vec<String>,
    /// Services it applies to, by label; one match is enough, empty means all. Services that
    /// share an address (annotation metallb.io/allow-shared-ip) are not announced with this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub service_selectors: Vec<LabelSelector>,
    /// Nodes to prefer: the weights of all entries that match a node add up, and the node with
    /// the highest sum announces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::preferences)]
    pub preferred_node_selectors: Vec<PreferredNodeSelector>,
    /// What Herald adds to MetalLB's advertisements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub herald: Option<L2Extension>,
}

/// What Herald adds to MetalLB's layer-2 advertisements. MetalLB prunes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct L2Extension {
    /// Whether an address returns to the node that is first in the election as soon as that node may
    /// announce again. If false, it stays with the node that announces it for as long as that node
    /// may. Absent: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failback: Option<bool>,
}

/// A preference for some nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["weight", "preference"]))]
pub struct PreferredNodeSelector {
    /// 1 to 100.
    #[serde(default)]
    #[schemars(transform = rules::weight)]
    pub weight: i32,
    /// The nodes meant; an empty selector means every node.
    #[serde(default)]
    #[schemars(transform = rules::drop_default)]
    pub preference: LabelSelector,
}
