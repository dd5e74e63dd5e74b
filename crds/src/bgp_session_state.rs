//! `BGPSessionState`: how a node's session with a router is doing.
//!
//! Herald's own kind; frr-k8s has one of this name and shape in the group `frrk8s.metallb.io`. What that one does not
//! have: `address`, `establishedAt`, `families`, `prefixes`, `lastError` and the conditions.
//!
//! Written by the speakers, one object for each node and BGPPeer that the node is to have a session with. They carry the
//! labels `metallb.io/node` and `metallb.io/peer`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition;

/// Nothing: the object is all status.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "BGPSessionState",
    plural = "bgpsessionstates",
    namespaced,
    status = "BGPSessionStateStatus",
    derive = "PartialEq",
    doc = "BGPSessionState tells how the session of a node with a router is doing.",
    printcolumn = r#"{"name": "Node", "type": "string", "jsonPath": ".status.node"}"#,
    printcolumn = r#"{"name": "Peer", "type": "string", "jsonPath": ".status.peer"}"#,
    printcolumn = r#"{"name": "VRF", "type": "string", "jsonPath": ".status.vrf"}"#,
    printcolumn = r#"{"name": "BGP", "type": "string", "jsonPath": ".status.bgpStatus"}"#,
    printcolumn = r#"{"name": "BFD", "type": "string", "jsonPath": ".status.bfdStatus"}"#,
    printcolumn = r#"{"name": "Established", "type": "date", "jsonPath": ".status.establishedAt"}"#,
    printcolumn = r#"{"name": "Error", "type": "string", "jsonPath": ".status.lastError", "priority": 1}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct BGPSessionStateSpec {}

/// State of one session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BGPSessionStateStatus {
    /// Node of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// BGPPeer, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// VRF, if not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// Address of the router, or the interface at whose other end it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// State of the BGP session: Established; Active while it is tried, in whatever state of RFC 4271 it is just then;
    /// Idle while no session can be had, for the reason in lastError.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp_status: Option<String>,
    /// Since when it is established; absent while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub established_at: Option<Time>,
    /// Families that both ends speak, ipv4 and ipv6; absent while it is not established.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<String>,
    /// How many prefixes are exchanged; up to half a minute old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<SessionPrefixes>,
    /// Why the last session or attempt ended, or why there is no session; stays after a recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// State of the BFD session as RFC 5880 names it, like Up; N/A without BFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd_status: Option<String>,
    /// What is not as it should be, though there is a session: NextHopMissing, PrefixesUnsendable, Questionable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "condition::conditions")]
    pub conditions: Vec<Condition>,
}

/// Prefixes of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPrefixes {
    /// IPv4 prefixes announced to the router.
    #[serde(default, rename = "announcedIPv4")]
    pub announced_ipv4: i64,
    /// IPv6 prefixes announced to the router.
    #[serde(default, rename = "announcedIPv6")]
    pub announced_ipv6: i64,
    /// Prefixes that it is to have, of both families.
    #[serde(default)]
    pub wanted: i64,
    /// Prefixes that the router announces, none of which is used; absent if there are too many to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<i64>,
}
