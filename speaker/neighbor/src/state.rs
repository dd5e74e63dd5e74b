//! What the node has: its interfaces, and the addresses it owns on them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

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
}

impl Interface {
    /// Whether an address with this scope is answered and announced here.
    pub(crate) fn carries(&self, ip: IpAddr, scope: &Scope) -> bool {
        scope.contains(self) && (ip.is_ipv4() || self.link_local.is_some())
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
    own_macs: BTreeSet<MacAddr>,
}

impl Interfaces {
    /// Adds or replaces one; true if anything changed.
    pub(crate) fn set(&mut self, interface: Interface) -> bool {
        if self.by_index.get(&interface.index) == Some(&interface) {
            return false;
        }
        self.by_index.insert(interface.index, interface);
        self.collect_macs();
        true
    }

    pub(crate) fn remove(&mut self, index: InterfaceIndex) -> Option<Interface> {
        let removed = self.by_index.remove(&index);
        self.collect_macs();
        removed
    }

    pub(crate) fn set_other_macs(&mut self, macs: BTreeSet<MacAddr>) {
        self.other_macs = macs;
        self.collect_macs();
    }

    fn collect_macs(&mut self) {
        self.own_macs = self.by_index.values().map(|i| i.mac).chain(self.other_macs.iter().copied()).collect();
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

    pub(crate) fn is_own_mac(&self, mac: MacAddr) -> bool {
        self.own_macs.contains(&mac)
    }
}

/// An address that this node owns.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) scope: Scope,
    pub(crate) counters: AddressCounters,
    pub(crate) conflict: Option<Conflict>,
}

/// What was received and sent for one address since it was won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressCounters {
    /// Requests that asked for it and were for us to answer.
    pub requests_received: u64,
    /// Answers handed out for sending.
    pub responses_sent: u64,
    /// Unasked-for announcements handed out for sending: two frames per interface and round for IPv4.
    pub gratuitous_sent: u64,
    /// Packets in which another machine said that the address is its own.
    pub claims_received: u64,
}

/// Another machine that said it has an address that this node owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its MAC; of several machines, the one heard last.
    pub mac: MacAddr,
    /// Where it was heard last.
    pub interface: InterfaceIndex,
    /// When this MAC was first heard.
    pub since: Duration,
    /// When it was last heard.
    pub last_heard: Duration,
    /// When the address was last defended against it.
    pub(crate) defended: Option<Duration>,
}
