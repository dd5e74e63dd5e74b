//! Neighbour discovery frames (RFC 4861), as they are on an Ethernet: ARP's place in IPv6.

use std::fmt;
use std::net::Ipv6Addr;

use crate::topology::Mac;

/// Bytes before the ICMPv6 message: the Ethernet and the IPv6 header.
const ICMP: usize = 14 + 40;

/// Bytes of a frame with the one option that the lab sends.
const FRAME_LEN: usize = ICMP + 24 + 8;

/// Everybody on the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What a neighbour discovery frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdpKind {
    /// "Who has the target address?"
    Solicitation,
    /// "I have the target address."
    Advertisement {
        /// The sender is a router.
        router: bool,
        /// It answers a solicitation.
        solicited: bool,
        /// It replaces what the receiver knows.
        replaces: bool,
    },
}

/// A neighbour solicitation or advertisement with its Ethernet and IPv6 headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NdpFrame {
    /// Ethernet destination.
    pub destination: Mac,
    /// Ethernet source.
    pub source: Mac,
    /// IPv6 source.
    pub from: Ipv6Addr,
    /// IPv6 destination.
    pub to: Ipv6Addr,
    /// 255, unless it comes from another link.
    pub hop_limit: u8,
    /// Solicitation or advertisement.
    pub kind: NdpKind,
    /// The address it is about.
    pub target: Ipv6Addr,
    /// The MAC in its link-layer address option: the asker's in a solicitation, the owner's in an advertisement.
    pub link_layer: Option<Mac>,
}

impl NdpFrame {
    /// A multicast "who has `target`, tell `from`".
    #[must_use]
    pub fn who_has(target: Ipv6Addr, source: Mac, from: Ipv6Addr) -> Self {
        let [.., a, b, c] = target.octets();
        let [high, low] = [u16::from_be_bytes([0xff, a]), u16::from_be_bytes([b, c])];
        Self {
            destination: Mac([0x33, 0x33, 0xff, a, b, c]),
            source,
            from,
            to: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, high, low),
            hop_limit: 255,
            kind: NdpKind::Solicitation,
            target,
            link_layer: Some(source),
        }
    }

    /// "I have `target`", to everybody, and it replaces what they know (RFC 4861 section 7.2.6).
    #[must_use]
    pub fn announcement(target: Ipv6Addr, source: Mac) -> Self {
        Self {
            destination: Mac([0x33, 0x33, 0, 0, 0, 1]),
            source,
            from: target,
            to: ALL_NODES,
            hop_limit: 255,
            kind: NdpKind::Advertisement { router: false, solicited: false, replaces: true },
            target,
            link_layer: Some(source),
        }
    }

    /// Who has the target address, as an advertisement says; `None` for a solicitation.
    #[must_use]
    pub fn claim(&self) -> Option<Mac> {
        let is_claim = matches!(self.kind, NdpKind::Advertisement { .. });
        is_claim.then(|| self.link_layer.unwrap_or(self.source))
    }

    /// Reads a frame; `None` when it is neither solicitation nor advertisement, or is cut short.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        const IPV6_ICMP: (u16, u8) = (0x86dd, 58);
        let ether_type = u16::from_be_bytes(array(bytes, 12)?);
        if (ether_type, *bytes.get(20)?) != IPV6_ICMP {
            return None;
        }
        let flags = *bytes.get(ICMP + 4)?;
        let (kind, wanted) = match bytes.get(ICMP..ICMP + 2)? {
            [135, 0] => (NdpKind::Solicitation, 1),
            [136, 0] => {
                let [router, solicited, replaces] = [0x80, 0x40, 0x20].map(|bit| flags & bit != 0);
                (NdpKind::Advertisement { router, solicited, replaces }, 2)
            }
            _ => return None,
        };
        Some(Self {
            destination: Mac(array(bytes, 0)?),
            source: Mac(array(bytes, 6)?),
            from: Ipv6Addr::from(array::<16>(bytes, 22)?),
            to: Ipv6Addr::from(array::<16>(bytes, 38)?),
            hop_limit: *bytes.get(21)?,
            kind,
            target: Ipv6Addr::from(array::<16>(bytes, ICMP + 8)?),
            link_layer: option(bytes.get(ICMP + 24..)?, wanted),
        })
    }

    /// Writes the frame, with a link-layer address option in any case.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, flags, option) = match self.kind {
            NdpKind::Solicitation => (135, 0, 1),
            NdpKind::Advertisement { router, solicited, replaces } => {
                let flags = [(router, 0x80), (solicited, 0x40), (replaces, 0x20)];
                (136, flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum(), 2)
            }
        };
        let mut message = Vec::with_capacity(FRAME_LEN - ICMP);
        message.extend([kind, 0, 0, 0, flags, 0, 0, 0]);
        message.extend(self.target.octets());
        message.extend([option, 1]);
        message.extend(self.link_layer.unwrap_or(self.source).0);
        let sum = checksum(self.from, self.to, &message);
        message.splice(2..4, sum.to_be_bytes());

        let mut bytes = Vec::with_capacity(FRAME_LEN);
        bytes.extend(self.destination.0);
        bytes.extend(self.source.0);
        bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, self.hop_limit]);
        bytes.extend(self.from.octets());
        bytes.extend(self.to.octets());
        bytes.extend(message);
        bytes
    }
}

