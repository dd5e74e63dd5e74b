//! The bytes of an OPEN message.

use std::net::Ipv4Addr;

use super::{Capability, Open, capability};
use crate::packet::Notification;
use crate::packet::frame::{self, MessageType};
use crate::packet::reader::Reader;
use crate::value::{Asn, HoldTime, RouterId};

const VERSION: u8 = 4;

/// Parameter type of a list of capabilities (RFC 5492).
const CAPABILITIES: u8 = 2;

/// In the place of the first parameter's type: parameters have lengths of two octets (RFC 9072).
const EXTENDED: u8 = 255;

/// An OPEN message that is right by itself. Whether it is the one expected is for the state machine to say.
///
/// # Errors
/// What RFC 4271 §6.2 asks to answer.
pub(in crate::packet) fn decode(body: &[u8]) -> Result<Open, Notification> {
    let mut reader = Reader(body);
    let short = Notification::malformed_open;
    if reader.u8().ok_or_else(short)? != VERSION {
        return Err(Notification::unsupported_version());
    }
    let two_octet_asn = reader.u16().ok_or_else(short)?;
    let hold_time = reader.u16().ok_or_else(short)?;
    let router_id = Ipv4Addr::from_bits(reader.u32().ok_or_else(short)?);
    // RFC 7607: also if the capability says another.
    if Asn::new(two_octet_asn.into()).is_none() {
        return Err(Notification::bad_peer_as());
    }
    let hold_time = HoldTime::from_seconds(hold_time).map_err(|_| Notification::unacceptable_hold_time())?;
    let router_id = RouterId::new(router_id).ok_or_else(Notification::bad_bgp_identifier)?;
    Ok(Open { two_octet_asn, hold_time, router_id, capabilities: parameters(reader)? })
}

/// The capabilities of all parameters. They are never more than the 4096 octets of an OPEN hold: two thousand.
fn parameters(mut reader: Reader<'_>) -> Result<Vec<Capability>, Notification> {
    let malformed = Notification::malformed_open;
    let length = reader.u8().ok_or_else(malformed)?;
    // RFC 9072 §2: the type tells the form, whatever the length but 0 is.
    let extended = length != 0 && reader.0.first() == Some(&EXTENDED);
    let octets = if extended {
        reader.u8().ok_or_else(malformed)?;
        reader.u16().ok_or_else(malformed)?
    } else {
        length.into()
    };
    if usize::from(octets) != reader.0.len() {
        return Err(malformed());
    }
    let mut capabilities = Vec::new();
    while !reader.is_empty() {
        let kind = reader.u8().ok_or_else(malformed)?;
        let value = if extended { reader.counted_by_u16() } else { reader.counted_by_u8() };
        let value = value.ok_or_else(malformed)?;
        if kind != CAPABILITIES {
            return Err(Notification::unsupported_optional_parameter());
        }
        capability::decode_list(value, &mut capabilities)?;
    }
    Ok(capabilities)
}

/// An OPEN message, header included. All capabilities stand in one parameter, as RFC 5492 §4 recommends, in the form of RFC
/// 9072 only if they need it. What can't stand on the wire is cut: host and domain name beyond 64 octets each, values beyond
/// 255, and capabilities beyond the 4096 octets of the message.
#[must_use]
pub fn encode(open: &Open) -> Vec<u8> {
    let mut capabilities = Vec::new();
    for capability in &open.capabilities {
        let before = capabilities.len();
        capability::encode(&mut capabilities, capability);
        // Fixed part 10, long form of the parameters 3, header of the parameter 3.
        if frame::HEADER + 16 + capabilities.len() > frame::MAX_LENGTH {
            capabilities.truncate(before);
            break;
        }
    }
    let mut body = vec![VERSION];
    body.extend(open.two_octet_asn.to_be_bytes());
    body.extend(open.hold_time.seconds().to_be_bytes());
    body.extend(open.router_id.address().octets());
    match (u8::try_from(capabilities.len()), u8::try_from(capabilities.len() + 2)) {
        (Ok(0), _) => body.push(0),
        (Ok(value), Ok(parameters)) => body.extend([parameters, CAPABILITIES, value]),
        _ => {
            let value = u16::try_from(capabilities.len()).unwrap_or(u16::MAX);
            body.extend([EXTENDED, EXTENDED]);
            body.extend((value + 3).to_be_bytes());
            body.push(CAPABILITIES);
            body.extend(value.to_be_bytes());
        }
    }
    body.extend(capabilities);
    frame::join(MessageType::Open, &body)
}
