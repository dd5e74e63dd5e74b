//! The node's network interfaces: which of them take part in layer 2, kept current by netlink.
//!
//! Netlink is no reliable log: the kernel drops events when nobody reads fast enough, and says so. So the table is
//! dumped first, then follows the events, and is dumped again after an overrun, after the connection broke, and every
//! few minutes anyway. Only differences leave this module, and only for interfaces that take part; a node's hundreds
//! of pod interfaces cost an entry here and nothing elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use herald_neighbor::{Interface, InterfaceIndex, MacAddr};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::{Handle, MulticastGroup, new_multicast_connection};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the kernel may take to list the interfaces.
const DUMP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before a broken netlink connection is opened again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// How often the table is dumped although no event was missed, as far as we know.
const REDUMP_INTERVAL: Duration = Duration::from_secs(300);

/// Interfaces that belong to container runtimes and network plugins; MetalLB's default list.
const EXCLUDED_PREFIXES: [&str; 12] =
    ["docker", "cbr", "dummy", "virbr", "lxcbr", "veth", "cali", "tunl", "flannel", "kube-ipvs", "cni", "nodelocaldns"];
/// Further prefixes of that list, of newer network plugins.
const EXCLUDED_PREFIXES_LATER: [&str; 1] = ["lxc"];

/// A change of what takes part in layer 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceChange {
    /// It takes part from now on, or changed its name or MAC.
    Usable(Interface),
    /// It no longer takes part.
    Gone(InterfaceIndex),
    /// The MACs of the node's other interfaces; what comes from them is this node's own word.
    OtherMacs(BTreeSet<MacAddr>),
}

/// Follows the kernel for ever, in whose network namespace the caller runs.
pub async fn follow(to: mpsc::Sender<InterfaceChange>) {
    let mut table = Table::default();
    while !to.is_closed() {
        if let Err(error) = follow_connection(&mut table, &to).await {
            tracing::warn!("network interfaces can't be followed, will try again: {error:#}");
        }
        tokio::time::sleep(REOPEN_PAUSE).await;
    }
}

async fn follow_connection(table: &mut Table, to: &mpsc::Sender<InterfaceChange>) -> anyhow::Result<()> {
    let (connection, handle, mut events) = new_multicast_connection(&[MulticastGroup::Link])?;
    let connection = tokio::spawn(connection);
    let result = async {
        loop {
            send(to, table.replace(dump(&handle).await?)).await;
            let redump = tokio::time::sleep(REDUMP_INTERVAL);
            let mut redump = std::pin::pin!(redump);
            loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    () = &mut redump => break,
                    () = to.closed() => return Ok(()),
                };
                let Some((message, _)) = event else { anyhow::bail!("the kernel closed the connection") };
                match interpret(message) {
                    Heard::Link(link) => send(to, table.set(link)).await,
                    Heard::Gone(index) => send(to, table.remove(index)).await,
                    Heard::Missed => break,
                    Heard::Other => {}
                }
            }
        }
    }
    .await;
    connection.abort();
    result
}

async fn send(to: &mpsc::Sender<InterfaceChange>, changes: Vec<InterfaceChange>) {
    for change in changes {
        // A closed channel means that the speaker ends.
        let _ = to.send(change).await;
    }
}

async fn dump(handle: &Handle) -> anyhow::Result<Vec<Link>> {
    let links = handle.link().get().execute().map_ok(|message| read(&message)).try_collect::<Vec<_>>();
    Ok(timeout(DUMP_TIMEOUT, links).await??)
}

/// What one netlink message says.
enum Heard {
    Link(Link),
    Gone(InterfaceIndex),
    /// Something was lost: dump again.
    Missed,
    Other,
}

fn interpret(message: NetlinkMessage<RouteNetlinkMessage>) -> Heard {
    match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => Heard::Link(read(&link)),
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) => {
            Heard::Gone(InterfaceIndex(link.header.index))
        }
        NetlinkPayload::Overrun(_) | NetlinkPayload::Error(_) => Heard::Missed,
        _ => Heard::Other,
    }
}

/// An interface as the kernel describes it, reduced to what decides whether it takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    index: InterfaceIndex,
    name: String,
    mac: Option<MacAddr>,
    ethernet: bool,
    flags: LinkFlags,
    /// Enslaved to a bridge, a bond or a VRF.
    enslaved: bool,
}

fn read(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: InterfaceIndex(message.header.index),
        name: String::new(),
        mac: None,
        ethernet: message.header.link_layer_type == LinkLayerType::Ether,
        flags: message.header.flags,
        enslaved: false,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(bytes) => link.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddr::from),
            LinkAttribute::Controller(index) => link.enslaved = *index != 0,
            _ => {}
        }
    }
    link
}

impl Link {
    fn excluded(&self) -> bool {
        self.name == "lo"
            || EXCLUDED_PREFIXES.iter().chain(&EXCLUDED_PREFIXES_LATER).any(|prefix| self.name.starts_with(prefix))
    }

