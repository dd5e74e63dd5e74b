//! BGP messages (RFC 4271 §4), as much of them as a receiver that counts routes needs.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

/// The length of a message's header; its first 16 bytes are ones.
const HEADER: usize = 19;

/// The hold time that is proposed, in seconds.
const HOLD_TIME: u16 = 90;

/// The attributes MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).
const REACH: u8 = 14;
const UNREACH: u8 = 15;

/// Message types.
pub const OPEN: u8 = 1;
pub const UPDATE: u8 = 2;
pub const NOTIFICATION: u8 = 3;
pub const KEEPALIVE: u8 = 4;

/// A KEEPALIVE.
pub fn keepalive() -> Vec<u8> {
    message(KEEPALIVE, &[])
}

/// An OPEN with both families, and AS numbers of four octets.
pub fn open(asn: u16, router_id: Ipv4Addr) -> Vec<u8> {
    let [high, low] = asn.to_be_bytes();
    let capabilities = [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0, 0, high, low];
    let mut body = vec![4, high, low];
    body.extend(HOLD_TIME.to_be_bytes());
    body.extend(router_id.octets());
    // One parameter, of type 2: capabilities (RFC 5492).
    body.extend([2 + 18, 2, 18]);
    body.extend(capabilities);
    message(OPEN, &body)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER + body.len()).unwrap_or(u16::MAX);
    let mut bytes = vec![0xff; 16];
    bytes.extend(length.to_be_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// The first message of a stream: its type, its body, and the length of all of it. `None` until it is there.
///
/// # Errors
/// When the stream does not begin with a message.
pub fn first(stream: &[u8]) -> Result<Option<(u8, &[u8], usize)>> {
    let Some(header) = stream.get(..HEADER) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
    ensure!(header[..16] == [0xff; 16] && length >= HEADER, "this is no BGP message: {header:x?}");
    Ok(stream.get(HEADER..length).map(|body| (header[18], body, length)))
}

/// How much an UPDATE says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many prefixes it announces.
    pub announced: usize,
    /// How many it withdraws.
    pub withdrawn: usize,
    /// It says that a family is complete (RFC 4724).
    pub end_of_rib: bool,
}

/// What the body of an UPDATE says; `None` if it can't be read.
pub fn tally(body: &[u8]) -> Option<Tally> {
    let (gone, rest) = sized(body)?;
    let (mut attributes, routes) = sized(rest)?;
    let mut tally = Tally { announced: prefixes(routes)?, withdrawn: prefixes(gone)?, end_of_rib: body == [0; 4] };
    let alone = gone.is_empty() && routes.is_empty();
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
            // After the next hop there is a reserved byte.
            REACH => tally.announced += prefixes(value.get(5 + usize::from(*value.get(3)?)..)?)?,
            UNREACH => {
                tally.withdrawn += prefixes(value.get(3..)?)?;
                tally.end_of_rib |= alone && value.len() == 3 && attributes.is_empty();
            }
            _ => {}
        }
    }
    Some(tally)
}

/// A length of two bytes and what is so long, then the rest.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))
}

fn prefixes(mut bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    while let Some((&bits, rest)) = bytes.split_first() {
        bytes = rest.get(usize::from(bits.div_ceil(8))..)?;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use herald_bgp::packet::update::{Encoding, Ipv4NextHop, Ipv6NextHop, NextHops, announce, end_of_rib, withdraw};
    use herald_bgp::packet::{Capability, Decoding, Message, decode, frame};
    use herald_bgp::{Asn, Attributes, Family, Prefix};

    use super::*;

    /// What FRR 8.4.4 sent: two prefixes, End-of-RIB of both families, a withdrawal of either.
    const FRR: [&str; 5] = [
        "ffffffffffffffffffffffffffffffff0039020000001c400101005002000602010000fc014003040a090001800404000000000020cb007107",
        "ffffffffffffffffffffffffffffffff00170200000000",
        "ffffffffffffffffffffffffffffffff001d0200000006800f03000201",
        "ffffffffffffffffffffffffffffffff001c02000520cb0071070000",
        "ffffffffffffffffffffffffffffffff00270200000010900f000c0002014020010db800030000",
    ];

    fn all(mut stream: &[u8]) -> Vec<Tally> {
        let mut tallies = Vec::new();
        while let Some((kind, body, length)) = first(stream).unwrap() {
            assert_eq!(kind, UPDATE);
            tallies.push(tally(body).unwrap());
            stream = &stream[length..];
        }
        assert!(stream.is_empty());
        tallies
    }

    #[test]
    fn what_a_router_sent_is_counted() {
        let byte = |pair: &[char]| u8::try_from(pair.iter().filter_map(|c| c.to_digit(16)).fold(0, |a, d| 16 * a + d));
        let bytes = |hex: &str| hex.chars().collect::<Vec<_>>().chunks(2).map(|pair| byte(pair).unwrap()).collect();
        let stream: Vec<Vec<u8>> = FRR.into_iter().map(bytes).collect();
        let none = Tally::default();
        let end = Tally { end_of_rib: true, ..none };
        let gone = Tally { withdrawn: 1, ..none };
        assert_eq!(all(&stream.concat()), [Tally { announced: 2, ..none }, end, end, gone, gone]);
    }

    #[test]
    fn what_herald_sends_is_counted() {
        let hop = Ipv6NextHop { global: "2001:db8::1".parse().unwrap(), link_local: None };
        let next_hops = NextHops { ipv4: Some(Ipv4NextHop::Plain([192, 0, 2, 1].into())), ipv6: Some(hop) };
        let shown_asn = Asn::new(64512).unwrap();
        let encoding =
            Encoding { external: true, shown_asn, four_octet_asn: true, next_hops, max_length: frame::MAX_LENGTH };
        for (family, address) in [(Family::Ipv4, "203.0.113.7"), (Family::Ipv6, "2001:db8::7")] {
            let host = || [Prefix::host(address.parse().unwrap())].into_iter().peekable();
            let mut stream = Vec::new();
            announce(&mut stream, family, &Attributes::default(), &mut host(), &encoding).unwrap();
            withdraw(&mut stream, family, &mut host(), frame::MAX_LENGTH);
            end_of_rib(&mut stream, family);
            let none = Tally::default();
            let expected =
                [Tally { announced: 1, ..none }, Tally { withdrawn: 1, ..none }, Tally { end_of_rib: true, ..none }];
            assert_eq!(all(&stream), expected, "{family}");
        }
    }

    #[test]
    fn its_open_is_a_good_one() {
        let bytes = open(64513, Ipv4Addr::new(192, 0, 2, 9));
        let (frame, _) = frame::split(&bytes, frame::MAX_LENGTH).unwrap().unwrap();
        let Ok(Message::Open(open)) = decode(frame, &Decoding::default()) else { panic!("{bytes:?}") };
        assert_eq!(open.two_octet_asn, 64513);
        assert!(open.capabilities.contains(&Capability::FourOctetAsn(Asn::new(64513).unwrap())), "{open:?}");
    }
}
