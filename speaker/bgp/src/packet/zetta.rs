//! The border to zettabgp: all that is asked of it.
//!
//! It writes the values of MULTI_EXIT_DISC, LOCAL_PREF and communities, writes and reads prefixes, and never sees a byte that
//! the [guard](super::guard) has not measured. Headers of attributes and messages are ours, and so is everything else: see
//! `docs/decisions/0080-what-zettabgp-does.md`. Buffers are made as large as the values, because it trusts them to be.

use std::collections::BTreeSet;

use zettabgp::prelude::{
    BgpAddrV4, BgpAddrV6, BgpAttr, BgpCommunity, BgpCommunityList, BgpExtCommunity, BgpExtCommunityList, BgpItem,
    BgpLargeCommunity, BgpLargeCommunityList, BgpLocalpref, BgpMED, BgpSessionParams, BgpTransportMode,
    decode_bgpitem_from,
};

use super::guard::code;
use super::update::EncodeError;
use crate::value::{Community, ExtendedCommunity, Family, LargeCommunity, Prefix};

/// What it wants to know of a session, and of which nothing matters to the values below. The mode is IPv4 whatever the
/// session runs over: IPv6 would change the meaning of all routes.
fn session() -> BgpSessionParams {
    BgpSessionParams::new(0, 0, BgpTransportMode::IPv4, [0; 4].into(), Vec::new())
}

fn value(code: u8, attribute: &impl BgpAttr, octets: usize) -> Result<Vec<u8>, EncodeError> {
    let mut value = vec![0; octets];
    match attribute.encode_to(&session(), &mut value) {
        Ok(written) if written == octets => Ok(value),
        Ok(written) => Err(EncodeError::Attribute(code, format!("{written} octets instead of {octets}"))),
        Err(error) => Err(EncodeError::Attribute(code, error.to_string())),
    }
}

pub(super) fn med(med: u32) -> Result<Vec<u8>, EncodeError> {
    value(code::MULTI_EXIT_DISC, &BgpMED::new(med), 4)
}

pub(super) fn local_pref(local_pref: u32) -> Result<Vec<u8>, EncodeError> {
    value(code::LOCAL_PREF, &BgpLocalpref::new(local_pref), 4)
}

pub(super) fn communities(communities: &BTreeSet<Community>) -> Result<Vec<u8>, EncodeError> {
    let list = BgpCommunityList { value: communities.iter().map(|community| BgpCommunity::new(community.0)).collect() };
    value(code::COMMUNITIES, &list, communities.len() * 4)
}

pub(super) fn large_communities(communities: &BTreeSet<LargeCommunity>) -> Result<Vec<u8>, EncodeError> {
    let theirs = |ours: &LargeCommunity| BgpLargeCommunity { ga: ours.global, ldp1: ours.local1, ldp2: ours.local2 };
    let list = BgpLargeCommunityList { value: communities.iter().map(theirs).collect() };
    value(code::LARGE_COMMUNITY, &list, communities.len() * 12)
}

pub(super) fn extended_communities(communities: &BTreeSet<ExtendedCommunity>) -> Result<Vec<u8>, EncodeError> {
    let theirs = |ours: &ExtendedCommunity| {
        let [kind, subtype, a0, a1, b0, b1, b2, b3] = ours.0;
        BgpExtCommunity::new(kind, subtype, u16::from_be_bytes([a0, a1]), u32::from_be_bytes([b0, b1, b2, b3]))
    };
    let list = BgpExtCommunityList { value: communities.iter().map(theirs).collect() };
    value(code::EXTENDED_COMMUNITIES, &list, communities.len() * 8)
}

/// Octets of a prefix on the wire.
pub(super) fn octets(prefix: Prefix) -> usize {
    1 + usize::from(prefix.length()).div_ceil(8)
}

/// Appends a prefix: how many bits, and as many octets as they need.
pub(super) fn put_prefix(out: &mut Vec<u8>, prefix: Prefix) {
    let mut buffer = [0; 16];
    // Neither can fail with 16 octets; `octets` is what they write.
    let written = match prefix.address() {
        std::net::IpAddr::V4(address) => BgpAddrV4::new(address, prefix.length()).set_bits_to(&mut buffer),
        std::net::IpAddr::V6(address) => BgpAddrV6::new(address, prefix.length()).set_bits_to(&mut buffer),
    };
    debug_assert!(matches!(written, Ok((bits, count)) if bits == prefix.length() && count + 1 == octets(prefix)));
    out.push(prefix.length());
    out.extend(buffer.iter().take(octets(prefix) - 1));
}

/// Appends the prefixes in `octets`, which the guard has measured; `None` if it has not.
pub(super) fn read_prefixes(family: Family, mut octets: &[u8], out: &mut Vec<Prefix>) -> Option<()> {
    while !octets.is_empty() {
        let (prefix, consumed) = match family {
            Family::Ipv4 => {
                let (theirs, consumed) = decode_bgpitem_from::<BgpAddrV4>(octets).ok()?;
                (Prefix::new(theirs.addr.into(), theirs.prefixlen), consumed)
            }
            Family::Ipv6 => {
                let (theirs, consumed) = decode_bgpitem_from::<BgpAddrV6>(octets).ok()?;
                (Prefix::new(theirs.addr.into(), theirs.prefixlen), consumed)
            }
        };
        out.push(prefix?);
        octets = octets.get(consumed..)?;
    }
    Some(())
}
