//! A machine's neighbour table: where its kernel sends what is for an address on the LAN.
//!
//! By rtnetlink(7), with messages written by hand: two requests do not need a
//! library.

use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};

use anyhow::{Context as _, Result, bail};
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket};

use crate::topology::{Mac, Machine};

/// Bytes of a message's header, and of the part that all neighbour messages have after it.
const HEADER: usize = 16;
const NEIGHBOR: usize = 12;

/// `NLM_F_REQUEST`, `NLM_F_ACK`.
const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;

/// The attributes `NDA_DST` and `NDA_LLADDR`.
const DESTINATION: u16 = 1;
const LINK_LAYER: u16 = 2;

/// The neighbour table of a machine's `eth0`.
#[derive(Debug)]
pub struct NeighborTable {
    socket: OwnedFd,
    interface: i32,
}

impl NeighborTable {
    /// Opens it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn of(machine: &Machine) -> Result<Self> {
        machine.namespace.run(Self::open)?
    }

    fn open() -> Result<Self> {
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)
            .context("open a netlink socket")?;
        let interface = nix::net::if_::if_nametoindex("eth0").context("find eth0")?;
        Ok(Self { socket, interface: i32::try_from(interface).context("an interface's index fits an i32")? })
    }

    /// Forgets a neighbour. One that is not known is as good as forgotten.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn forget(&self, neighbor: IpAddr) -> Result<()> {
        let answer = self.ask(&self.request(libc::RTM_DELNEIGH, REQUEST | ACKNOWLEDGE, neighbor))?;
        match error(&answer) {
            Some(0) => Ok(()),
            Some(code) if code == -libc::ENOENT => Ok(()),
            code => bail!("the kernel does not forget the neighbour {neighbor}: {code:?}"),
        }
    }

    /// The MAC that the kernel sends to for a neighbour; `None` when it does not know.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn lookup(&self, neighbor: IpAddr) -> Result<Option<Mac>> {
        let answer = self.ask(&self.request(libc::RTM_GETNEIGH, REQUEST, neighbor))?;
        match message_type(&answer) {
            Some(libc::RTM_NEWNEIGH) => Ok(link_layer(answer.get(HEADER + NEIGHBOR..).unwrap_or_default())),
            _ => match error(&answer) {
                Some(code) if code == -libc::ENOENT => Ok(None),
                code => bail!("the kernel does not tell of the neighbour {neighbor}: {code:?}"),
            },
        }
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>> {
        sendto(self.socket.as_raw_fd(), request, &NetlinkAddr::new(0, 0), MsgFlags::empty())
            .context("ask the kernel about a neighbour")?;
        let mut answer = vec![0; 1024];
        let len = recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty()).context("hear the kernel")?;
        answer.truncate(len);
        Ok(answer)
    }

    fn request(&self, message: u16, flags: u16, neighbor: IpAddr) -> Vec<u8> {
        let (family, address) = match neighbor {
            IpAddr::V4(address) => (libc::AF_INET, address.octets().to_vec()),
            IpAddr::V6(address) => (libc::AF_INET6, address.octets().to_vec()),
        };
        let mut body = vec![u8::try_from(family).unwrap_or_default(), 0, 0, 0];
        body.extend(self.interface.to_ne_bytes());
        body.extend([0; 4]); // state, flags, type
        body.extend(u16::try_from(4 + address.len()).unwrap_or_default().to_ne_bytes());
        body.extend(DESTINATION.to_ne_bytes());
        body.extend(address);
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend(u32::try_from(HEADER + body.len()).unwrap_or_default().to_ne_bytes());
        bytes.extend(message.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]); // sequence number, port
        bytes.extend(body);
        bytes
    }
}

fn message_type(answer: &[u8]) -> Option<u16> {
    answer.get(4..6)?.try_into().ok().map(u16::from_ne_bytes)
}

/// The code of `NLMSG_ERROR`: negative, or 0 for an acknowledgement.
fn error(answer: &[u8]) -> Option<i32> {
    answer.get(HEADER..HEADER + 4)?.try_into().ok().map(i32::from_ne_bytes)
}

/// The MAC among a neighbour's attributes.
fn link_layer(mut attributes: &[u8]) -> Option<Mac> {
    while let [a, b, c, d, ..] = *attributes {
        let (length, kind) = (usize::from(u16::from_ne_bytes([a, b])), u16::from_ne_bytes([c, d]));
        if kind == LINK_LAYER {
            return attributes.get(4..10)?.try_into().ok().map(Mac);
        }
        // Each begins at a multiple of four; a length of zero would never end.
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_skipped_to_the_mac() {
        let mut attributes = vec![8, 0, 1, 0, 192, 168, 1, 240];
        attributes.extend([10, 0, 2, 0, 2, 0, 192, 168, 1, 11, 0, 0]);
        assert_eq!(link_layer(&attributes), Some(Mac([2, 0, 192, 168, 1, 11])));
        assert_eq!(link_layer(&attributes[..8]), None);
        assert_eq!(link_layer(&[0; 12]), None, "and it ends");
    }
}
