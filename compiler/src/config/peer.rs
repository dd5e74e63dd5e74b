//! What a BGPPeer and a BFDProfile mean.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::address::Family;
use crate::object::{BfdSettings, Labels, Password};
use crate::selector::{Selector, matches_any_or_empty};

/// Hold time where the user gives none: RFC 4271 §10 suggests it, and MetalLB's own speaker has it.
pub const DEFAULT_HOLD_TIME: Duration = Duration::from_secs(90);

/// An accepted BGP peer: a router, and how to speak with it.
///
/// Whether it can be reached, whether its Secret and its VRF exist and whether the address is the node's own differs
/// from node to node: the speaker there finds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BgpPeer {
    /// Name.
    pub name: String,
    /// AS number of this end; at least 1.
    pub my_asn: u32,
    /// AS number shown to this router in place of `my_asn` (`localASN`); at least 1.
    pub local_asn: Option<u32>,
    /// AS number that the router must have.
    pub remote: RemoteAs,
    /// Where the router is.
    pub endpoint: Endpoint,
    /// TCP port of the router; at least 1.
    pub port: u16,
    /// Own address to connect from; of the family of the router's address.
    pub source_address: Option<IpAddr>,
    /// Hold time proposed: whole seconds, 3 to 65535, or zero for a session that survives without a message.
    pub hold_time: Duration,
    /// Interval of KEEPALIVEs proposed: 1 s up to the hold time (a third of it where the user gives none); zero
    /// without hold time.
    pub keepalive_time: Duration,
    /// Longest pause between attempts to connect, whole seconds from 1 to 65535; `None`: the speaker's own.
    pub connect_time: Option<Duration>,
    /// BGP identifier, not zero; `None`: the speaker derives one from the node.
    pub router_id: Option<Ipv4Addr>,
    /// Nodes that speak with the router; empty means all.
    pub node_selectors: Vec<Selector>,
    /// TCP MD5 (RFC 2385).
    pub authentication: Option<Authentication>,
    /// Name of an existing BFD profile; one that does not exist is left out here and named by the verdict.
    pub bfd_profile: Option<String>,
    /// Ask the router to keep our routes while the speaker restarts (RFC 4724).
    pub graceful_restart: bool,
    /// The router may be more than one hop away.
    pub multi_hop: bool,
    /// VRF (device) to speak in.
    pub vrf: Option<String>,
    /// Both families, whatever the session runs over. See [`families`](Self::families).
    pub dual_stack: bool,
    /// How many hops away the router may be, 1 to 254; `None`: any. See [`min_ttl`](Self::min_ttl).
    pub ttl_security_hops: Option<u8>,
}

/// AS number that a router must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAs {
    /// This one; at least 1.
    Exactly(u32),
    /// Ours (`dynamicASN: internal`).
    Internal,
    /// Any other than ours (`dynamicASN: external`).
    External,
}

/// Where a router is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At this address.
    Address(IpAddr),
    /// At the other end of the interface with this name: the session runs between the link-local addresses.
    Interface(String),
}

/// Where the password for TCP MD5 is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// In the object: 1 to 80 bytes.
    Password(Password),
    /// In the Secret of this name in Herald's namespace (type `kubernetes.io/basic-auth`, key `password`).
    Secret(String),
}

/// A BFD profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdProfile {
    /// Name.
    pub name: String,
    /// As written.
    pub settings: BfdSettings,
}

impl BgpPeer {
    /// True if a node with these labels speaks with the router.
    #[must_use]
    pub fn selects_node(&self, node_labels: &Labels) -> bool {
        matches_any_or_empty(&self.node_selectors, node_labels)
    }

    /// The families of the routes that the session is to carry: that of the router's address, or both for an
    /// unnumbered session and with `dualStackAddressFamily`.
    #[must_use]
    pub fn families(&self) -> &'static [Family] {
        match self.endpoint {
            Endpoint::Address(_) if self.dual_stack => &[Family::V4, Family::V6],
            Endpoint::Address(IpAddr::V4(_)) => &[Family::V4],
            Endpoint::Address(IpAddr::V6(_)) => &[Family::V6],
            Endpoint::Interface(_) => &[Family::V4, Family::V6],
        }
    }

    /// Lowest TTL or hop limit of packets that are accepted from the router (GTSM, RFC 5082 §3): routers send 255, each
    /// hop takes one. `None`: any.
    #[must_use]
    pub fn min_ttl(&self) -> Option<u8> {
        self.ttl_security_hops.map(|hops| u8::MAX - hops.saturating_sub(1))
    }
}
