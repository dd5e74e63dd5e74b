//! AF_PACKET: whole Ethernet frames, on one interface, behind a filter in the kernel.
//!
//! ```text
//!   socket(protocol 0) ── hears nothing yet
//!   attach filter      ── still nothing
//!   bind(protocol, interface) ── frames of the protocol, that the filter accepts, from here on
//! ```
//!
//! In this order no frame is ever queued that the filter would have rejected. The interface is not made promiscuous, and
//! need not be: what concerns us is sent to everybody, to the interface's own address, or to a group that
//! [`Groups`](crate::Groups) has joined.

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::context::Describe;
use crate::filter::{self, Instruction};

/// Which frames a socket hears, and what its own are marked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// EtherType 0x0806.
    Arp,
    /// EtherType 0x86dd.
    Ipv6,
}

impl Protocol {
    fn ethertype(self) -> u16 {
        match self {
            Self::Arp => 0x0806,
            Self::Ipv6 => 0x86dd,
        }
    }
}

/// To whom a received frame was addressed on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketType {
    /// To this interface.
    Host,
    /// To everybody.
    Broadcast,
    /// To a group.
    Multicast,
    /// To another host, or in a VLAN without an interface here.
    OtherHost,
    /// Sent by this host.
    Outgoing,
    /// What later kernels may add.
    Other(u8),
}

impl From<u8> for PacketType {
    fn from(value: u8) -> Self {
        match value {
            libc::PACKET_HOST => Self::Host,
            libc::PACKET_BROADCAST => Self::Broadcast,
            libc::PACKET_MULTICAST => Self::Multicast,
            libc::PACKET_OTHERHOST => Self::OtherHost,
            libc::PACKET_OUTGOING => Self::Outgoing,
            other => Self::Other(other),
        }
    }
}

/// A frame that [`PacketSocket::receive`] put into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes of the buffer it fills.
    pub length: usize,
    /// Its length on the wire; more than `length` if the buffer was too short.
    pub wire_length: usize,
    /// To whom it was addressed.
    pub packet_type: PacketType,
}

impl Received {
    /// Whether the frame's end is missing.
    pub fn truncated(&self) -> bool {
        self.wire_length > self.length
    }
}

/// What became of the frames that the filter accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames accepted, whether they were queued or dropped.
    pub accepted: u32,
    /// Frames dropped because the queue was full: we read too slowly.
    pub dropped: u32,
}

/// A non-blocking socket that hears and sends whole Ethernet frames on one interface. Needs CAP_NET_RAW to open, nothing
/// after that.
#[derive(Debug)]
pub struct PacketSocket {
    socket: Socket,
    interface: u32,
}

impl PacketSocket {
    /// Opens a socket on the interface with this index, in the thread's network namespace, that hears the frames of
    /// `protocol` that `program` accepts. What this host itself sends is not heard.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`] without CAP_NET_RAW; [`io::ErrorKind::OutOfMemory`] if the program is too long
    /// for `net.core.optmem_max` (try a shorter one); `ENODEV` if there is no such interface. An interface that is down is
    /// no error here but the first result of [`receive`](Self::receive).
    pub fn open(interface: u32, protocol: Protocol, program: &[Instruction]) -> io::Result<Self> {
        let socket = Socket::new_raw(Domain::PACKET, Type::RAW.nonblocking().cloexec(), None)
            .describe(|| "cannot open a packet socket (it needs the capability NET_RAW)".to_owned())?;
        let opened = Self { socket, interface };
        opened.set_filter(program)?;
        opened.ignore_outgoing()?;
        opened.bind(protocol)?;
        Ok(opened)
    }

    /// Replaces the filter. Every frame meets either the old one or the new one, never none; frames that the old one let
    /// through may still be in the queue.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the kernel finds the program wrong, [`io::ErrorKind::OutOfMemory`] if it is too
    /// long for `net.core.optmem_max`. The old filter stays in place.
    pub fn set_filter(&self, program: &[Instruction]) -> io::Result<()> {
        filter::attach(&self.socket, program).describe(|| {
            format!("cannot attach a filter of {} instructions on interface {}", program.len(), self.interface)
        })
    }

