//! The interfaces that take part in layer 2, and every MAC that means this node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::MacAddr;

/// The kernel's number for an interface. A re-created interface gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(pub u32);

/// An interface that takes part in layer 2: up, not enslaved, not excluded, broadcast-capable, with ARP.
/// Choosing them is the caller's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number.
    pub index: InterfaceIndex,
    /// The name by which advertisements mean it.
    pub name: String,
    /// The MAC that answers tell.
    pub mac: MacAddr,
    /// Its IPv6 link-local address, if it has a usable one: the source of neighbour advertisements. Without it, the
    /// interface takes part in IPv4 alone.
    pub link_local: Option<Ipv6Addr>,
    /// Its addresses, for questions of our own. It needs none to answer.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of an interface, and how many of its bits say which network the interface is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceAddress {
    /// The address.
    pub ip: IpAddr,
    /// Length of the network's prefix.
    pub prefix: u8,
}

impl InterfaceAddress {
    /// Whether `other` is in the same network.
    pub fn reaches(&self, other: IpAddr) -> bool {
        let (bits, difference) = match (self.ip, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (32, u128::from(own.to_bits() ^ other.to_bits())),
            (IpAddr::V6(own), IpAddr::V6(other)) => (128, own.to_bits() ^ other.to_bits()),
            _ => return false,
        };
        // A shift by all 128 bits, where the network is everything, leaves nothing.
        difference.checked_shr(u32::saturating_sub(bits, self.prefix.into())).unwrap_or(0) == 0
    }
}

impl Interface {
    /// Whether an address with this scope is answered and announced here.
    pub(crate) fn carries(&self, ip: IpAddr, scope: &Scope) -> bool {
        scope.contains(self) && (ip.is_ipv4() || self.link_local.is_some())
    }

    /// Whether one of its addresses is in the network of `ip`.
    pub(crate) fn reaches(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.reaches(ip))
    }

    /// The address under which to ask for `target`: one in its network, or else none (RFC 5227 §1.1).
    pub(crate) fn asks_as(&self, target: Ipv4Addr) -> Ipv4Addr {
        let own = self.addresses.iter().find(|address| address.reaches(target.into())).map(|address| address.ip);
        match own {
            Some(IpAddr::V4(own)) if own != target => own,
            _ => Ipv4Addr::UNSPECIFIED,
        }
    }

    /// Whether others have to learn something anew, if this was `before`.
    fn looks_like(&self, before: &Self) -> bool {
        let Self { index, name, mac, link_local, addresses: _ } = self;
        (index, name, mac, link_local) == (&before.index, &before.name, &before.mac, &before.link_local)
    }
}

/// On which interfaces an address is answered and announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On every interface there is, and on those to come.
    All,
    /// On interfaces with one of these names.
    Named(BTreeSet<String>),
}

impl Scope {
    /// Whether `interface` is in it.
    pub fn contains(&self, interface: &Interface) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(&interface.name),
        }
    }

    /// What several advertisements of one address allow together: everything that one of them allows.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Named(mut names), Self::Named(more)) => {
                names.extend(more);
                Self::Named(names)
            }
            _ => Self::All,
        }
    }
}

/// The interfaces in use, and every MAC that means this node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interfaces {
    by_index: BTreeMap<InterfaceIndex, Interface>,
    other_macs: BTreeSet<MacAddr>,
}

impl Interfaces {
    /// Adds or replaces one; true if it looks different to others now.
    pub(crate) fn set(&mut self, interface: Interface) -> bool {
        let known = self.by_index.get(&interface.index).is_some_and(|before| interface.looks_like(before));
        self.by_index.insert(interface.index, interface);
        !known
    }

    pub(crate) fn remove(&mut self, index: InterfaceIndex) -> Option<Interface> {
        self.by_index.remove(&index)
    }

    /// A MAC of the node that no interface in use has; or had, if it is not `present` any more.
    pub(crate) fn set_other_mac(&mut self, mac: MacAddr, present: bool) {
        if present {
            self.other_macs.insert(mac);
        } else {
            self.other_macs.remove(&mac);
        }
    }

    pub(crate) fn get(&self, index: InterfaceIndex) -> Option<&Interface> {
        self.by_index.get(&index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.by_index.values()
    }

    pub(crate) fn carrying<'a>(&'a self, ip: IpAddr, scope: &'a Scope) -> impl Iterator<Item = &'a Interface> {
        self.iter().filter(move |interface| interface.carries(ip, scope))
    }

    /// Where a question for `target` may be answered: the interfaces in its network; all, if none is.
    pub(crate) fn towards(&self, target: IpAddr) -> Vec<&Interface> {
        let able = || self.iter().filter(|interface| interface.carries(target, &Scope::All));
        let near: Vec<_> = able().filter(|interface| interface.reaches(target)).collect();
        if near.is_empty() { able().collect() } else { near }
    }

    pub(crate) fn is_own_mac(&self, mac: MacAddr) -> bool {
        self.other_macs.contains(&mac) || self.by_index.values().any(|interface| interface.mac == mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reaches_its_network_and_no_other() {
        let reaches = |own: &str, prefix, other: &str| {
            InterfaceAddress { ip: own.parse().unwrap(), prefix }.reaches(other.parse().unwrap())
        };
        assert!(reaches("192.168.1.2", 24, "192.168.1.240"));
        assert!(!reaches("192.168.1.2", 24, "192.168.2.240"));
        assert!(reaches("192.168.1.2", 32, "192.168.1.2"));
        assert!(!reaches("192.168.1.2", 32, "192.168.1.3"));
        assert!(reaches("192.168.1.2", 0, "8.8.8.8"));
        assert!(reaches("fd00::1", 64, "fd00::ffff:1"));
        assert!(!reaches("fd00::1", 64, "fd00:1::1"));
        assert!(reaches("fd00::1", 0, "2001:db8::1"));
        assert!(!reaches("fd00::1", 0, "8.8.8.8"));
        assert!(reaches("fd00::1", 255, "fd00::1"), "a prefix that can't be is one of all bits");
    }
}
