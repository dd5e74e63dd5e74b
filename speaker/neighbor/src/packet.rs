//! What stands on the wire: Ethernet frames that carry ARP or neighbour discovery.
//!
//! Decoding only asks whether the bytes can be read. Whether a readable packet is legal here, and what to do about it,
//! is the [responder](crate::Layer2::receive)'s business.

pub mod arp;
pub mod ndp;

use pnet::packet::ethernet::{EtherType, EtherTypes};

/// A link-layer address.
pub use pnet::util::MacAddr;

/// Length of an Ethernet header without VLAN tag: destination, source, EtherType.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// Shortest Ethernet frame (IEEE 802.3: 64 bytes with the 4 bytes of checksum that the hardware adds). Frames are padded
/// to it with zeros here, so that no driver has to, and none can pad with what its buffer held before.
pub(crate) const SHORTEST_FRAME: usize = 60;

/// Whether what looks like an EtherType begins a VLAN tag instead (IEEE 802.1Q, 802.1ad and its forerunner).
pub(crate) fn is_vlan_tag(ethertype: EtherType) -> bool {
    [EtherTypes::Vlan, EtherTypes::PBridge, EtherTypes::QinQ].contains(&ethertype)
}
