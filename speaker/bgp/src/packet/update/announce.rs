//! Announcing routes.

use std::iter::Peekable;

use super::attributes::{self, put_extended_header};
use super::{EncodeError, Encoding, Ipv4NextHop, Ipv6NextHop};
use crate::attributes::Attributes;
use crate::packet::frame::{self, MessageType};
use crate::packet::guard::{code, flag};
use crate::packet::zetta;
use crate::value::{Family, Prefix};

/// Octets of a message without attributes and prefixes: header, and the lengths of two sections.
const EMPTY: usize = frame::HEADER + 4;

/// Header of MP_REACH_NLRI with a long length, and what stands in it beside next hop and prefixes.
const REACH: usize = 4 + 5;

/// Appends to `out` one message that announces prefixes of `family`, as many of the next in `prefixes` as fit, and tells how
/// many those were; they are taken from `prefixes`. Nothing is appended if there are none. Call it until none are left.
///
/// # Errors
/// If there is no next hop, if the next prefix is of another family, and if the attributes leave no room for a single one.
/// Then nothing is appended and nothing taken.
pub fn announce<I: Iterator<Item = Prefix>>(
    out: &mut Vec<u8>,
    family: Family,
    attributes: &Attributes,
    prefixes: &mut Peekable<I>,
    encoding: &Encoding,
) -> Result<usize, EncodeError> {
    let Some(first) = prefixes.peek().copied() else { return Ok(0) };
    if first.family() != family {
        return Err(EncodeError::OtherFamily { prefix: first, family });
    }
    let next_hops = encoding.next_hops;
    let none = EncodeError::NoNextHop(family);
    let (plain, multiprotocol) = match family {
        Family::Ipv4 => match next_hops.ipv4.ok_or(none)? {
            Ipv4NextHop::Plain(address) => (Some(address), None),
            Ipv4NextHop::Extended(next_hop) => (None, Some(next_hop)),
        },
        Family::Ipv6 => (None, Some(next_hops.ipv6.ok_or(none)?)),
    };
    let encoded = attributes::encode(attributes, plain, encoding)?;
    let next_hop = multiprotocol.map(Ipv6NextHop::octets);
    let reach = next_hop.as_ref().map_or(0, |next_hop| REACH + next_hop.len());
    let room = encoding.limit().saturating_sub(EMPTY + reach + encoded.len());
    // All messages of these attributes shall have room for a prefix, not only that of a short one.
    let longest = 1 + usize::from(family.bits()) / 8;
    if room < longest {
        let Attributes { communities, large_communities, extended_communities, .. } = attributes;
        return Err(EncodeError::AttributesTooLong {
            octets: encoded.len(),
            room: encoding.limit() - EMPTY - reach - longest,
            standard: communities.len(),
            large: large_communities.len(),
            extended: extended_communities.len(),
        });
    }

    let mut routes = Vec::new();
    let count = fill(&mut routes, family, prefixes, room);
    let start = frame::begin(out, MessageType::Update);
    out.extend([0, 0]);
    match next_hop {
        None => {
            put_length(out, encoded.len());
            out.extend(encoded);
            out.extend(routes);
        }
        Some(next_hop) => {
            put_length(out, reach + routes.len() + encoded.len());
            // First of all attributes (RFC 7606 §5.1): whatever is wrong behind it, the routes are known.
            put_extended_header(out, flag::OPTIONAL, code::MP_REACH_NLRI, reach - 4 + routes.len());
            out.extend(family.afi().to_be_bytes());
            out.extend([Family::UNICAST, u8::try_from(next_hop.len()).unwrap_or(0)]);
            out.extend(next_hop);
            out.push(0);
            out.extend(routes);
            out.extend(encoded);
        }
    }
    frame::finish(out, start);
    Ok(count)
}

/// The length of a section, which is below that of its message.
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
}

/// Takes as many prefixes of `family` as fit into `room` octets.
pub(super) fn fill<I: Iterator<Item = Prefix>>(
    out: &mut Vec<u8>,
    family: Family,
    prefixes: &mut Peekable<I>,
    room: usize,
) -> usize {
    let end = out.len() + room;
    let mut count = 0;
    while let Some(prefix) = prefixes.next_if(|next| next.family() == family && out.len() + zetta::octets(*next) <= end)
    {
        zetta::put_prefix(out, prefix);
        count += 1;
    }
    count
}
