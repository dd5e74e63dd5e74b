//! `BGPPeer`: a router to speak BGP with.
//!
//! Both versions that MetalLB serves are served, with one schema (v1beta2's, which contains
//! v1beta1's), so no conversion is needed and none can fail: see [`crate::definition`].

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::ConditionsStatus;
use crate::rules;
use crate::selector::LabelSelector;

/// A router to speak BGP with. Exactly one of peerASN and dynamicASN, and exactly one of
/// peerAddress and interface must be given.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "metallb.io",
    version = "v1beta2",
    kind = "BGPPeer",
    plural = "bgppeers",
    namespaced,
    status = "ConditionsStatus",
    derive = "PartialEq",
    doc = "BGPPeer is a router that the nodes speak BGP with.",
    printcolumn = r#"{"name": "Address", "type": "string", "jsonPath": ".spec.peerAddress"}"#,
    printcolumn = r#"{"name": "ASN", "type": "string", "jsonPath": ".spec.peerASN"}"#,
    printcolumn = r#"{"name": "BFD Profile", "type": "string", "jsonPath": ".spec.bfdProfile"}"#,
    printcolumn = r#"{"name": "Multi Hops", "type": "string", "jsonPath": ".spec.ebgpMultiHop"}"#,
    printcolumn = r#"{"name": "Accepted", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["myASN"]))]
#[x_kube(
    validation = rules::one_peer_as(),
    validation = rules::one_peer_endpoint(),
    validation = rules::one_password(),
    validation = rules::keepalive_within_hold_time(),
    validation = rules::multi_hop_is_external(),
)]
pub struct BGPPeerSpec {
    /// AS number of this end, 1 to 4294967295.
    #[serde(default, rename = "myASN")]
    #[schemars(transform = rules::my_asn)]
    pub my_asn: i64,
    /// AS number of the router. Exactly one of peerASN and dynamicASN.
    #[serde(default, rename = "peerASN", skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::uint32)]
    pub peer_asn: Option<i64>,
    /// Take the router's AS number from its OPEN message: internal (the same as ours) or external
    /// (any other). Exactly one of peerASN and dynamicASN.
    #[serde(default, rename = "dynamicASN", skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::dynamic_asn)]
    pub dynamic_asn: Option<String>,
    /// AS number shown to this router in place of myASN.
    #[serde(default, rename = "localASN", skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::asn)]
    pub local_asn: Option<i64>,
    /// Address of the router. Exactly one of peerAddress and interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::address)]
    pub peer_address: Option<String>,
    /// Interface of the node at whose other end the router is: the session runs between the
    /// link-local addresses (unnumbered). Exactly one of peerAddress and interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::interface)]
    pub interface: Option<String>,
    /// Own address to connect from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::address)]
    pub source_address: Option<String>,
    /// TCP port of the router.
    #[serde(default = "bgp_port")]
    #[schemars(transform = rules::port)]
    pub peer_port: i32,
    /// How long the session survives without a message, like 90s: at least 3s, or 0s for ever.
    /// 90s by default, or three times keepaliveTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::hold_time)]
    pub hold_time: Option<String>,
    /// Interval of KEEPALIVE messages, like 30s; at least 1s and at most holdTime. A third of holdTime by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::keepalive_time)]
    pub keepalive_time: Option<String>,
    /// Pause between attempts to connect, like 10s: whole seconds, 1s to 65535s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::connect_time)]
    pub connect_time: Option<String>,
    /// BGP identifier, written like an IPv4 address. By default the node's IPv4 address.
    #[serde(default, rename = "routerID", skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::router_id)]
    pub router_id: Option<String>,
    /// Nodes that speak with this router; one match is enough, empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub node_selectors: Vec<LabelSelector>,
    /// Password for TCP MD5 (RFC 2385). Readable by all who may read this object: prefer
    /// passwordSecret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::password)]
    pub password: Option<String>,
    /// Secret of type kubernetes.io/basic-auth in Herald's namespace; its key password is used
    /// for TCP MD5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretReference>,
    /// BFDProfile to watch the router with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::object_name)]
    pub bfd_profile: Option<String>,
    /// Ask the router to keep our routes while the speaker restarts (RFC 4724).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_graceful_restart: Option<bool>,
    /// The router is more than one hop away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebgp_multi_hop: Option<bool>,
    /// VRF of the node to speak in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::interface)]
    pub vrf: Option<String>,
    /// Deprecated, without effect.
    #[serde(default, rename = "disableMP")]
    pub disable_mp: bool,
    /// Announce IPv4 and IPv6 over this one session.
    #[serde(default)]
    pub dual_stack_address_family: bool,
    /// What Herald adds to MetalLB's peers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub herald: Option<PeerExtension>,
}

/// What Herald adds to MetalLB's BGP peers. MetalLB prunes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerExtension {
    /// How many hops away the router may be, 1 to 254: packets with a TTL below 256 minus this number are
    /// dropped (GTSM, RFC 5082). 1 is a router on the same network. The router has to send with TTL 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::hops)]
    pub ttl_security_hops: Option<i32>,
}

/// Names a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct SecretReference {
    /// Name of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::object_name)]
    pub name: Option<String>,
    /// Ignored: the Secret is looked for in Herald's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::object_name)]
    pub namespace: Option<String>,
}

fn bgp_port() -> i32 {
    179
}
