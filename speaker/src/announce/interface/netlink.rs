//! What the kernel says about interfaces and their addresses, reduced to what is used.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures::TryStreamExt;
use herald_neighbor::{InterfaceAddress, InterfaceIndex, MacAddr};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
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
        // 16 is the length of the header alone.
        let Some(message) = bytes.get(..length).filter(|message| message.len() >= 16) else { break };
        match NetlinkMessage::deserialize(message) {
            Ok(message) => heard.extend(interpret(message)),
            Err(error) => tracing::debug!("netlink: {error}"),
        }
        bytes = bytes.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    }
    heard
}

fn interpret(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Heard> {
    match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => {
            is_about_the_link(&link).then(|| Heard::Link(read_link(&link)))
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) => {
            is_about_the_link(&link).then_some(Heard::Gone(InterfaceIndex(link.header.index)))
        }
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

/// A bridge uses the same messages to say that an interface is, or is no longer, a port of it (family `AF_BRIDGE`). The
/// latter would read as if the interface were gone.
fn is_about_the_link(message: &LinkMessage) -> bool {
    message.header.interface_family == AddressFamily::Unspec
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

    const NEW_LINK: u16 = 16;
    const DEL_LINK: u16 = 17;
    const AF_BRIDGE: u8 = 7;

    #[test]
    fn a_bridges_goodbye_to_a_port_is_not_the_ports_end() {
        let heard = read_datagram(&link(DEL_LINK, 0, 7));
        assert!(matches!(heard[..], [Heard::Gone(InterfaceIndex(7))]), "{heard:?}");
        assert!(read_datagram(&link(DEL_LINK, AF_BRIDGE, 7)).is_empty());
        assert!(read_datagram(&link(NEW_LINK, AF_BRIDGE, 7)).is_empty());
    }

    #[test]
    fn several_messages_of_one_datagram_are_read_and_what_is_cut_off_is_not() {
        let both = [link(NEW_LINK, 0, 7), link(DEL_LINK, 0, 8)].concat();
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