    /// Takes the next frame out of the queue.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is none. [`io::ErrorKind::NetworkDown`] once when the interface goes down or
    /// away: if it comes up again, this socket hears it again; if it was removed, it stays silent for ever and is to be
    /// dropped.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let space = buffer.len();
        // SAFETY: u8 and MaybeUninit<u8> have the same layout, and recvfrom only ever writes initialised bytes.
        let uninit = unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) };
        // With MSG_TRUNC a packet socket returns the frame's length on the wire.
        let (wire_length, from) = self
            .socket
            .recv_from_with_flags(uninit, libc::MSG_TRUNC)
            .describe(|| format!("cannot receive on interface {}", self.interface))?;
        Ok(Received { length: wire_length.min(space), wire_length, packet_type: packet_type(&from)? })
    }

    /// Sends one whole Ethernet frame.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if the send buffer is full, [`io::ErrorKind::NetworkDown`] if the interface is down,
    /// `ENXIO` if it is gone, `EMSGSIZE` if the frame is longer than the interface allows.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        // The kernel takes a frame whole or not at all.
        self.socket
            .send(frame)
            .map(drop)
            .describe(|| format!("cannot send a frame of {} bytes on interface {}", frame.len(), self.interface))
    }

    /// What became of accepted frames since this was last asked.
    ///
    /// # Errors
    /// None that the kernel documents for a packet socket.
    pub fn take_statistics(&self) -> io::Result<Statistics> {
        let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut length = socket_length::<libc::tpacket_stats>()?;
        // SAFETY: `stats` is valid for writes of `length` bytes, and every bit pattern of its two integers is valid.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                std::ptr::from_mut(&mut stats).cast(),
                &raw mut length,
            )
        };
        succeeded(result).describe(|| format!("cannot read the statistics of interface {}", self.interface))?;
        Ok(Statistics { accepted: stats.tp_packets, dropped: stats.tp_drops })
    }

    /// The interface it was opened on.
    pub fn interface(&self) -> u32 {
        self.interface
    }

    /// Spares the kernel from showing us what this host sends. Kernels before 4.20 cannot; there the filter does it.
    fn ignore_outgoing(&self) -> io::Result<()> {
        let yes: libc::c_int = 1;
        let length = socket_length::<libc::c_int>()?;
        // SAFETY: `yes` is valid for reads of `length` bytes during the call.
        let result = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_IGNORE_OUTGOING,
                std::ptr::from_ref(&yes).cast(),
                length,
            )
        };
        match succeeded(result) {
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Ok(()),
            other => other.describe(|| format!("cannot exclude our own frames on interface {}", self.interface)),
        }
    }

    fn bind(&self, protocol: Protocol) -> io::Result<()> {
        let describe = || format!("cannot listen on interface {}", self.interface);
        let length = socket_length::<libc::sockaddr_ll>()?;
        let interface = libc::c_int::try_from(self.interface).map_err(io::Error::other).describe(describe)?;
        let fill = |storage: *mut socket2::SockAddrStorage, storage_length: *mut libc::socklen_t| {
            let address = storage.cast::<libc::sockaddr_ll>();
            // SAFETY: socket2 hands out zeroed storage that is large and aligned enough for every socket address, and all
            // zeros are a valid sockaddr_ll; nobody else refers to it.
            let address = unsafe { &mut *address };
            address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
            address.sll_protocol = protocol.ethertype().to_be();
            address.sll_ifindex = interface;
            // SAFETY: the length is socket2's own, valid for writes.
            unsafe { *storage_length = length };
            Ok(())
        };
        // SAFETY: `fill` writes a sockaddr_ll, whose family is set, and its length.
        let ((), address) = unsafe { SockAddr::try_init(fill) }.describe(describe)?;
        self.socket.bind(&address).describe(describe)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for PacketSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Reads the packet type out of the address that came with a frame.
fn packet_type(from: &SockAddr) -> io::Result<PacketType> {
    let wanted = socket_length::<libc::sockaddr_ll>()?;
    // The kernel gives the link-layer address only as long as it is: 18 bytes for Ethernet out of 20.
    let until_address = wanted - 8;
    if libc::c_int::from(from.family()) != libc::AF_PACKET || from.len() < until_address {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the kernel gave no link-layer address with a frame"));
    }
    let address = from.as_ptr().cast::<libc::sockaddr_ll>();
    // SAFETY: the storage behind a SockAddr is always a whole sockaddr_storage, larger than and aligned for sockaddr_ll,
    // initialised to zeros where the kernel wrote nothing.
    let address = unsafe { &*address };
    Ok(PacketType::from(address.sll_pkttype))
}

fn socket_length<T>() -> io::Result<libc::socklen_t> {
    libc::socklen_t::try_from(mem::size_of::<T>()).map_err(io::Error::other)
}

fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
