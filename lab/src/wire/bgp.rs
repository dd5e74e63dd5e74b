//! BGP messages on the wire (RFC 4271 §4), as much of them as says what is announced.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::prefix::{Family, Prefix};

/// The length of a message's header; its first 16 bytes are ones.
const HEADER: usize = 19;

/// The longest message there is (RFC 8654).
const LONGEST: usize = 65535;

/// The attributes MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).
const REACH: u8 = 14;
const UNREACH: u8 = 15;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OPEN.
    Open,
    /// UPDATE.
    Update,
    /// NOTIFICATION.
    Notification,
    /// KEEPALIVE.
    Keepalive,
    /// ROUTE-REFRESH.
    RouteRefresh,
    /// None of these.
    Other(u8),
}

/// A BGP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// All of it but the header.
    pub body: Vec<u8>,
}

/// What an UPDATE says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Prefixes that are announced.
    pub announced: Vec<Prefix>,
    /// Prefixes that are withdrawn.
    pub withdrawn: Vec<Prefix>,
    /// The family whose routes are now complete (RFC 4724).
    pub end_of_rib: Option<Family>,
}

/// Takes the first message off a stream; `None` until all of it is there.
///
/// # Errors
/// When the stream does not begin with a message.
pub fn take(stream: &mut Vec<u8>) -> Result<Option<Message>, NoMessage> {
    let Some(header) = stream.get(..HEADER) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
    if header[..16] != [0xff; 16] || !(HEADER..=LONGEST).contains(&length) {
        return Err(NoMessage);
    }
    let kind = match header[18] {
        1 => Kind::Open,
        2 => Kind::Update,
        3 => Kind::Notification,
        4 => Kind::Keepalive,
        5 => Kind::RouteRefresh,
        other => Kind::Other(other),
    };
    let Some(body) = stream.get(HEADER..length) else { return Ok(None) };
    let message = Message { kind, body: body.to_vec() };
    stream.drain(..length);
    Ok(Some(message))
}

/// A stream has something else where a message should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no BGP message")]
pub struct NoMessage;

impl Message {
    /// What it says, if it is a good UPDATE.
    #[must_use]
    pub fn update(&self) -> Option<Update> {
        if self.kind != Kind::Update {
            return None;
        }
        let (withdrawn, rest) = sized(&self.body)?;
        let (mut attributes, announced) = sized(rest)?;
        let mut update = Update {
            announced: prefixes(announced, Family::V4)?,
            withdrawn: prefixes(withdrawn, Family::V4)?,
            end_of_rib: (self.body == [0; 4]).then_some(Family::V4),
        };
        while let [flags, kind, rest @ ..] = attributes {
            // Extended length.
            let (value, rest) = if flags & 0x10 != 0 {
                sized(rest)?
            } else {
                let (length, rest) = rest.split_first()?;
                rest.split_at_checked(usize::from(*length))?
            };
            attributes = rest;
            match *kind {
                REACH => {
                    let hop = usize::from(*value.get(3)?);
                    // After the next hop there is a reserved byte.
                    update.announced.extend(prefixes(value.get(5 + hop..)?, family(value)?)?);
                }
                UNREACH => {
                    let gone = prefixes(value.get(3..)?, family(value)?)?;
                    if gone.is_empty() && attributes.is_empty() && announced.is_empty() && withdrawn.is_empty() {
                        update.end_of_rib = family(value);
                    }
                    update.withdrawn.extend(gone);
                }
                _ => {}
            }
        }
        Some(update)
    }
}

/// A length of two bytes and what is so long, then the rest.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))
}

/// The family that an attribute of RFC 4760 begins with.
fn family(value: &[u8]) -> Option<Family> {
    match value.get(..3)? {
        [0, 1, 1] => Some(Family::V4),
        [0, 2, 1] => Some(Family::V6),
        _ => None,
    }
}

fn prefixes(mut bytes: &[u8], family: Family) -> Option<Vec<Prefix>> {
    let mut prefixes = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        if length > family.bits() {
            return None;
        }
        let (known, rest) = rest.split_at_checked(usize::from(length.div_ceil(8)))?;
        bytes = rest;
        let mut octets = [0; 16];
        octets.get_mut(..known.len())?.copy_from_slice(known);
        let address: IpAddr = match family {
            Family::V4 => Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into(),
            Family::V6 => Ipv6Addr::from(octets).into(),
        };
        prefixes.push(Prefix::new(address, length));
    }
    Some(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What FRR 8.4.4 sent (`speaker/bgp/tests/golden/frr-ebgp.txt`).
    const FRR: [&str; 5] = [
        "ffffffffffffffffffffffffffffffff0039020000001c400101005002000602010000fc014003040a090001800404000000000020cb007107",
        "ffffffffffffffffffffffffffffffff00170200000000",
        "ffffffffffffffffffffffffffffffff001d0200000006800f03000201",
        "ffffffffffffffffffffffffffffffff001c02000520cb0071070000",
        "ffffffffffffffffffffffffffffffff00270200000010900f000c0002014020010db800030000",
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    #[test]
    fn what_a_router_sent_is_read() {
        let mut stream: Vec<u8> = FRR.iter().flat_map(|message| bytes(message)).collect();
        let mut said = Vec::new();
        while let Some(message) = take(&mut stream).unwrap() {
            said.push(message.update().unwrap());
        }
        assert!(stream.is_empty());
        let prefix = |text: &str| vec![text.parse::<Prefix>().unwrap()];
        let plain = Update::default();
        let both = [prefix("0.0.0.0/0"), prefix("203.0.113.7/32")].concat();
        assert_eq!(said[0], Update { announced: both, ..plain.clone() });
        assert_eq!(said[1], Update { end_of_rib: Some(Family::V4), ..plain.clone() });
        assert_eq!(said[2], Update { end_of_rib: Some(Family::V6), ..plain.clone() });
        assert_eq!(said[3], Update { withdrawn: prefix("203.0.113.7/32"), ..plain.clone() });
        assert_eq!(said[4], Update { withdrawn: prefix("2001:db8:3::/64"), ..plain });
    }

    #[test]
    fn cut_and_broken_messages_are_told() {
        let whole = bytes(FRR[0]);
        for end in 0..whole.len() {
            assert_eq!(take(&mut whole[..end].to_vec()), Ok(None));
            let cut = Message { kind: Kind::Update, body: whole[19..].get(..end).unwrap_or_default().to_vec() };
            let _ = cut.update();
        }
        assert_eq!(take(&mut vec![0; 19]), Err(NoMessage));
    }
}
