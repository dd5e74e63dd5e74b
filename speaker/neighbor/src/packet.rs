//! What stands on the wire: Ethernet frames that carry ARP.
//!
//! Decoding only asks whether the bytes can be read. Whether a readable packet is legal here, and what to do about it,
//! is the [responder](crate::Layer2::receive)'s business.

pub mod arp;

/// A link-layer address.
pub use pnet::util::MacAddr;

/// Length of an Ethernet header without VLAN tag: destination, source, EtherType.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// Shortest Ethernet frame (IEEE 802.3: 64 bytes with the 4 bytes of checksum that the hardware adds). Frames are padded
/// to it with zeros here, so that no driver has to, and none can pad with what its buffer held before.
pub(crate) const SHORTEST_FRAME: usize = 60;
