//! TCP segments in frames, and the streams they make.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the network layer begins in an Ethernet frame.
const NETWORK: usize = 14;

/// The protocol number of TCP.
const TCP: u8 = 6;

/// How many bytes a stream keeps that came too early; more than that is a loss.
const EARLY: usize = 4 << 20;

/// A TCP segment, as much of it as matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub from: SocketAddr,
    /// Who gets it.
    pub to: SocketAddr,
    /// Its sequence number.
    pub sequence: u32,
    /// Whether it begins a connection.
    pub syn: bool,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads an Ethernet frame; `None` for anything but TCP over IPv4 or IPv6 without extension headers and fragments.
    #[must_use]
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let packet = frame.get(NETWORK..)?;
        let (from, to, transport): (IpAddr, IpAddr, &[u8]) = match frame.get(12..NETWORK)? {
            [0x08, 0x00] => {
                let header = usize::from(packet.first()? & 0x0f) * 4;
                let total = usize::from(half_word(packet, 2)?);
                let fragment = half_word(packet, 6)? & 0x3fff;
                if *packet.get(9)? != TCP || fragment != 0 {
                    return None;
                }
                let address = |at: usize| -> Option<Ipv4Addr> {
                    let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
                    Some(octets.into())
                };
                // A frame may be padded; one that was put together from several may have no length.
                let end = if total == 0 { packet.len() } else { total };
                (address(12)?.into(), address(16)?.into(), packet.get(header..end.min(packet.len()))?)
            }
            [0x86, 0xdd] => {
                let total = usize::from(half_word(packet, 4)?);
                if *packet.get(6)? != TCP {
                    return None;
                }
                let address = |at: usize| -> Option<Ipv6Addr> {
                    let octets: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
                    Some(octets.into())
                };
                let end = if total == 0 { packet.len() } else { 40 + total };
                (address(8)?.into(), address(24)?.into(), packet.get(40..end.min(packet.len()))?)
            }
            _ => return None,
        };
        let header = usize::from(transport.get(12)? >> 4) * 4;
        let sequence: [u8; 4] = transport.get(4..8)?.try_into().ok()?;
        Some(Self {
            from: (from, half_word(transport, 0)?).into(),
            to: (to, half_word(transport, 2)?).into(),
            sequence: u32::from_be_bytes(sequence),
            syn: transport.get(13)? & 0x02 != 0,
            payload: transport.get(header..)?,
        })
    }
}

fn half_word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

/// One direction of a connection, put in order.
#[derive(Debug, Default)]
pub struct Stream {
    /// The sequence number of the next byte; `None` before the first segment.
    next: Option<u32>,
    /// What came before its turn, by how far ahead of `next` it begins.
    early: BTreeMap<u32, Vec<u8>>,
    /// What came in order and was not taken yet.
    pub ready: Vec<u8>,
    /// Whether bytes are missing for good.
    pub broken: bool,
}

impl Stream {
    /// Takes a segment.
    pub fn push(&mut self, segment: &Segment<'_>) {
        if segment.syn {
            *self = Self { next: Some(segment.sequence.wrapping_add(1)), ..Self::default() };
            return;
        }
        let next = *self.next.get_or_insert(segment.sequence);
        if segment.payload.is_empty() || self.broken {
            return;
        }
        self.early.entry(segment.sequence).or_default();
        if let Some(kept) = self.early.get_mut(&segment.sequence)
            && kept.len() < segment.payload.len()
        {
            *kept = segment.payload.to_vec();
        }
        self.next = Some(self.advance(next));
        self.broken = self.early.values().map(Vec::len).sum::<usize>() > EARLY;
    }

    /// Moves what is in order to `ready`, and returns what comes next.
    fn advance(&mut self, mut next: u32) -> u32 {
        loop {
            // A segment that begins at or before the next byte: the distance is small when counted backwards.
            let due = self.early.keys().copied().find(|&at| next.wrapping_sub(at) < 1 << 31);
            let Some(at) = due else { return next };
            let bytes = self.early.remove(&at).unwrap_or_default();
            let known = usize::try_from(next.wrapping_sub(at)).unwrap_or(usize::MAX);
            if let Some(new) = bytes.get(known..) {
                self.ready.extend_from_slice(new);
                next = next.wrapping_add(u32::try_from(new.len()).unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
        let port = SocketAddr::from(([192, 168, 1, 11], 179));
        Segment { from: port, to: port, sequence, syn: false, payload }
    }

    #[test]
    fn a_stream_is_in_order_whatever_its_segments_are() {
        // Across the end of the numbers; late, twice, and overlapping.
        let start = u32::MAX - 2;
        let mut stream = Stream::default();
        stream.push(&Segment { syn: true, ..segment(start.wrapping_sub(1), b"") });
        stream.push(&segment(start, b"ab"));
        stream.push(&segment(start.wrapping_add(4), b"efg"));
        assert_eq!(stream.ready, b"ab");
        stream.push(&segment(start, b"ab"));
        stream.push(&segment(start.wrapping_add(1), b"bcde"));
        assert_eq!(stream.ready, b"abcdefg");
        stream.push(&segment(start.wrapping_add(7), b"h"));
        assert_eq!(stream.ready, b"abcdefgh");
        assert!(!stream.broken && stream.early.is_empty());
    }

    #[test]
    fn a_lost_segment_is_known_after_a_while() {
        let mut stream = Stream::default();
        stream.push(&segment(0, b"a"));
        let piece = vec![0; 1 << 16];
        for number in 0..70 {
            stream.push(&segment(2 + number * 0x1_0000, &piece));
        }
        assert!(stream.broken);
    }

    #[test]
    fn padding_is_no_payload() {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 42, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 168, 1, 11, 192, 168, 1, 91]);
        frame.extend([0x9c, 0x40, 0, 179, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0, b'h', b'i', 0, 0]);
        let segment = Segment::parse(&frame).unwrap();
        assert_eq!((segment.payload, segment.sequence, segment.syn), (&b"hi"[..], 7, false));
        assert_eq!((segment.from.to_string(), segment.to.port()), ("192.168.1.11:40000".into(), 179));
        for end in 0..frame.len() {
            // Whatever is missing, nothing panics.
            let _ = Segment::parse(&frame[..end]);
        }
    }
}
