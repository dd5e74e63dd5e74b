//! What a router is told, in no daemon's language.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::prefix::{Family, Prefix};

/// A router's configuration. It accepts every route, announces its own
/// ([`RouterConfig::announce`]) to every neighbor, and passes nothing on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterConfig {
    /// Its AS number.
    pub asn: u32,
    /// Its BGP identifier.
    pub router_id: Ipv4Addr,
    /// The TCP port it listens on.
    pub port: u16,
    /// Whom it speaks with.
    pub neighbors: Vec<Neighbor>,
    /// What it announces.
    pub announce: Vec<Announcement>,
}

impl RouterConfig {
    /// A router that speaks with nobody yet.
    #[must_use]
    pub fn new(asn: u32, router_id: Ipv4Addr) -> Self {
        Self { asn, router_id, port: 179, neighbors: Vec::new(), announce: Vec::new() }
    }

    /// The same with one more neighbor.
    #[must_use]
    pub fn with(mut self, neighbor: Neighbor) -> Self {
        self.neighbors.push(neighbor);
        self
    }

    /// The same, announcing one more prefix.
    #[must_use]
    pub fn announcing(mut self, announcement: Announcement) -> Self {
        self.announce.push(announcement);
        self
    }
}

/// Where a neighbor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// At this address.
    Address(IpAddr),
    /// At any address of this prefix, as often as there are any. The router only listens to these.
    Range(Prefix),
}

/// How far away a neighbor may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// On the same link.
    Link,
    /// So many hops away at most.
    Hops(u8),
    /// So many hops away at most, and packets must show it by their TTL (RFC 5082).
    Secured(u8),
}

/// A neighbor of a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// Where it is.
    pub remote: Remote,
    /// Its AS number.
    pub asn: u32,
    /// The key of its TCP segments (RFC 2385).
    pub password: Option<String>,
    /// Whether the router waits for the neighbor to connect.
    pub passive: bool,
    /// How far away it may be.
    pub distance: Distance,
    /// Whose routes are exchanged.
    pub families: BTreeSet<Family>,
    /// The hold time it proposes, in seconds: 0, or at least 3.
    pub hold_time: u16,
    /// Whether its routes are kept while it restarts (RFC 4724, as helper).
    pub graceful_restart: bool,
    /// Whether next hops of IPv4 routes may be IPv6 addresses (RFC 8950).
    pub extended_next_hop: bool,
    /// Whether AS numbers of four octets are spoken (RFC 6793). FRR without them offers no capability at all; GoBGP always
    /// speaks them.
    pub four_octet_asn: bool,
    /// The TCP port that is connected to, unless passive.
    pub port: u16,
}

impl Neighbor {
    /// A neighbor on the link that is waited for and may announce both families.
    #[must_use]
    pub fn new(address: impl Into<IpAddr>, asn: u32) -> Self {
        Self::at(Remote::Address(address.into()), asn)
    }

    /// Neighbors anywhere in a prefix.
    #[must_use]
    pub fn range(prefix: Prefix, asn: u32) -> Self {
        Self::at(Remote::Range(prefix), asn)
    }

    fn at(remote: Remote, asn: u32) -> Self {
        Self {
            remote,
            asn,
            password: None,
            passive: true,
            distance: Distance::Link,
            families: Family::BOTH.into(),
            hold_time: 90,
            graceful_restart: true,
            extended_next_hop: false,
            four_octet_asn: true,
            port: 179,
        }
    }

    /// The same, but connected to by the router.
    #[must_use]
    pub fn active(self) -> Self {
        Self { passive: false, ..self }
    }

    /// The same with a key.
    #[must_use]
    pub fn password(self, password: &str) -> Self {
        Self { password: Some(password.to_owned()), ..self }
    }

    /// The same for these families alone.
    #[must_use]
    pub fn families(self, families: impl IntoIterator<Item = Family>) -> Self {
        Self { families: families.into_iter().collect(), ..self }
    }

    /// The same with another hold time, in seconds.
    #[must_use]
    pub fn hold_time(self, seconds: u16) -> Self {
        Self { hold_time: seconds, ..self }
    }

    /// The same at another distance.
    #[must_use]
    pub fn distance(self, distance: Distance) -> Self {
        Self { distance, ..self }
    }

    /// The interval of KEEPALIVE messages that goes with its hold time, in seconds.
    pub(super) fn keepalive(&self) -> u16 {
        self.hold_time / 3
    }

    /// The family of its transport.
    pub(super) fn transport(&self) -> Family {
        match self.remote {
            Remote::Address(address) => Family::of(address),
            Remote::Range(prefix) => prefix.family(),
        }
    }
}

/// A prefix that a router announces, by way of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The prefix.
    pub prefix: Prefix,
    /// What is said about it.
    pub attributes: Attributes,
}

impl Announcement {
    /// A prefix about which nothing more is said.
    #[must_use]
    pub fn new(prefix: Prefix) -> Self {
        Self { prefix, attributes: Attributes::default() }
    }
}

/// What may be said about a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes {
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// LOCAL_PREF; said to internal neighbors only.
    pub local_pref: Option<u32>,
    /// How often the own AS number is prepended.
    pub prepend: u8,
    /// Communities (RFC 1997).
    pub communities: BTreeSet<(u16, u16)>,
    /// Large communities (RFC 8092).
    pub large: BTreeSet<(u32, u32, u32)>,
    /// Route targets (RFC 4360): an AS number of two octets, and a value.
    pub route_targets: BTreeSet<(u16, u32)>,
}
