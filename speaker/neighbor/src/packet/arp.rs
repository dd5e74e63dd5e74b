//! ARP for IPv4 over Ethernet (RFC 826), and the four packets that Herald sends.
//!
//! ```text
//!   0              6             12        14    16    18 19 20   22           28         32           38         42
//!   | destination  | source      | 0x0806  | 1   |0x800|6 |4 | op | sender MAC | sender IP| target MAC | target IP|
//!   '----------- Ethernet ------------------'---------------------------- ARP -----------------------------------'
//! ```
//!
//! | packet | operation | sender | target | sent to |
//! |---|---|---|---|---|
//! | [reply](Arp::reply_to) | 2 | our MAC, the address | the asker | the asker |
//! | [announcement, request form](Arp::announcement_request) | 1 | our MAC, the address | zero, the address | all |
//! | [announcement, reply form](Arp::announcement_reply) | 2 | our MAC, the address | our MAC, the address | all |
//! | [probe](Arp::probe) | 1 | our MAC, 0.0.0.0 | zero, the address | all |
//! | [request](Arp::request) | 1 | our MAC, our address | zero, the address | all |

use std::net::Ipv4Addr;

use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, ArpPacket, MutableArpPacket};
use pnet::packet::ethernet::{EtherType, EtherTypes, EthernetPacket, MutableEthernetPacket};

use super::{ETHERNET_HEADER, MacAddr, SHORTEST_FRAME, is_vlan_tag};

/// Octets of an Ethernet address, as ARP's `hln` field says it.
const HARDWARE_LENGTH: u8 = 6;
/// Octets of an IPv4 address, as ARP's `pln` field says it.
const PROTOCOL_LENGTH: u8 = 4;

/// What an ARP packet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Asks for the target address's MAC, and tells the sender's.
    Request,
    /// Tells the sender's MAC.
    Reply,
}

/// One ARP packet with the Ethernet header around it.
///
/// The Ethernet addresses and the ones inside ARP are kept apart: they need not agree, and which one counts is a
/// question of meaning, not of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Ethernet destination.
    pub destination: MacAddr,
    /// Ethernet source.
    pub source: MacAddr,
    /// Request or reply.
    pub operation: Operation,
    /// The MAC that `sender_ip` is said to have.
    pub sender_mac: MacAddr,
    /// Whose MAC is told. 0.0.0.0 in a probe, which tells nothing (RFC 5227 §1.1).
    pub sender_ip: Ipv4Addr,
    /// The MAC of `target_ip`; without meaning in a request.
    pub target_mac: MacAddr,
    /// Whom the packet is for: the address asked about, or the one that asked.
    pub target_ip: Ipv4Addr,
}

/// Why bytes are not an ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the packet does.
    #[error("frame of {length} bytes ends before the 42 of Ethernet and ARP")]
    Truncated {
        /// Bytes there are.
        length: usize,
    },
    /// A VLAN tag stands inside the frame. The kernel takes the tag off frames for interfaces it knows, so this one is
    /// for a VLAN that this node has no interface in.
    #[error("frame carries a VLAN tag (EtherType {0:#06x}): it belongs to a VLAN without an interface here")]
    VlanTagged(u16),
    /// Another protocol than ARP.
    #[error("EtherType {0:#06x} is not ARP (0x0806)")]
    NotArp(u16),
    /// Another link layer than Ethernet.
    #[error("ARP hardware type {0} is not Ethernet (1)")]
    HardwareType(u16),
    /// Another network protocol than IPv4.
    #[error("ARP protocol type {0:#06x} is not IPv4 (0x0800)")]
    ProtocolType(u16),
    /// Link-layer addresses that are not 6 octets long.
    #[error("ARP hardware address length {0} is not 6")]
    HardwareLength(u8),
    /// Network addresses that are not 4 octets long.
    #[error("ARP protocol address length {0} is not 4")]
    ProtocolLength(u8),
    /// Neither request (1) nor reply (2): RARP, InARP or nonsense.
    #[error("ARP operation {0} is neither request (1) nor reply (2)")]
    Operation(u16),
}

impl DecodeError {
    /// A short fixed name, for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::VlanTagged(_) => "vlan_tagged",
            Self::NotArp(_) => "not_arp",
            Self::HardwareType(_) => "hardware_type",
            Self::ProtocolType(_) => "protocol_type",
            Self::HardwareLength(_) => "hardware_length",
            Self::ProtocolLength(_) => "protocol_length",
            Self::Operation(_) => "operation",
        }
    }
}

