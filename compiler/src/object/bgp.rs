//! The kinds of BGP: peers, advertisements, names for communities, BFD profiles.
//!
//! Numbers are wider than what they mean and texts are texts, because whatever an older schema let in must reach the
//! compiler, which says what is wrong with it. Empty texts are as good as absent ones.

use std::fmt;

use super::{LabelSelector, ObjectMeta};

/// `metallb.io/v1beta2 BGPPeer`: a router to speak BGP with. (`v1beta1` has a part of these fields.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BgpPeer {
    /// Name and age.
    pub meta: ObjectMeta,
    /// AS number of this end.
    pub my_asn: i64,
    /// AS number of the router; zero counts as absent.
    pub peer_asn: Option<i64>,
    /// `internal` or `external`, in place of `peer_asn`.
    pub dynamic_asn: Option<String>,
    /// AS number shown to this router in place of `my_asn`.
    pub local_asn: Option<i64>,
    /// Address of the router.
    pub peer_address: Option<String>,
    /// Interface at whose other end the router is, in place of `peer_address`.
    pub interface: Option<String>,
    /// Own address to connect from.
    pub source_address: Option<String>,
    /// TCP port of the router.
    pub peer_port: i32,
    /// How long the session survives without a message, in Go's syntax of durations.
    pub hold_time: Option<String>,
    /// Interval of KEEPALIVEs, likewise.
    pub keepalive_time: Option<String>,
    /// Pause between attempts to connect, likewise.
    pub connect_time: Option<String>,
    /// BGP identifier in the form of an IPv4 address.
    pub router_id: Option<String>,
    /// Nodes that speak with the router; empty means all.
    pub node_selectors: Vec<LabelSelector>,
    /// Password for TCP MD5.
    pub password: Option<Password>,
    /// Name of the Secret that holds the password, in Herald's namespace.
    pub password_secret: Option<String>,
    /// Name of a BFD profile.
    pub bfd_profile: Option<String>,
    /// Ask the router to keep our routes while the speaker restarts.
    pub enable_graceful_restart: bool,
    /// The router is more than one hop away.
    pub ebgp_multi_hop: bool,
    /// VRF to speak in.
    pub vrf: Option<String>,
    /// Both families over this one session.
    pub dual_stack_address_family: bool,
    /// `spec.herald.ttlSecurityHops`: how many hops away the router may be (GTSM, RFC 5082).
    pub ttl_security_hops: Option<i64>,
}

/// A password, which no log shows.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Password(String);

impl Password {
    /// Wraps what the user wrote.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// What the user wrote.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// `metallb.io/v1beta1 BGPAdvertisement`: which pools are announced to routers, as what, and to which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BgpAdvertisement {
    /// Name and age.
    pub meta: ObjectMeta,
    /// Length of IPv4 prefixes; the schema's default is 32.
    pub aggregation_length: i64,
    /// Length of IPv6 prefixes; the schema's default is 128.
    pub aggregation_length_v6: i64,
    /// LOCAL_PREF; absent and zero mean unset.
    pub local_pref: Option<i64>,
    /// Communities as numbers or by name.
    pub communities: Vec<String>,
    /// Pools by name.
    pub ip_address_pools: Vec<String>,
    /// Pools by label, in addition to the names. Both empty: all pools.
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// Nodes that announce; empty means all.
    pub node_selectors: Vec<LabelSelector>,
    /// Peers by name; empty means all.
    pub peers: Vec<String>,
    /// Services it applies to; empty means all.
    pub service_selectors: Vec<LabelSelector>,
    /// `spec.herald.wellKnownCommunities`: registered communities by name.
    pub well_known_communities: Vec<String>,
    /// `spec.herald.extendedCommunities`.
    pub extended_communities: Vec<String>,
    /// `spec.herald.asPathPrepend`: how many times more than once the own AS number stands in the path.
    pub as_path_prepend: Option<i64>,
    /// `spec.herald.med`: MULTI_EXIT_DISC.
    pub med: Option<i64>,
    /// `spec.herald.aggregateAlways`: announce aggregates also where a node can't serve every address below.
    pub aggregate_always: Option<bool>,
}

/// With the schema's defaults: host routes of all pools, from all nodes to all peers.
impl Default for BgpAdvertisement {
    fn default() -> Self {
        Self {
            meta: ObjectMeta::default(),
            aggregation_length: 32,
            aggregation_length_v6: 128,
            local_pref: None,
            communities: Vec::new(),
            ip_address_pools: Vec::new(),
            ip_address_pool_selectors: Vec::new(),
            node_selectors: Vec::new(),
            peers: Vec::new(),
            service_selectors: Vec::new(),
            well_known_communities: Vec::new(),
            extended_communities: Vec::new(),
            as_path_prepend: None,
            med: None,
            aggregate_always: None,
        }
    }
}

/// `metallb.io/v1beta1 Community`: names for communities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Community {
    /// Name and age.
    pub meta: ObjectMeta,
    /// The names with what they stand for.
    pub communities: Vec<CommunityAlias>,
}

/// One entry of [`Community::communities`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommunityAlias {
    /// The name.
    pub name: String,
    /// `ASN:value` or `large:ASN:value:value`.
    pub value: String,
}

/// `metallb.io/v1beta1 BFDProfile`: how fast a dead router is noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdProfile {
    /// Name and age.
    pub meta: ObjectMeta,
    /// Everything else.
    pub settings: BfdSettings,
}

/// The spec of a BFD profile. All intervals in milliseconds; absent means the default of whoever runs the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdSettings {
    /// Shortest interval at which packets are accepted.
    pub receive_interval: Option<i32>,
    /// Shortest interval at which packets are sent.
    pub transmit_interval: Option<i32>,
    /// Packets that may be missing before the router counts as dead.
    pub detect_multiplier: Option<i32>,
    /// Interval of echo packets.
    pub echo_interval: Option<i32>,
    /// Use echo packets.
    pub echo_mode: bool,
    /// Wait for the router to begin.
    pub passive_mode: bool,
    /// Lowest TTL accepted from routers more than one hop away.
    pub minimum_ttl: Option<i32>,
}
