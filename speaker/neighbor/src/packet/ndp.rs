//! Neighbour discovery for IPv6 over Ethernet (RFC 4861): the two messages that play ARP's part.
//!
//! ```text
//!   0              6             12        14                     22        38             54            58      78
//!   | destination  | source      | 0x86dd  | version … hop limit  | source  | destination  | type code checksum | options
//!   '----------- Ethernet ------------------'------------------ IPv6 ----------------------'---- ICMPv6, target -'
//! ```
//!
//! | message | type | from | to | says |
//! |---|---|---|---|---|
//! | solicitation | 135 | a host's address | all with a similar address, or one host | who has the target? |
//! | probe for a duplicate | 135 | :: | all with a similar address | does anybody have the target already? |
//! | solicited advertisement | 136 | the owner | the asker | the target is at this MAC |
//! | unsolicited advertisement | 136 | the owner | all nodes | the target is at this MAC now |
//!
//! Hop limit 255 is what proves that a message comes from this link: a router would have made it 254 (§7.1).

mod options;

use std::net::Ipv6Addr;

use pnet::packet::ethernet::{EtherType, EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{MutableNeighborAdvertPacket, MutableNeighborSolicitPacket, NeighborSolicitPacket};
use pnet::packet::icmpv6::{Icmpv6Code, Icmpv6Packet, Icmpv6Type, Icmpv6Types, checksum};
use pnet::packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet::packet::ipv6::{Ipv6Packet, MutableIpv6Packet};

use super::{ETHERNET_HEADER, MacAddr, is_vlan_tag};

const IPV6_HEADER: usize = 40;
/// Type, code, checksum, flags or reserved, target: the part of both messages before the options.
const FIXED_PART: usize = 24;
/// One link-layer address option.
const OPTION: usize = 8;
const HOP_LIMIT: u8 = 255;

const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who has the target?
    Solicitation {
        /// The asker's MAC, if it tells (source link-layer address option).
        asker: Option<MacAddr>,
    },
    /// I have the target.
    Advertisement {
        /// It is a router.
        router: bool,
        /// It was asked.
        solicited: bool,
        /// Caches are to replace another MAC by this one.
        overrides: bool,
        /// The target's MAC, if told (target link-layer address option).
        owner: Option<MacAddr>,
    },
}

/// One neighbour discovery message with the headers around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ndp {
    /// Ethernet destination.
    pub destination: MacAddr,
    /// Ethernet source.
    pub source: MacAddr,
    /// IPv6 source; `::` in a probe for a duplicate.
    pub source_ip: Ipv6Addr,
    /// IPv6 destination.
    pub destination_ip: Ipv6Addr,
    /// The address that it is about.
    pub target: Ipv6Addr,
    /// What it says about the target.
    pub message: Message,
}

/// Why bytes are not a valid neighbour solicitation or advertisement (RFC 4861 §7.1.1, §7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the message does.
    #[error("frame of {length} bytes ends before the neighbour discovery message in it")]
    Truncated {
        /// Bytes there are.
        length: usize,
    },
    /// A VLAN tag stands inside the frame.
    #[error("frame carries a VLAN tag (EtherType {0:#06x}): it belongs to a VLAN without an interface here")]
    VlanTagged(u16),
    /// Another protocol than IPv6.
    #[error("EtherType {0:#06x} is not IPv6 (0x86dd)")]
    NotIpv6(u16),
    /// The header says another version than 6.
    #[error("IP version {0} under IPv6's EtherType")]
    Version(u8),
    /// Something else than ICMPv6 follows the IPv6 header. Fragments end here too, as RFC 6980 demands.
    #[error("next header {0} is not ICMPv6 (58)")]
    NotIcmpv6(u8),
    /// Another ICMPv6 message than a solicitation (135) or an advertisement (136).
    #[error("ICMPv6 type {0} is neither a neighbour solicitation (135) nor an advertisement (136)")]
    Type(u8),
    /// It was routed, so it is not from this link.
    #[error("hop limit {0} is not 255: the message does not come from this link")]
    HopLimit(u8),
    /// The checksum is wrong.
    #[error("ICMPv6 checksum is wrong")]
    Checksum,
    /// The code is not 0.
    #[error("ICMPv6 code {0} is not 0")]
    Code(u8),
    /// The target is a group.
    #[error("target {0} is a multicast address")]
    TargetMulticast(Ipv6Addr),
    /// An option of length 0.
    #[error("option {0} has length 0")]
    OptionEmpty(u8),
    /// An option that ends after the message.
    #[error("option {0} ends after the message")]
    OptionTruncated(u8),
    /// A probe (source `::`) that is not sent to the solicited-node group, or tells a MAC.
    #[error("a probe from :: must go to the target's group and not tell a MAC")]
    Probe,
    /// An advertisement to a group that says it was solicited.
    #[error("an advertisement to a group can't be a solicited one")]
    SolicitedByGroup,
}