impl Arp {
    /// Reads an Ethernet frame. What follows the ARP packet is padding and not looked at.
    ///
    /// # Errors
    /// [`DecodeError`] names the first field that is not as ARP for IPv4 over Ethernet wants it.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let truncated = DecodeError::Truncated { length: frame.len() };
        let ethernet = EthernetPacket::new(frame).ok_or(truncated)?;
        match ethernet.get_ethertype() {
            EtherTypes::Arp => {}
            tag if is_vlan_tag(tag) => return Err(DecodeError::VlanTagged(tag.0)),
            EtherType(other) => return Err(DecodeError::NotArp(other)),
        }
        let arp = frame.get(ETHERNET_HEADER..).and_then(ArpPacket::new).ok_or(truncated)?;

        if arp.get_hardware_type() != ArpHardwareTypes::Ethernet {
            return Err(DecodeError::HardwareType(arp.get_hardware_type().0));
        }
        if arp.get_protocol_type() != EtherTypes::Ipv4 {
            return Err(DecodeError::ProtocolType(arp.get_protocol_type().0));
        }
        if arp.get_hw_addr_len() != HARDWARE_LENGTH {
            return Err(DecodeError::HardwareLength(arp.get_hw_addr_len()));
        }
        if arp.get_proto_addr_len() != PROTOCOL_LENGTH {
            return Err(DecodeError::ProtocolLength(arp.get_proto_addr_len()));
        }
        let operation = match arp.get_operation() {
            ArpOperations::Request => Operation::Request,
            ArpOperations::Reply => Operation::Reply,
            ArpOperation(other) => return Err(DecodeError::Operation(other)),
        };
        Ok(Self {
            destination: ethernet.get_destination(),
            source: ethernet.get_source(),
            operation,
            sender_mac: arp.get_sender_hw_addr(),
            sender_ip: arp.get_sender_proto_addr(),
            target_mac: arp.get_target_hw_addr(),
            target_ip: arp.get_target_proto_addr(),
        })
    }

    /// The frame to send: 60 bytes, zero-padded.
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = vec![0; SHORTEST_FRAME];
        let (header, body) = frame.split_at_mut(ETHERNET_HEADER);
        // Both always fit: the frame is longer than the two headers.
        if let (Some(mut ethernet), Some(mut arp)) = (MutableEthernetPacket::new(header), MutableArpPacket::new(body)) {
            ethernet.set_destination(self.destination);
            ethernet.set_source(self.source);
            ethernet.set_ethertype(EtherTypes::Arp);
            arp.set_hardware_type(ArpHardwareTypes::Ethernet);
            arp.set_protocol_type(EtherTypes::Ipv4);
            arp.set_hw_addr_len(HARDWARE_LENGTH);
            arp.set_proto_addr_len(PROTOCOL_LENGTH);
            arp.set_operation(match self.operation {
                Operation::Request => ArpOperations::Request,
                Operation::Reply => ArpOperations::Reply,
            });
            arp.set_sender_hw_addr(self.sender_mac);
            arp.set_sender_proto_addr(self.sender_ip);
            arp.set_target_hw_addr(self.target_mac);
            arp.set_target_proto_addr(self.target_ip);
        }
        frame
    }

    /// The answer to `request`, to its sender alone: `request.target_ip` is at `mac`.
    pub fn reply_to(request: &Self, mac: MacAddr) -> Self {
        Self {
            destination: request.sender_mac,
            source: mac,
            operation: Operation::Reply,
            sender_mac: mac,
            sender_ip: request.target_ip,
            target_mac: request.sender_mac,
            target_ip: request.sender_ip,
        }
    }

    /// Tells everybody that `ip` is at `mac`, as a request that nobody answers (RFC 5227 §3 "ARP announcement"). This
    /// is the form that every stack takes.
    pub fn announcement_request(mac: MacAddr, ip: Ipv4Addr) -> Self {
        Self::request(mac, ip, ip)
    }

    /// Tells everybody that `ip` is at `mac`, as a reply that nobody asked for. Some old stacks and some switches learn
    /// from replies alone. The target MAC is ours, as RFC 5944 §4.6 has it: Linux takes a reply for gratuitous, and
    /// replaces a fresh entry by it, only if sender and target MAC agree.
    pub fn announcement_reply(mac: MacAddr, ip: Ipv4Addr) -> Self {
        Self { operation: Operation::Reply, target_mac: mac, ..Self::request(mac, ip, ip) }
    }

    /// Asks everybody who has `ip` without telling who asks, so that no cache changes (RFC 5227 §1.1).
    pub fn probe(mac: MacAddr, ip: Ipv4Addr) -> Self {
        Self::request(mac, Ipv4Addr::UNSPECIFIED, ip)
    }

    /// Asks everybody who has `target`, as `ip` at `mac`.
    pub fn request(mac: MacAddr, ip: Ipv4Addr, target: Ipv4Addr) -> Self {
        Self {
            destination: MacAddr::broadcast(),
            source: mac,
            operation: Operation::Request,
            sender_mac: mac,
            sender_ip: ip,
            target_mac: MacAddr::zero(),
            target_ip: target,
        }
    }
}

#[cfg(test)]
mod tests;
