//! `BGPAdvertisement`: which pools are announced to routers, as what, and to which peers.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::ConditionsStatus;
use crate::rules;
use crate::selector::LabelSelector;

/// Which addresses are announced by BGP, with which attributes, by which nodes, to which peers.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "BGPAdvertisement",
    plural = "bgpadvertisements",
    namespaced,
    status = "ConditionsStatus",
    derive = "PartialEq",
    doc = "BGPAdvertisement announces addresses to routers by BGP.",
    printcolumn = r#"{"name": "IPAddressPools", "type": "string", "jsonPath": ".spec.ipAddressPools"}"#,
    printcolumn = r#"{"name": "IPAddressPool Selectors", "type": "string", "jsonPath": ".spec.ipAddressPoolSelectors"}"#,
    printcolumn = r#"{"name": "Peers", "type": "string", "jsonPath": ".spec.peers"}"#,
    printcolumn = r#"{"name": "Node Selectors", "type": "string", "jsonPath": ".spec.nodeSelectors", "priority": 10}"#,
    printcolumn = r#"{"name": "Accepted", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::no_aggregate_with_service_selectors())]
pub struct BGPAdvertisementSpec {
    /// Length of the IPv4 prefixes announced, 1 to 32: 32 announces every address by itself.
    #[serde(default = "host_route_v4")]
    #[schemars(transform = rules::aggregation_length)]
    pub aggregation_length: i32,
    /// Length of the IPv6 prefixes announced, up to 128.
    #[serde(default = "host_route_v6")]
    #[schemars(transform = rules::aggregation_length_v6)]
    pub aggregation_length_v6: i32,
    /// LOCAL_PREF for internal peers. 0 means unset, which routers read as 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::uint32)]
    pub local_pref: Option<i64>,
    /// Communities: 64512:100, large:64512:1:2, or the name of one in a Community object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::communities)]
    pub communities: Vec<String>,
    /// Pools by name. With ipAddressPoolSelectors empty too, all pools are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::name_set)]
    pub ip_address_pools: Vec<String>,
    /// Pools by label, in addition to those by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// Nodes that announce; one match is enough, empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub node_selectors: Vec<LabelSelector>,
    /// BGPPeers to announce to, by name; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::name_set)]
    pub peers: Vec<String>,
    /// Services it applies to, by label; one match is enough, empty means all. Only with
    /// aggregationLength 32 and aggregationLengthV6 128.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub service_selectors: Vec<LabelSelector>,
    /// What Herald adds to MetalLB's advertisements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub herald: Option<BGPExtension>,
}

/// What Herald adds to MetalLB's BGP advertisements. MetalLB prunes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BGPExtension {
    /// Registered communities by name, in addition to communities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::well_known_communities)]
    pub well_known_communities: Vec<String>,
    /// Extended communities: rt:64512:100, soo:64512:100, rt:192.0.2.1:100, or 0x and 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::extended_communities)]
    pub extended_communities: Vec<String>,
    /// How many times more than once the AS number of this cluster stands in the path that external peers
    /// see, 0 to 16: a longer path is a worse one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::as_path_prepend)]
    pub as_path_prepend: Option<i32>,
    /// MULTI_EXIT_DISC: of several ways into this cluster a router takes the one with the lowest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::uint32)]
    pub med: Option<i64>,
    /// Announce aggregates from every node. Otherwise, for Services with externalTrafficPolicy Local, a node
    /// announces an aggregate only while it may serve every address in use below it, and host routes else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate_always: Option<bool>,
}

fn host_route_v4() -> i32 {
    32
}

fn host_route_v6() -> i32 {
    128
}
