//! All interfaces of the node, and what was last said of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use herald_neighbor::{Interface, InterfaceAddress, InterfaceIndex, MacAddr};
use netlink_packet_route::link::LinkFlags;

use super::InterfaceChange;
use super::netlink::{Address, Link};
use crate::announce::exclude::Exclude;

/// What was last told of one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Usable(Interface),
    /// It does not take part, but has a MAC of this node.
    Other(MacAddr),
}

/// The kernel's view, and what the wire was told of it.
#[derive(Debug)]
pub(super) struct Table {
    exclude: Exclude,
    links: BTreeMap<InterfaceIndex, Link>,
    addresses: BTreeMap<InterfaceIndex, BTreeMap<IpAddr, Address>>,
    told: BTreeMap<InterfaceIndex, Told>,
    /// How many interfaces that don't take part have this MAC.
    other_macs: BTreeMap<MacAddr, usize>,
}

impl Table {
    pub(super) fn new(exclude: Exclude) -> Self {
        Self {
            exclude,
            links: BTreeMap::new(),
            addresses: BTreeMap::new(),
            told: BTreeMap::new(),
            other_macs: BTreeMap::new(),
        }
    }

    /// A dump: what is not in it is gone.
    pub(super) fn replace(&mut self, links: Vec<Link>, addresses: Vec<Address>) -> Vec<InterfaceChange> {
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.addresses.clear();
        for address in addresses {
            self.addresses.entry(address.index).or_default().insert(address.address.ip, address);
        }
        self.review_all()
    }

    pub(super) fn set_link(&mut self, link: Link) -> Vec<InterfaceChange> {
        let index = link.index;
        if self.links.get(&index) == Some(&link) {
            return Vec::new();
        }
        self.links.insert(index, link);
        self.review(index)
    }

    pub(super) fn remove_link(&mut self, index: InterfaceIndex) -> Vec<InterfaceChange> {
        self.links.remove(&index);
        self.addresses.remove(&index);
        self.review(index)
    }

    pub(super) fn set_address(&mut self, address: Address) -> Vec<InterfaceChange> {
        let known = self.addresses.entry(address.index).or_default().insert(address.address.ip, address);
        if known == Some(address) { Vec::new() } else { self.review(address.index) }
    }

    pub(super) fn remove_address(&mut self, address: Address) -> Vec<InterfaceChange> {
        let Some(known) = self.addresses.get_mut(&address.index) else { return Vec::new() };
        if known.remove(&address.address.ip).is_none() {
            return Vec::new();
        }
        if known.is_empty() {
            self.addresses.remove(&address.index);
        }
        self.review(address.index)
    }

    pub(super) fn set_exclude(&mut self, exclude: Exclude) -> Vec<InterfaceChange> {
        self.exclude = exclude;
        self.review_all()
    }

    fn review_all(&mut self) -> Vec<InterfaceChange> {
        let indexes: BTreeSet<_> = self.links.keys().chain(self.told.keys()).copied().collect();
        indexes.into_iter().flat_map(|index| self.review(index)).collect()
    }

    /// What is to be told of one interface.
    fn review(&mut self, index: InterfaceIndex) -> Vec<InterfaceChange> {
        let now = self.links.get(&index).and_then(|link| match self.usable(link) {
            Some(interface) => Some(Told::Usable(interface)),
            None => link.mac.map(Told::Other),
        });
        let before = self.told.get(&index).cloned();
        if now == before {
            return Vec::new();
        }
        match &now {
            Some(now) => self.told.insert(index, now.clone()),
            None => self.told.remove(&index),
        };
        let mut changes = Vec::new();
        let other = |told: &Option<Told>| match told {
            Some(Told::Other(mac)) => Some(*mac),
            _ => None,
        };
        // At no moment is one of the node's MACs a stranger's: it is told before it ceases to be known otherwise.
        let (new, old) = (other(&now), other(&before));
        changes.extend(new.filter(|_| new != old).and_then(|mac| self.count_mac(mac, true)));
        match (now, before) {
            (Some(Told::Usable(interface)), _) => changes.push(InterfaceChange::Usable(interface)),
            (_, Some(Told::Usable(_))) => changes.push(InterfaceChange::Gone(index)),
            _ => {}
        }
        changes.extend(old.filter(|_| new != old).and_then(|mac| self.count_mac(mac, false)));
        changes
    }

    /// Several interfaces may have one MAC, as a bridge and its port: only the first and the last are told.
    fn count_mac(&mut self, mac: MacAddr, present: bool) -> Option<InterfaceChange> {
        let count = self.other_macs.entry(mac).or_default();
        let before = *count;
        *count = if present { before + 1 } else { before.saturating_sub(1) };
        let after = *count;
        if after == 0 {
            self.other_macs.remove(&mac);
        }
        ((before == 0) != (after == 0)).then_some(InterfaceChange::OtherMac { mac, present })
    }

    /// The interface, if it takes part: Ethernet with carrier, able to broadcast, with ARP, on its own.
    fn usable(&self, link: &Link) -> Option<Interface> {
        let needed = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Broadcast;
        let takes_part = link.ethernet
            && link.flags.contains(needed)
            && !link.flags.intersects(LinkFlags::Noarp | LinkFlags::Loopback)
            && !link.enslaved
            && !self.exclude.contains(&link.name);
        let mac = link.mac.filter(|_| takes_part)?;
        let addresses = self.addresses.get(&link.index).into_iter().flat_map(BTreeMap::values);
        let addresses: Vec<InterfaceAddress> =
            addresses.filter(|address| address.usable).map(|address| address.address).collect();
        let link_local = addresses.iter().find_map(|address| match address.ip {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(ip),
            _ => None,
        });
        Some(Interface { index: link.index, name: link.name.clone(), mac, link_local, addresses })
    }
}

#[cfg(test)]
mod tests;
