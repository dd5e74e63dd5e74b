//! Path attributes as bytes, in the order of their type codes.
//!
//! ```text
//!   external peer, prepend 2      [64512 64512 64512]
//!   internal peer                 empty
//!   external, two octets only     [23456], and AS4_PATH [4200000000]   (RFC 6793 §4.2.2)
//! ```

use std::net::Ipv4Addr;

use super::{EncodeError, Encoding};
use crate::attributes::Attributes;
use crate::packet::guard::{code, flag};
use crate::packet::zetta;
use crate::value::Asn;

const WELL_KNOWN: u8 = flag::TRANSITIVE;
const OPTIONAL: u8 = flag::OPTIONAL;
const OPTIONAL_TRANSITIVE: u8 = flag::OPTIONAL | flag::TRANSITIVE;

/// ORIGIN: the route comes from within the AS.
const IGP: u8 = 0;

const AS_SEQUENCE: u8 = 2;

/// Most AS numbers in one segment.
const SEGMENT: usize = 255;

/// LOCAL_PREF of routes that have none: RFC 4271 §5.1.5 wants one between internal peers, and this is what routers assume.
const LOCAL_PREF: u32 = 100;

/// Appends an attribute; the flag for long values is set if it is needed. Values are far below 65536 octets, or the message
/// would not have a length.
pub(super) fn put(out: &mut Vec<u8>, flags: u8, code: u8, value: &[u8]) {
    match u8::try_from(value.len()) {
        Ok(length) => out.extend([flags, code, length]),
        Err(_) => put_extended_header(out, flags, code, value.len()),
    }
    out.extend(value);
}

/// Appends flags, code, and a length of two octets.
pub(super) fn put_extended_header(out: &mut Vec<u8>, flags: u8, code: u8, length: usize) {
    out.extend([flags | flag::EXTENDED_LENGTH, code]);
    out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
}

/// All attributes but MP_REACH_NLRI. `next_hop` is for NEXT_HOP.
pub(super) fn encode(
    attributes: &Attributes,
    next_hop: Option<Ipv4Addr>,
    encoding: &Encoding,
) -> Result<Vec<u8>, EncodeError> {
    let Attributes { local_pref, med, prepend, communities, large_communities, extended_communities } = attributes;
    let path = if encoding.external { usize::from(*prepend) + 1 } else { 0 };
    let mut out = Vec::new();
    put(&mut out, WELL_KNOWN, code::ORIGIN, &[IGP]);
    put(&mut out, WELL_KNOWN, code::AS_PATH, &as_path(encoding.shown_asn, path, encoding.four_octet_asn));
    if let Some(next_hop) = next_hop {
        put(&mut out, WELL_KNOWN, code::NEXT_HOP, &next_hop.octets());
    }
    if let Some(med) = med {
        put(&mut out, OPTIONAL, code::MULTI_EXIT_DISC, &zetta::med(*med)?);
    }
    if !encoding.external {
        put(&mut out, WELL_KNOWN, code::LOCAL_PREF, &zetta::local_pref(local_pref.unwrap_or(LOCAL_PREF))?);
    }
    if !communities.is_empty() {
        put(&mut out, OPTIONAL_TRANSITIVE, code::COMMUNITIES, &zetta::communities(communities)?);
    }
    if !extended_communities.is_empty() {
        let value = zetta::extended_communities(extended_communities)?;
        put(&mut out, OPTIONAL_TRANSITIVE, code::EXTENDED_COMMUNITIES, &value);
    }
    if path > 0 && !encoding.four_octet_asn && encoding.shown_asn.get() > u16::MAX.into() {
        put(&mut out, OPTIONAL_TRANSITIVE, code::AS4_PATH, &as_path(encoding.shown_asn, path, true));
    }
    if !large_communities.is_empty() {
        let value = zetta::large_communities(large_communities)?;
        put(&mut out, OPTIONAL_TRANSITIVE, code::LARGE_COMMUNITY, &value);
    }
    Ok(out)
}

/// `count` times `asn`, in segments of at most 255.
fn as_path(asn: Asn, count: usize, four_octet_asn: bool) -> Vec<u8> {
    let number =
        if four_octet_asn { asn.get().to_be_bytes().to_vec() } else { asn.two_octets().to_be_bytes().to_vec() };
    let mut out = Vec::new();
    let mut left = count;
    while left > 0 {
        let segment = left.min(SEGMENT);
        out.extend([AS_SEQUENCE, u8::try_from(segment).unwrap_or(u8::MAX)]);
        out.extend(number.repeat(segment));
        left -= segment;
    }
    out
}