    /// The interface, if it takes part: Ethernet with carrier, able to broadcast, with ARP, on its own.
    fn usable(&self) -> Option<Interface> {
        let needed = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Broadcast;
        let takes_part = self.ethernet
            && self.flags.contains(needed)
            && !self.flags.intersects(LinkFlags::Noarp | LinkFlags::Loopback)
            && !self.enslaved
            && !self.excluded();
        let mac = self.mac.filter(|_| takes_part)?;
        Some(Interface { index: self.index, name: self.name.clone(), mac, link_local: None })
    }
}

/// All interfaces of the node, and what was last said of them.
#[derive(Debug, Default)]
struct Table {
    links: BTreeMap<InterfaceIndex, Link>,
    usable: BTreeMap<InterfaceIndex, Interface>,
    other_macs: BTreeSet<MacAddr>,
}

impl Table {
    /// A dump: what is not in it is gone.
    fn replace(&mut self, links: Vec<Link>) -> Vec<InterfaceChange> {
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.differences()
    }

    fn set(&mut self, link: Link) -> Vec<InterfaceChange> {
        if self.links.get(&link.index) == Some(&link) {
            return Vec::new();
        }
        self.links.insert(link.index, link);
        self.differences()
    }

    fn remove(&mut self, index: InterfaceIndex) -> Vec<InterfaceChange> {
        if self.links.remove(&index).is_none() {
            return Vec::new();
        }
        self.differences()
    }

    fn differences(&mut self) -> Vec<InterfaceChange> {
        let usable: BTreeMap<_, _> =
            self.links.values().filter_map(|link| Some((link.index, link.usable()?))).collect();
        let other_macs: BTreeSet<_> =
            self.links.values().filter(|link| !usable.contains_key(&link.index)).filter_map(|link| link.mac).collect();
        let mut changes = Vec::new();
        // MACs first: a frame that one of our own bridges sends is not to be taken for a stranger's.
        if other_macs != self.other_macs {
            changes.push(InterfaceChange::OtherMacs(other_macs.clone()));
        }
        let gone = self.usable.keys().filter(|index| !usable.contains_key(index));
        changes.extend(gone.map(|index| InterfaceChange::Gone(*index)));
        let new = usable.values().filter(|interface| self.usable.get(&interface.index) != Some(interface));
        changes.extend(new.cloned().map(InterfaceChange::Usable));
        self.usable = usable;
        self.other_macs = other_macs;
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str) -> Link {
        Link {
            index: InterfaceIndex(index),
            name: name.to_owned(),
            mac: Some(MacAddr::new(2, 0, 0, 0, 0, u8::try_from(index).unwrap())),
            ethernet: true,
            flags: LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Broadcast,
            enslaved: false,
        }
    }

    #[test]
    fn who_takes_part() {
        assert!(link(1, "eth0").usable().is_some());
        assert!(link(1, "br0").usable().is_some());
        for name in ["lo", "veth12", "docker0", "cali1", "lxc9", "cni0", "kube-ipvs0"] {
            assert!(link(1, name).usable().is_none(), "{name} must not take part");
        }
        assert!(link(1, "lo1").usable().is_some(), "only `lo` itself is excluded");
        assert!(Link { enslaved: true, ..link(1, "eth0") }.usable().is_none());
        assert!(Link { mac: None, ..link(1, "eth0") }.usable().is_none());
        assert!(Link { ethernet: false, ..link(1, "wg0") }.usable().is_none());
        let up = link(1, "eth0").flags;
        for flags in [up - LinkFlags::LowerUp, up - LinkFlags::Up, up | LinkFlags::Noarp, up - LinkFlags::Broadcast] {
            assert!(Link { flags, ..link(1, "eth0") }.usable().is_none(), "{flags:?}");
        }
    }

    #[test]
    fn only_differences_come_out() {
        let mut table = Table::default();
        let first = table.replace(vec![link(1, "eth0"), link(2, "veth0")]);
        assert_eq!(first.len(), 2, "one interface and the MACs of the others: {first:?}");
        assert!(table.replace(vec![link(1, "eth0"), link(2, "veth0")]).is_empty());
        assert!(table.set(link(1, "eth0")).is_empty());
        let mut changed = link(1, "eth0");
        changed.mac = Some(MacAddr::new(2, 9, 9, 9, 9, 9));
        assert_eq!(table.set(changed.clone()), [InterfaceChange::Usable(changed.usable().unwrap())]);
        let down = Link { flags: changed.flags - LinkFlags::LowerUp, ..changed.clone() };
        assert!(table.set(down).contains(&InterfaceChange::Gone(InterfaceIndex(1))));
        assert!(table.set(changed.clone()).contains(&InterfaceChange::Usable(changed.usable().unwrap())));
        assert_eq!(table.remove(InterfaceIndex(1)), [InterfaceChange::Gone(InterfaceIndex(1))]);
        assert!(table.remove(InterfaceIndex(1)).is_empty());
    }
}