impl fmt::Display for NdpFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            NdpKind::Solicitation => write!(f, "who has {}, tell {}", self.target, self.from),
            NdpKind::Advertisement { solicited, .. } => {
                let mac = self.link_layer.unwrap_or(self.source);
                let why = if solicited { "solicited" } else { "unsolicited" };
                write!(f, "{} is at {mac} ({why})", self.target)
            }
        }
    }
}

/// The MAC of the first option of this type. Options are counted in units of eight bytes.
fn option(mut options: &[u8], wanted: u8) -> Option<Mac> {
    while let [kind, units, ..] = *options {
        if kind == wanted && units == 1 {
            return Some(Mac(array(options, 2)?));
        }
        // A length of zero would never end.
        options = options.get(8 * usize::from(units.max(1))..)?;
    }
    None
}

/// The ICMPv6 checksum over the pseudo-header and the message.
fn checksum(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let pseudo = [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, 58]].concat();
    let pairs = pseudo.chunks(2).chain(message.chunks(2));
    let mut sum: u32 = pairs
        .map(|pair| match *pair {
            [high, low] => u32::from(high) << 8 | u32::from(low),
            [high] => u32::from(high) << 8,
            _ => 0,
        })
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solicitation_reads_back() {
        let target = "fd00:1::240".parse().unwrap();
        let frame = NdpFrame::who_has(target, Mac([2, 0, 0, 0, 0, 1]), "fd00:1::101".parse().unwrap());
        assert_eq!(frame.to.to_string(), "ff02::1:ff00:240");
        assert_eq!(frame.destination.to_string(), "33:33:ff:00:02:40");
        let bytes = frame.to_bytes();
        assert_eq!(bytes.len(), FRAME_LEN);
        assert_eq!(NdpFrame::parse(&bytes), Some(frame));
        assert_eq!(frame.claim(), None);
        for len in 0..ICMP + 24 {
            assert_eq!(NdpFrame::parse(&bytes[..len]), None, "{len} bytes are no frame");
        }
        let message = &bytes[ICMP..];
        assert_eq!(checksum(frame.from, frame.to, message), 0, "its sum is right");
    }

    #[test]
    fn an_announcement_reads_back() {
        let frame = NdpFrame::announcement("fd00:1::240".parse().unwrap(), Mac([2, 0, 0, 0, 0, 1]));
        let bytes = frame.to_bytes();
        assert_eq!(NdpFrame::parse(&bytes), Some(frame));
        assert_eq!(frame.claim(), Some(frame.source));
        assert_eq!(checksum(frame.from, frame.to, &bytes[ICMP..]), 0, "its sum is right");
    }

    #[test]
    fn options_end() {
        assert_eq!(option(&[9, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 2, 3, 4, 5, 6], 2), Some(Mac([1, 2, 3, 4, 5, 6])));
        assert_eq!(option(&[9, 0], 2), None);
    }
}
