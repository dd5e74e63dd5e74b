//! How routes are written for one peer.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::packet::frame;
use crate::value::{Asn, Family, Prefix};

/// How routes are written for one peer: what follows from the session, not from the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The peer is in another AS: our number stands in the path, and LOCAL_PREF is not told.
    pub external: bool,
    /// The AS number that external peers see.
    pub shown_asn: Asn,
    /// The peer knows AS numbers of four octets (RFC 6793).
    pub four_octet_asn: bool,
    /// Where traffic is to go.
    pub next_hops: NextHops,
    /// Longest message in octets: [`frame::MAX_LENGTH`] or [`frame::MAX_EXTENDED_LENGTH`]; what lies outside of these two
    /// counts as the nearer one.
    pub max_length: usize,
}

impl Encoding {
    pub(super) fn limit(&self) -> usize {
        limit(self.max_length)
    }
}

/// The longest message, if `max_length` was asked for.
pub(super) fn limit(max_length: usize) -> usize {
    max_length.clamp(frame::MAX_LENGTH, frame::MAX_EXTENDED_LENGTH)
}

/// Next hops by family; without one, routes of the family can't be announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NextHops {
    /// Of IPv4 routes.
    pub ipv4: Option<Ipv4NextHop>,
    /// Of IPv6 routes.
    pub ipv6: Option<Ipv6NextHop>,
}

/// Next hop of IPv4 routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ipv4NextHop {
    /// An IPv4 address, in NEXT_HOP.
    Plain(Ipv4Addr),
    /// IPv6 addresses, in MP_REACH_NLRI, for peers that have the capability (RFC 8950).
    Extended(Ipv6NextHop),
}

/// Next hop of IPv6 routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv6NextHop {
    /// The global address (on a link without any: the link-local one, as RFC 8950 §3 and routers have it).
    pub global: Ipv6Addr,
    /// The link-local address, for peers on the same link (RFC 2545 §3).
    pub link_local: Option<Ipv6Addr>,
}

impl Ipv6NextHop {
    /// 16 or 32 octets.
    pub(super) fn octets(self) -> Vec<u8> {
        let addresses = std::iter::once(self.global).chain(self.link_local);
        addresses.flat_map(|address| address.octets()).collect()
    }
}

/// Why routes can't be announced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// There is nothing to send the traffic to.
    #[error("there is no next hop for {0} routes")]
    NoNextHop(Family),
    /// A prefix that is not of the family announced.
    #[error("{prefix} is no {family} prefix")]
    OtherFamily {
        /// The prefix.
        prefix: Prefix,
        /// The family announced.
        family: Family,
    },
    /// The attributes leave no room for a single prefix.
    #[error(
        "the attributes take {octets} octets, but a message to this peer holds {room} beside a prefix: \
         fewer communities are needed ({standard} standard, {large} large, {extended} extended)"
    )]
    AttributesTooLong {
        /// Octets that the attributes take.
        octets: usize,
        /// Octets that they may take.
        room: usize,
        /// Number of standard communities, of 4 octets each.
        standard: usize,
        /// Number of large communities, of 12 octets each.
        large: usize,
        /// Number of extended communities, of 8 octets each.
        extended: usize,
    },
    /// An attribute could not be written.
    #[error("attribute {0} could not be written: {1}")]
    Attribute(u8, String),
}