impl DecodeError {
    /// A short fixed name, for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::VlanTagged(_) => "vlan_tagged",
            Self::NotIpv6(_) => "not_ipv6",
            Self::Version(_) => "ip_version",
            Self::NotIcmpv6(_) => "not_icmpv6",
            Self::Type(_) => "icmpv6_type",
            Self::HopLimit(_) => "hop_limit",
            Self::Checksum => "checksum",
            Self::Code(_) => "icmpv6_code",
            Self::TargetMulticast(_) => "target_multicast",
            Self::OptionEmpty(_) => "option_empty",
            Self::OptionTruncated(_) => "option_truncated",
            Self::Probe => "probe",
            Self::SolicitedByGroup => "solicited_by_group",
        }
    }
}

impl Ndp {
    /// Reads an Ethernet frame. What follows the IPv6 packet is padding and not looked at.
    ///
    /// # Errors
    /// [`DecodeError`] names the first rule of RFC 4861 §7.1 that does not hold.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let truncated = DecodeError::Truncated { length: frame.len() };
        let ethernet = EthernetPacket::new(frame).ok_or(truncated)?;
        match ethernet.get_ethertype() {
            EtherTypes::Ipv6 => {}
            tag if is_vlan_tag(tag) => return Err(DecodeError::VlanTagged(tag.0)),
            EtherType(other) => return Err(DecodeError::NotIpv6(other)),
        }
        let ip = frame.get(ETHERNET_HEADER..).and_then(Ipv6Packet::new).ok_or(truncated)?;
        if ip.get_version() != 6 {
            return Err(DecodeError::Version(ip.get_version()));
        }
        let IpNextHeaderProtocol(next) = ip.get_next_header();
        if ip.get_next_header() != IpNextHeaderProtocols::Icmpv6 {
            return Err(DecodeError::NotIcmpv6(next));
        }
        let begin = ETHERNET_HEADER + IPV6_HEADER;
        let body = frame.get(begin..begin + usize::from(ip.get_payload_length())).ok_or(truncated)?;
        let icmp = Icmpv6Packet::new(body).ok_or(truncated)?;
        let Icmpv6Type(kind) = icmp.get_icmpv6_type();
        if ![Icmpv6Types::NeighborSolicit, Icmpv6Types::NeighborAdvert].contains(&Icmpv6Type(kind)) {
            return Err(DecodeError::Type(kind));
        }
        if ip.get_hop_limit() != HOP_LIMIT {
            return Err(DecodeError::HopLimit(ip.get_hop_limit()));
        }
        // The fixed parts of both messages have the target in the same place.
        let fixed = NeighborSolicitPacket::new(body).ok_or(truncated)?;
        let (source_ip, destination_ip) = (ip.get_source(), ip.get_destination());
        if icmp.get_checksum() != checksum(&icmp, &source_ip, &destination_ip) {
            return Err(DecodeError::Checksum);
        }
        let Icmpv6Code(code) = icmp.get_icmpv6_code();
        if code != 0 {
            return Err(DecodeError::Code(code));
        }
        let target = fixed.get_target_addr();
        if target.is_multicast() {
            return Err(DecodeError::TargetMulticast(target));
        }

