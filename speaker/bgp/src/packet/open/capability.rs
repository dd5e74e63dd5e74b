//! The bytes of capabilities (RFC 5492).

use super::{Capability, GracefulRestart};
use crate::packet::Notification;
use crate::packet::reader::Reader;
use crate::packet::text::cut;
use crate::value::Asn;

const MULTIPROTOCOL: u8 = 1;
const ROUTE_REFRESH: u8 = 2;
const EXTENDED_NEXT_HOP: u8 = 5;
const EXTENDED_MESSAGE: u8 = 6;
const GRACEFUL_RESTART: u8 = 64;
const FOUR_OCTET_ASN: u8 = 65;
const ENHANCED_ROUTE_REFRESH: u8 = 70;
const HOST_NAME: u8 = 73;

/// The graceful restart capability's flags: R (RFC 4724) and N (RFC 8538), and how many bits the time has.
const RESTARTING: u16 = 0x8000;
const NOTIFICATION: u16 = 0x4000;
const RESTART_TIME: u16 = 0x0fff;
/// F, of each family.
const FORWARDING: u8 = 0x80;

/// Longest host name and domain name that are sent, as FRR does it: with more, the capabilities of an OPEN might not fit
/// into the 255 octets that every router can read.
const MAX_HOST_NAME: usize = 64;

/// The capabilities of one optional parameter.
///
/// # Errors
/// If one is longer than what is left (RFC 5492 leaves the answer open: Unspecific), or the AS number is 0 (RFC 7607).
pub(super) fn decode_list(value: &[u8], out: &mut Vec<Capability>) -> Result<(), Notification> {
    let mut reader = Reader(value);
    while !reader.is_empty() {
        let code = reader.u8().ok_or_else(Notification::malformed_open)?;
        let value = reader.counted_by_u8().ok_or_else(Notification::malformed_open)?;
        if (code, value) == (FOUR_OCTET_ASN, &[0; 4]) {
            return Err(Notification::bad_peer_as());
        }
        let known = decode(code, value);
        out.push(known.unwrap_or_else(|| Capability::Unknown { code, value: value.to_vec() }));
    }
    Ok(())
}

/// A capability that is known and whose value can be read. One that can't counts as unknown: RFC 5492 wants a session with
/// a peer that has capabilities we do not understand, and no RFC wants an error for these.
fn decode(code: u8, value: &[u8]) -> Option<Capability> {
    let mut reader = Reader(value);
    let capability = match code {
        MULTIPROTOCOL => {
            let (afi, [_reserved, safi]) = (reader.u16()?, reader.array()?);
            Capability::Multiprotocol { afi, safi }
        }
        ROUTE_REFRESH => Capability::RouteRefresh,
        EXTENDED_NEXT_HOP => {
            let mut tuples = Vec::with_capacity(value.len() / 6);
            while !reader.is_empty() {
                tuples.push((reader.u16()?, reader.u16()?, reader.u16()?));
            }
            Capability::ExtendedNextHop(tuples)
        }
        EXTENDED_MESSAGE => Capability::ExtendedMessage,
        GRACEFUL_RESTART => Capability::GracefulRestart(graceful_restart(&mut reader)?),
        FOUR_OCTET_ASN => Capability::FourOctetAsn(Asn::new(reader.u32()?)?),
        ENHANCED_ROUTE_REFRESH => Capability::EnhancedRouteRefresh,
        HOST_NAME => {
            let mut name = || Some(std::str::from_utf8(reader.counted_by_u8()?).ok()?.to_owned());
            Capability::HostName { host: name()?, domain: name()? }
        }
        _ => return None,
    };
    reader.is_empty().then_some(capability)
}

fn graceful_restart(reader: &mut Reader<'_>) -> Option<GracefulRestart> {
    let first = reader.u16()?;
    let mut families = Vec::new();
    while !reader.is_empty() {
        let (afi, [safi, flags]) = (reader.u16()?, reader.array()?);
        families.push((afi, safi, flags & FORWARDING != 0));
    }
    Some(GracefulRestart {
        restarting: first & RESTARTING != 0,
        notification: first & NOTIFICATION != 0,
        restart_time: first & RESTART_TIME,
        families,
    })
}

/// Appends code, length and value. A value beyond the 255 octets that can be is cut, lists between two elements.
pub(in crate::packet) fn encode(out: &mut Vec<u8>, capability: &Capability) {
    let (code, value) = match capability {
        Capability::Multiprotocol { afi, safi } => {
            let [high, low] = afi.to_be_bytes();
            (MULTIPROTOCOL, vec![high, low, 0, *safi])
        }
        Capability::RouteRefresh => (ROUTE_REFRESH, Vec::new()),
        Capability::ExtendedNextHop(tuples) => {
            let octets = |(afi, safi, next_hop): &(u16, u16, u16)| [*afi, *safi, *next_hop].map(u16::to_be_bytes);
            (EXTENDED_NEXT_HOP, tuples.iter().take(255 / 6).flat_map(octets).flatten().collect())
        }
        Capability::ExtendedMessage => (EXTENDED_MESSAGE, Vec::new()),
        Capability::GracefulRestart(restart) => {
            let flag = |on: bool, flag: u16| if on { flag } else { 0 };
            let first = flag(restart.restarting, RESTARTING)
                | flag(restart.notification, NOTIFICATION)
                | restart.restart_time.min(RESTART_TIME);
            let mut value = first.to_be_bytes().to_vec();
            for (afi, safi, forwarding) in restart.families.iter().take(253 / 4) {
                value.extend(afi.to_be_bytes());
                value.extend([*safi, if *forwarding { FORWARDING } else { 0 }]);
            }
            (GRACEFUL_RESTART, value)
        }
        Capability::FourOctetAsn(asn) => (FOUR_OCTET_ASN, asn.get().to_be_bytes().to_vec()),
        Capability::EnhancedRouteRefresh => (ENHANCED_ROUTE_REFRESH, Vec::new()),
        Capability::HostName { host, domain } => {
            let mut value = Vec::new();
            for name in [host, domain] {
                let name = cut(name, MAX_HOST_NAME);
                value.push(u8::try_from(name.len()).unwrap_or(0));
                value.extend(name.as_bytes());
            }
            (HOST_NAME, value)
        }
        Capability::Unknown { code, value } => (*code, value.get(..255).unwrap_or(value).to_vec()),
    };
    out.push(code);
    out.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
    out.extend(value);
}
