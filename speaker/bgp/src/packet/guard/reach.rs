//! MP_REACH_NLRI, MP_UNREACH_NLRI and the prefixes in them (RFC 4760).
//!
//! ```text
//!   reach:    AFI (2)  SAFI (1)  next hop's length (1)  next hop  reserved (1)  prefixes
//!   unreach:  AFI (2)  SAFI (1)  prefixes
//!   prefix:   bits (1)  as many octets as they need
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::packet::reader::Reader;
use crate::value::Family;

/// What an MP_REACH_NLRI of a family of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach<'a> {
    /// The family.
    pub family: Family,
    /// The next hop.
    pub next_hop: NextHop,
    /// Prefixes announced.
    pub prefixes: &'a [u8],
}

/// A next hop as it stands in MP_REACH_NLRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// Four octets.
    Ipv4(Ipv4Addr),
    /// 16 octets, or 32 with a link-local address (RFC 2545); also of IPv4 routes (RFC 8950).
    Ipv6(Ipv6Addr, Option<Ipv6Addr>),
}

/// The families by which MP_REACH_NLRI and MP_UNREACH_NLRI are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routes<T> {
    /// Of a family of ours.
    Ours(T),
    /// Of another one, not looked at any further.
    Others,
}

/// An MP_REACH_NLRI; `None` if it has no right shape.
pub(super) fn reach(value: &[u8]) -> Option<Routes<Reach<'_>>> {
    let mut reader = Reader(value);
    let (afi, safi) = (reader.u16()?, reader.u8()?);
    let next_hop = reader.counted_by_u8()?;
    // Reserved, whatever it is (RFC 4760 §3). RFC 2858 had a number of SNPAs here, which nobody ever sent.
    reader.u8()?;
    let Some(family) = Family::from_wire(afi, safi) else { return Some(Routes::Others) };
    let next_hop = match (family, next_hop.len()) {
        (Family::Ipv4, 4) => NextHop::Ipv4(Ipv4Addr::from(<[u8; 4]>::try_from(next_hop).ok()?)),
        (_, 16) => NextHop::Ipv6(ipv6(next_hop)?, None),
        (_, 32) => NextHop::Ipv6(ipv6(next_hop.get(..16)?)?, Some(ipv6(next_hop.get(16..)?)?)),
        _ => return None,
    };
    prefixes(family, reader.0)?;
    Some(Routes::Ours(Reach { family, next_hop, prefixes: reader.0 }))
}

fn ipv6(octets: &[u8]) -> Option<Ipv6Addr> {
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?))
}

/// An MP_UNREACH_NLRI; `None` if it has no right shape.
pub(super) fn unreach(value: &[u8]) -> Option<Routes<(Family, &[u8])>> {
    let mut reader = Reader(value);
    let (afi, safi) = (reader.u16()?, reader.u8()?);
    let Some(family) = Family::from_wire(afi, safi) else { return Some(Routes::Others) };
    prefixes(family, reader.0)?;
    Some(Routes::Ours((family, reader.0)))
}

/// How many prefixes there are; `None` if one has more bits than an address, or ends after the last octet (RFC 7606 §5.3).
pub(super) fn prefixes(family: Family, octets: &[u8]) -> Option<usize> {
    let mut reader = Reader(octets);
    let mut count = 0;
    while let Some(bits) = reader.u8() {
        if bits > family.bits() {
            return None;
        }
        reader.take(usize::from(bits).div_ceil(8))?;
        count += 1;
    }
    Some(count)
}
