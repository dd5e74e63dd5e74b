//! What the kernel says about interfaces and their addresses, reduced to what is used.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures::TryStreamExt as _;
use herald_neighbor::{InterfaceAddress, InterfaceIndex, MacAddr};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload, NlasIterator};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use rtnetlink::{Handle, MulticastGroup, new_connection};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long the kernel may take to list the interfaces, or their addresses.
const DUMP_TIMEOUT: Duration = Duration::from_secs(5);
/// Room for one datagram of events; the kernel's are a few KiB.
const DATAGRAM_MAX: usize = 64 * 1024;
/// The kernel had more to say than its buffer holds.
const ENOBUFS: i32 = 105;
/// What separates messages of one datagram (`NLMSG_ALIGNTO`).
const ALIGNMENT: usize = 4;
/// Length of a message's header, and of a link's behind it (`struct nlmsghdr`, `struct ifinfomsg`).
const HEADER: usize = 16;
/// Message types of links.
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
/// Attributes of links.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;

/// An interface as the kernel describes it, reduced to what decides whether it takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: InterfaceIndex,
    pub(super) name: String,
    pub(super) mac: Option<MacAddr>,
    pub(super) ethernet: bool,
    pub(super) flags: LinkFlags,
    /// Enslaved to a bridge, a bond or a VRF.
    pub(super) enslaved: bool,
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) index: InterfaceIndex,
    pub(super) address: InterfaceAddress,
    /// Not waiting for duplicate address detection, and not found to be a duplicate.
    pub(super) usable: bool,
}

/// What one netlink message says.
#[derive(Debug)]
pub(super) enum Heard {
    Link(Link),
    Gone(InterfaceIndex),
    Address(Address),
    AddressGone(Address),
    /// Something was lost: dump again.
    Missed,
}

/// The kernel's events, from the moment of opening.
///
/// Read here and not by rtnetlink, whose queue of events that nobody has taken has no bound.
pub(super) struct Events {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

impl Events {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        let groups = [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];
        let bits = groups.into_iter().map(|group| 1 << (group as u32 - 1)).sum();
        socket.socket_mut().bind(&SocketAddr::new(0, bits))?;
        Ok(Self { socket, buffer: Vec::with_capacity(DATAGRAM_MAX) })
    }

    /// The events of the next datagram that has any that matter.
    pub(super) async fn next(&mut self) -> io::Result<Vec<Heard>> {
        loop {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer).await {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => return Ok(vec![Heard::Missed]),
                Err(error) => return Err(error),
            }
            let heard = read_datagram(&self.buffer);
            if !heard.is_empty() {
                return Ok(heard);
            }
        }
    }
}

/// Lists what there is.
pub(super) struct Dumper {
    handle: Handle,
    connection: JoinHandle<()>,
}

impl Dumper {
    pub(super) fn open() -> io::Result<Self> {
        let (connection, handle, _) = new_connection()?;
        Ok(Self { handle, connection: tokio::spawn(connection) })
    }

    pub(super) async fn dump(&self) -> anyhow::Result<(Vec<Link>, Vec<Address>)> {
        let links = self.handle.link().get().execute().map_ok(|message| read_link(&message));
        let links = timeout(DUMP_TIMEOUT, links.try_collect::<Vec<_>>()).await??;
        let addresses = self.handle.address().get().execute();
        let addresses = addresses.try_filter_map(|message| std::future::ready(Ok(read_address(&message))));
        let addresses = timeout(DUMP_TIMEOUT, addresses.try_collect::<Vec<_>>()).await??;
        Ok((links, addresses))
    }
}

impl Drop for Dumper {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Reads all messages of one datagram. One that can't be read is skipped: a dump could not read it either.
pub(super) fn read_datagram(mut bytes: &[u8]) -> Vec<Heard> {
    let mut heard = Vec::new();
    while let Some(length) = bytes.first_chunk().map(|length| u32::from_ne_bytes(*length)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(message) = bytes.get(..length).filter(|message| message.len() >= HEADER) else { break };
        match message.get(4..6).and_then(|kind| kind.first_chunk()).map(|kind| u16::from_ne_bytes(*kind)) {
            Some(kind @ (RTM_NEWLINK | RTM_DELLINK)) => heard.extend(link_event(kind, message)),
            _ => match NetlinkMessage::deserialize(message) {
                Ok(message) => heard.extend(interpret(message)),
                Err(error) => tracing::debug!("netlink: {error}"),
            },
        }
        bytes = bytes.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    }
    heard
}

fn interpret(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Heard> {
    match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(address)) => {
            read_address(&address).map(Heard::Address)
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(address)) => {
            read_address(&address).map(Heard::AddressGone)
        }
        NetlinkPayload::Overrun(_) | NetlinkPayload::Error(_) => Some(Heard::Missed),
        _ => None,
    }
}

