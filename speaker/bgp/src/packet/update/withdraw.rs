//! Withdrawing routes, and telling that all have been announced.

use std::iter::Peekable;

use super::announce::{fill, put_length};
use super::attributes::put_extended_header;
use super::encoding::limit;
use crate::packet::frame::{self, MessageType};
use crate::packet::guard::{code, flag};
use crate::value::{Family, Prefix};

/// Octets of a message without routes: header, lengths of two sections.
const EMPTY: usize = frame::HEADER + 4;

/// MP_UNREACH_NLRI with a long length and without routes: its header, AFI, SAFI.
const UNREACH: usize = 4 + 3;

/// Appends to `out` one message that withdraws prefixes of `family`, as many of the next in `prefixes` as fit, and tells how
/// many those were; they are taken from `prefixes`. Nothing is appended if there are none, or the next one is of another
/// family. Call it until none are left. `max_length` as in [`Encoding`](super::Encoding::max_length).
pub fn withdraw<I: Iterator<Item = Prefix>>(
    out: &mut Vec<u8>,
    family: Family,
    prefixes: &mut Peekable<I>,
    max_length: usize,
) -> usize {
    let unreach = match family {
        Family::Ipv4 => 0,
        Family::Ipv6 => UNREACH,
    };
    let mut routes = Vec::new();
    let count = fill(&mut routes, family, prefixes, limit(max_length) - EMPTY - unreach);
    if count > 0 {
        put(out, family, &routes);
    }
    count
}

/// Appends to `out` the message that tells that all routes of `family` have been announced (RFC 4724 §2), octet by octet as
/// FRR, BIRD and GoBGP send it.
pub fn end_of_rib(out: &mut Vec<u8>, family: Family) {
    let [high, low] = family.afi().to_be_bytes();
    let body: &[u8] = match family {
        Family::Ipv4 => &[0, 0, 0, 0],
        Family::Ipv6 => &[0, 0, 0, 6, flag::OPTIONAL, code::MP_UNREACH_NLRI, 3, high, low, Family::UNICAST],
    };
    out.extend(frame::join(MessageType::Update, body));
}

fn put(out: &mut Vec<u8>, family: Family, routes: &[u8]) {
    let start = frame::begin(out, MessageType::Update);
    match family {
        Family::Ipv4 => {
            put_length(out, routes.len());
            out.extend(routes);
            put_length(out, 0);
        }
        Family::Ipv6 => {
            put_length(out, 0);
            put_length(out, UNREACH + routes.len());
            put_extended_header(out, flag::OPTIONAL, code::MP_UNREACH_NLRI, UNREACH - 4 + routes.len());
            out.extend(family.afi().to_be_bytes());
            out.push(Family::UNICAST);
            out.extend(routes);
        }
    }
    frame::finish(out, start);
}
