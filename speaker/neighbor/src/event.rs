//! What was heard: a received frame as statement and question, the same for ARP and neighbour discovery.
//!
//! | | says | asks for |
//! |---|---|---|
//! | ARP request | the sender's address is at its MAC | the target |
//! | ARP reply | the sender's address is at its MAC | – |
//! | solicitation | the source address is at the source MAC | the target |
//! | advertisement | the target is at the MAC it tells | – |

use std::net::IpAddr;

use crate::action::DecodeError;
use crate::packet::MacAddr;
use crate::packet::arp::{Arp, Operation};
use crate::packet::ndp::{Message, Ndp, group_mac};
use crate::state::Interface;

/// IPv6's EtherType, as it stands in the frame.
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// A frame that could be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    Arp(Arp),
    Ndp(Ndp),
}

impl Heard {
    pub(crate) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        if frame.get(12..14) == Some(&ETHERTYPE_IPV6) {
            Ok(Self::Ndp(Ndp::decode(frame)?))
        } else {
            Ok(Self::Arp(Arp::decode(frame)?))
        }
    }

    /// The address that it says something about, and the MAC that it says it has.
    pub(crate) fn says(&self) -> (IpAddr, MacAddr) {
        match self {
            Self::Arp(arp) => (arp.sender_ip.into(), arp.sender_mac),
            Self::Ndp(ndp) => match ndp.message {
                Message::Solicitation { asker } => (ndp.source_ip.into(), asker.unwrap_or(ndp.source)),
                Message::Advertisement { owner, .. } => (ndp.target.into(), owner.unwrap_or(ndp.source)),
            },
        }
    }

    /// The address that it is about.
    pub(crate) fn target(&self) -> IpAddr {
        match self {
            Self::Arp(arp) => arp.target_ip.into(),
            Self::Ndp(ndp) => ndp.target.into(),
        }
    }

    /// Whether it asks for its target.
    pub(crate) fn asks(&self) -> bool {
        match self {
            Self::Arp(arp) => arp.operation == Operation::Request,
            Self::Ndp(ndp) => matches!(ndp.message, Message::Solicitation { .. }),
        }
    }

    /// The MAC that put it on the wire.
    pub(crate) fn source(&self) -> MacAddr {
        match self {
            Self::Arp(arp) => arp.source,
            Self::Ndp(ndp) => ndp.source,
        }
    }

    /// Whether it was sent to everybody concerned, or to this interface.
    pub(crate) fn is_to(&self, interface: &Interface) -> bool {
        match self {
            Self::Arp(arp) => arp.destination.is_broadcast() || arp.destination == interface.mac,
            Self::Ndp(ndp) => {
                let to_a_group = ndp.destination_ip.is_multicast() && ndp.destination == group_mac(ndp.destination_ip);
                to_a_group || ndp.destination == interface.mac
            }
        }
    }

    /// The answer to what it asks: the target is at `owner`, says `interface`. `None` if the interface can't give it.
    pub(crate) fn reply(&self, interface: &Interface, owner: MacAddr) -> Option<Vec<u8>> {
        // The Ethernet source is always our own: switches learn from it where a MAC is, and the owner's is elsewhere.
        let source = interface.mac;
        match self {
            Self::Arp(arp) => Some(Arp { source, ..Arp::reply_to(arp, owner) }.encode()),
            Self::Ndp(ndp) => Some(Ndp { source, ..Ndp::reply_to(ndp, owner, interface.link_local?) }.encode()),
        }
    }
}

/// The frame that asks everybody on `interface` who has `target`. `None` if the interface can't ask.
///
/// It never makes anybody else's cache wrong: it tells no more than where the interface's own address is. For IPv6 it comes
/// from a real address, not from `::`, since the answer to that would go to everybody.
pub(crate) fn question(interface: &Interface, target: IpAddr) -> Option<Vec<u8>> {
    Some(match target {
        IpAddr::V4(target) => Arp::request(interface.mac, interface.asks_as(target), target).encode(),
        IpAddr::V6(target) => Ndp::solicitation(interface.mac, interface.link_local?, target).encode(),
    })
}