        let options = body.get(FIXED_PART..).unwrap_or_default();
        let message = if Icmpv6Type(kind) == Icmpv6Types::NeighborSolicit {
            let asker = options::link_layer_address(options, options::SOURCE)?;
            let group = solicited_node_group(target);
            if source_ip.is_unspecified() && (destination_ip != group || asker.is_some()) {
                return Err(DecodeError::Probe);
            }
            Message::Solicitation { asker }
        } else {
            let owner = options::link_layer_address(options, options::TARGET)?;
            let flags = body.get(4).copied().unwrap_or_default();
            if destination_ip.is_multicast() && flags & SOLICITED != 0 {
                return Err(DecodeError::SolicitedByGroup);
            }
            let [router, solicited, overrides] = [ROUTER, SOLICITED, OVERRIDE].map(|flag| flags & flag != 0);
            Message::Advertisement { router, solicited, overrides, owner }
        };
        let (destination, source) = (ethernet.get_destination(), ethernet.get_source());
        Ok(Self { destination, source, source_ip, destination_ip, target, message })
    }

    /// The frame to send, checksum and all. Addresses and flags go out as they are given.
    pub fn encode(&self) -> Vec<u8> {
        let option = match self.message {
            Message::Solicitation { asker } => asker.map(|mac| options::encode(options::SOURCE, mac)),
            Message::Advertisement { owner, .. } => owner.map(|mac| options::encode(options::TARGET, mac)),
        };
        let length = FIXED_PART + option.map_or(0, |_| OPTION);
        let mut frame = vec![0; ETHERNET_HEADER + IPV6_HEADER + length];
        let (header, packet) = frame.split_at_mut(ETHERNET_HEADER);
        let (ip_header, body) = packet.split_at_mut(IPV6_HEADER);
        if let (Some(to), Some(option)) = (body.get_mut(FIXED_PART..), option) {
            to.copy_from_slice(&option);
        }
        match self.message {
            Message::Solicitation { .. } => {
                if let Some(mut solicitation) = MutableNeighborSolicitPacket::new(body) {
                    solicitation.set_icmpv6_type(Icmpv6Types::NeighborSolicit);
                    solicitation.set_target_addr(self.target);
                }
            }
            Message::Advertisement { router, solicited, overrides, .. } => {
                if let Some(mut advertisement) = MutableNeighborAdvertPacket::new(body) {
                    let flags = [(router, ROUTER), (solicited, SOLICITED), (overrides, OVERRIDE)];
                    advertisement.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
                    advertisement.set_flags(flags.into_iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
                    advertisement.set_target_addr(self.target);
                }
            }
        }
        let sum = Icmpv6Packet::new(body).map(|icmp| checksum(&icmp, &self.source_ip, &self.destination_ip));
        // Both messages have the checksum where every ICMPv6 message has it.
        if let (Some(sum), Some(mut solicitation)) = (sum, MutableNeighborSolicitPacket::new(body)) {
            solicitation.set_checksum(sum);
        }
        if let (Some(mut ethernet), Some(mut ip)) =
            (MutableEthernetPacket::new(header), MutableIpv6Packet::new(ip_header))
        {
            ethernet.set_destination(self.destination);
            ethernet.set_source(self.source);
            ethernet.set_ethertype(EtherTypes::Ipv6);
            ip.set_version(6);
            ip.set_payload_length(u16::try_from(length).unwrap_or(u16::MAX));
            ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
            ip.set_hop_limit(HOP_LIMIT);
            ip.set_source(self.source_ip);
            ip.set_destination(self.destination_ip);
        }
        frame
    }

    /// The answer to a solicitation: its target is at `mac`. To the asker with the solicited flag; to all nodes without
    /// it, if the asker has no address yet (§7.2.4).
    ///
    /// The override flag is set in both: without it, a host that knows another MAC keeps it and only begins to doubt it
    /// (§7.2.5), which costs seconds after a move.
    pub fn reply_to(solicitation: &Self, mac: MacAddr, from: Ipv6Addr) -> Self {
        if solicitation.source_ip.is_unspecified() {
            return Self::announcement(mac, from, solicitation.target);
        }
        let asker = match solicitation.message {
            Message::Solicitation { asker: Some(asker) } => asker,
            _ => solicitation.source,
        };
        let message = Message::Advertisement { router: false, solicited: true, overrides: true, owner: Some(mac) };
        Self {
            destination: asker,
            source: mac,
            source_ip: from,
            destination_ip: solicitation.source_ip,
            target: solicitation.target,
            message,
        }
    }

    /// Tells everybody that `target` is at `mac` (§7.2.6), with the override flag. `from` is an address of the sending
    /// interface.
    pub fn announcement(mac: MacAddr, from: Ipv6Addr, target: Ipv6Addr) -> Self {
        Self {
            destination: group_mac(ALL_NODES),
            source: mac,
            source_ip: from,
            destination_ip: ALL_NODES,
            target,
            message: Message::Advertisement { router: false, solicited: false, overrides: true, owner: Some(mac) },
        }
    }

    /// Asks who has `target`, as `from` at `mac`; as a probe that tells nothing (RFC 4862 §5.4.2) if `from` is `::`.
    pub fn solicitation(mac: MacAddr, from: Ipv6Addr, target: Ipv6Addr) -> Self {
        let group = solicited_node_group(target);
        Self {
            destination: group_mac(group),
            source: mac,
            source_ip: from,
            destination_ip: group,
            target,
            message: Message::Solicitation { asker: (!from.is_unspecified()).then_some(mac) },
        }
    }
}

/// All nodes on the link, `ff02::1`.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The group that solicitations for `address` go to: `ff02::1:ff` and the address's last 24 bits (RFC 4291 §2.7.1). Who
/// wants to hear them must have joined it.
pub fn solicited_node_group(address: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Ipv6Addr::from_bits(PREFIX | (address.to_bits() & 0x00ff_ffff))
}

/// The Ethernet address of an IPv6 group: `33:33` and its last 32 bits (RFC 2464 §7).
pub fn group_mac(group: Ipv6Addr) -> MacAddr {
    let [.., a, b, c, d] = group.octets();
    MacAddr(0x33, 0x33, a, b, c, d)
}

#[cfg(test)]
mod tests;
