//! ARP for IPv4 over Ethernet (RFC 826), as the lab reads and asks it.
//!
//! ```text
//!  0            6            12     14
//!  | dst MAC    | src MAC    | 0806 | hardware 1, protocol 0800, 6, 4, op   |
//!  22           28           32           38           42
//!  | sender MAC | sender IP  | target MAC | target IP  |
//! ```

use std::fmt;
use std::net::Ipv4Addr;

use crate::topology::Mac;

/// Bytes of an ARP frame without padding.
pub const FRAME_LEN: usize = 42;

/// Bytes 12 to 19: Ethernet type ARP, hardware Ethernet, protocol IPv4 and
/// their address lengths.
const FIXED: [u8; 8] = [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4];

/// What an ARP frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// "Who has the target address?"
    Request,
    /// "The sender address is at the sender MAC."
    Reply,
    /// Anything else.
    Other(u16),
}

/// An ARP frame with its Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpFrame {
    /// Ethernet destination.
    pub destination: Mac,
    /// Ethernet source.
    pub source: Mac,
    /// Request or reply.
    pub operation: Operation,
    /// Who speaks.
    pub sender_mac: Mac,
    /// The address the sender speaks for.
    pub sender: Ipv4Addr,
    /// Who is addressed; without meaning in a request.
    pub target_mac: Mac,
    /// The address asked for, or the asker's in a reply.
    pub target: Ipv4Addr,
}

impl ArpFrame {
    /// A broadcast "who has `target`, tell `sender`".
    #[must_use]
    pub fn who_has(target: Ipv4Addr, sender_mac: Mac, sender: Ipv4Addr) -> Self {
        Self {
            destination: Mac::BROADCAST,
            source: sender_mac,
            operation: Operation::Request,
            sender_mac,
            sender,
            target_mac: Mac([0; 6]),
            target,
        }
    }

    /// A broadcast "`address` is at `mac`" that nobody asked for.
    #[must_use]
    pub fn announcement(address: Ipv4Addr, mac: Mac) -> Self {
        Self {
            destination: Mac::BROADCAST,
            source: mac,
            operation: Operation::Reply,
            sender_mac: mac,
            sender: address,
            target_mac: mac,
            target: address,
        }
    }

    /// Whether the sender announces its own address, in either form (RFC 5227
    /// section 3: request or reply with sender and target address equal).
    #[must_use]
    pub fn is_gratuitous(&self) -> bool {
        self.sender == self.target
    }

    /// Reads a frame; `None` when it is not ARP for IPv4 over Ethernet.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.get(12..20)? != FIXED {
            return None;
        }
        let operation = match u16::from_be_bytes(array(bytes, 20)?) {
            1 => Operation::Request,
            2 => Operation::Reply,
            other => Operation::Other(other),
        };
        Some(Self {
            destination: Mac(array(bytes, 0)?),
            source: Mac(array(bytes, 6)?),
            operation,
            sender_mac: Mac(array(bytes, 22)?),
            sender: Ipv4Addr::from(array::<4>(bytes, 28)?),
            target_mac: Mac(array(bytes, 32)?),
            target: Ipv4Addr::from(array::<4>(bytes, 38)?),
        })
    }

    /// Writes the frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let operation: u16 = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
            Operation::Other(other) => other,
        };
        let mut bytes = Vec::with_capacity(FRAME_LEN);
        bytes.extend(self.destination.0);
        bytes.extend(self.source.0);
        bytes.extend(FIXED);
        bytes.extend(operation.to_be_bytes());
        bytes.extend(self.sender_mac.0);
        bytes.extend(self.sender.octets());
        bytes.extend(self.target_mac.0);
        bytes.extend(self.target.octets());
        bytes
    }
}

impl fmt::Display for ArpFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            _ if self.is_gratuitous() => write!(f, "{} is at {} (gratuitous)", self.sender, self.sender_mac),
            Operation::Request => write!(f, "who has {}, tell {}", self.target, self.sender),
            Operation::Reply => write!(f, "{} is at {}, to {}", self.sender, self.sender_mac, self.target),
            Operation::Other(code) => write!(f, "ARP operation {code} from {}", self.sender_mac),
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_back() {
        let frame = ArpFrame::who_has([192, 168, 1, 240].into(), Mac([2, 0, 0, 0, 0, 1]), [192, 168, 1, 101].into());
        let bytes = frame.to_bytes();
        assert_eq!(bytes.len(), FRAME_LEN);
        assert_eq!(ArpFrame::parse(&bytes), Some(frame));
        assert!(!frame.is_gratuitous());
        for len in 0..FRAME_LEN {
            assert_eq!(ArpFrame::parse(&bytes[..len]), None, "{len} bytes are no frame");
        }
    }
}