/// An event about a link. Its forty attributes, statistics and settings of IPv6 among them, are read only as far as they are
/// used: a node's pods come and go in bursts, and who reads too slowly misses events and has to dump everything.
///
/// A bridge uses the same messages to say that an interface is, or is no longer, a port of it (family `AF_BRIDGE`). The
/// latter would read as if the interface were gone.
fn link_event(kind: u16, message: &[u8]) -> Option<Heard> {
    let [family, _, k0, k1, i0, i1, i2, i3, f0, f1, f2, f3, ..] = message.get(HEADER..2 * HEADER)? else { return None };
    if AddressFamily::from(*family) != AddressFamily::Unspec {
        return None;
    }
    let index = InterfaceIndex(u32::from_ne_bytes([*i0, *i1, *i2, *i3]));
    if kind == RTM_DELLINK {
        return Some(Heard::Gone(index));
    }
    let mut link = Link {
        index,
        name: String::new(),
        mac: None,
        ethernet: LinkLayerType::from(u16::from_ne_bytes([*k0, *k1])) == LinkLayerType::Ether,
        flags: LinkFlags::from_bits_retain(u32::from_ne_bytes([*f0, *f1, *f2, *f3])),
        enslaved: false,
    };
    for attribute in NlasIterator::new(message.get(2 * HEADER..).unwrap_or_default()) {
        // What follows a broken one can't be read either.
        let Ok(attribute) = attribute else { break };
        let value = attribute.value();
        match attribute.kind() {
            IFLA_IFNAME => link.name = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned(),
            IFLA_ADDRESS => link.mac = <[u8; 6]>::try_from(value).ok().map(MacAddr::from),
            IFLA_MASTER => link.enslaved = value.iter().any(|octet| *octet != 0),
            _ => {}
        }
    }
    Some(Heard::Link(link))
}

fn read_link(message: &LinkMessage) -> Link {
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

fn read_address(message: &AddressMessage) -> Option<Address> {
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    let (mut local, mut peer) = (None::<IpAddr>, None::<IpAddr>);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => peer = Some(*ip),
            AddressAttribute::Flags(all) => flags = *all,
            _ => {}
        }
    }
    // On a point-to-point link "address" is the other end's; for IPv6 without one it is all there is.
    let ip = local.or(peer)?;
    let waiting = flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic);
    Some(Address {
        index: InterfaceIndex(message.header.index),
        address: InterfaceAddress { ip, prefix: message.header.prefix_len },
        usable: !waiting && !flags.contains(AddressFlags::Dadfailed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link message without attributes: kind, family and index.
    fn link(kind: u16, family: u8, index: u32) -> Vec<u8> {
        let mut bytes = 32_u32.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(16, 0);
        bytes.extend([family, 0, 1, 0]);
        bytes.extend(index.to_ne_bytes());
        bytes.resize(32, 0);
        bytes
    }

    const AF_BRIDGE: u8 = 7;

    #[test]
    fn a_bridges_goodbye_to_a_port_is_not_the_ports_end() {
        let heard = read_datagram(&link(RTM_DELLINK, 0, 7));
        assert!(matches!(heard[..], [Heard::Gone(InterfaceIndex(7))]), "{heard:?}");
        assert!(read_datagram(&link(RTM_DELLINK, AF_BRIDGE, 7)).is_empty());
        assert!(read_datagram(&link(RTM_NEWLINK, AF_BRIDGE, 7)).is_empty());
    }

    #[test]
    fn an_event_reads_as_the_same_link_does_in_a_dump() {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.header.flags = LinkFlags::Up | LinkFlags::Broadcast | LinkFlags::LowerUp;
        message.attributes = vec![
            LinkAttribute::IfName("eth0".to_owned()),
            LinkAttribute::Mtu(1500),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 7]),
            LinkAttribute::Controller(3),
        ];
        let dumped = read_link(&message);
        assert!(dumped.enslaved && dumped.mac.is_some() && dumped.name == "eth0" && dumped.ethernet);
        let mut event = NetlinkMessage::from(RouteNetlinkMessage::NewLink(message));
        event.finalize();
        let mut bytes = vec![0; event.buffer_len()];
        event.serialize(&mut bytes);
        let heard = read_datagram(&bytes);
        assert!(matches!(&heard[..], [Heard::Link(link)] if *link == dumped), "{heard:?}");
        for length in 0..bytes.len() {
            let mut cut = bytes[..length].to_vec();
            if let (Some(header), Ok(length)) = (cut.get_mut(..4), u32::try_from(length)) {
                header.copy_from_slice(&length.to_ne_bytes());
            }
            read_datagram(&cut);
        }
    }

    #[test]
    fn several_messages_of_one_datagram_are_read_and_what_is_cut_off_is_not() {
        let both = [link(RTM_NEWLINK, 0, 7), link(RTM_DELLINK, 0, 8)].concat();
        assert_eq!(read_datagram(&both).len(), 2);
        for length in 0..both.len() {
            assert_eq!(read_datagram(&both[..length]).len(), length / 32, "{length} bytes");
        }
        let mut absurd = both;
        for length in [0_u32, 1, 15, 33, u32::MAX] {
            absurd[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(read_datagram(&absurd).len() <= 1, "length {length}");
        }
    }
}
