//! AF_PACKET sockets without unsafe code.
//!
//! Binding a packet socket needs a `sockaddr_ll`, which no safe constructor
//! makes. The kernel hands one out for each interface (`getifaddrs`), with
//! protocol 0, and binding to *that* keeps the protocol the socket was opened
//! with (packet(7)).

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{LinkAddr, bind, recvfrom, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// A received frame's place.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Bytes in the buffer.
    pub len: usize,
    /// The interface it passed, by index.
    pub interface: usize,
    /// Whether this machine was sending it.
    pub outgoing: bool,
}

/// What a socket on one interface receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receives {
    /// ARP frames.
    Arp,
    /// Neighbour solicitations and advertisements.
    Ndp,
}

/// A raw socket for ARP and neighbour discovery frames.
#[derive(Debug)]
pub struct NeighborSocket(Socket);

impl NeighborSocket {
    /// Opens a socket that receives the frames of one protocol that reach the
    /// interface, and sends frames from it. Runs in the calling thread's
    /// namespace.
    ///
    /// # Errors
    /// When there is no such interface, or without CAP_NET_RAW.
    pub fn on_interface(name: &str, receives: Receives) -> Result<Self> {
        let socket = open(match receives {
            Receives::Arp => libc::ETH_P_ARP,
            Receives::Ndp => libc::ETH_P_IPV6,
        })?;
        socket.attach_filter(&neighbor_only()).context("attach a socket filter")?;
        let address = nix::ifaddrs::getifaddrs()
            .context("list interfaces")?
            .filter(|interface| interface.interface_name == name)
            .find_map(|interface| interface.address?.as_link_addr().copied())
            .with_context(|| format!("no interface {name}"))?;
        bind(socket.as_raw_fd(), &address).with_context(|| format!("bind to {name}"))?;
        Ok(Self(socket))
    }

    /// Opens a socket that sees the frames of both protocols that enter *and
    /// leave* every interface of the calling thread's namespace.
    ///
    /// # Errors
    /// Without CAP_NET_RAW.
    pub fn on_everything() -> Result<Self> {
        // Only ETH_P_ALL sees frames on a bridge's ports, and outgoing ones.
        let socket = open(libc::ETH_P_ALL)?;
        socket.attach_filter(&neighbor_only()).context("attach a socket filter")?;
        socket.set_recv_buffer_size(4 << 20).context("size a receive buffer")?;
        Ok(Self(socket))
    }

    /// Sends one frame from the interface the socket is bound to.
    ///
    /// # Errors
    /// When the kernel refuses, for example because the interface is down.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.0.send(frame).map(drop)
    }

    /// Waits up to `timeout` milliseconds for a frame.
    ///
    /// # Errors
    /// When the kernel refuses; a timeout is `None`.
    pub fn receive(&self, buffer: &mut [u8], timeout: u16) -> io::Result<Option<Arrival>> {
        let mut poll_fd = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut poll_fd, PollTimeout::from(timeout)) {
            Ok(0) | Err(nix::Error::EINTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match recvfrom::<LinkAddr>(self.0.as_raw_fd(), buffer) {
            Ok((len, from)) => Ok(Some(Arrival {
                len,
                interface: from.map_or(0, |from| from.ifindex()),
                outgoing: from.is_some_and(|from| from.pkttype() == libc::PACKET_OUTGOING),
            })),
            Err(error) => {
                let error = io::Error::from(error);
                let nothing = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
                if nothing || error.raw_os_error() == Some(libc::ENETDOWN) {
                    // ENETDOWN is reported once when the carrier goes.
                    return Ok(None);
                }
                Err(error)
            }
        }
    }
}

/// A raw socket for the TCP segments from and to one port that pass `eth0`, in both directions.
#[derive(Debug)]
pub struct PortSocket {
    socket: NeighborSocket,
    interface: usize,
}

impl PortSocket {
    /// Opens it in the calling thread's namespace.
    ///
    /// # Errors
    /// When there is no `eth0`, or without CAP_NET_RAW.
    pub fn open(port: u16) -> Result<Self> {
        let socket = open(libc::ETH_P_ALL)?;
        socket.attach_filter(&port_only(port)).context("attach a socket filter")?;
        // A table of 100,000 prefixes comes in a burst.
        setsockopt(&socket, sockopt::RcvBufForce, &(64 << 20)).context("size a receive buffer")?;
        let interface = nix::net::if_::if_nametoindex("eth0").context("find eth0")?;
        Ok(Self { socket: NeighborSocket(socket), interface: usize::try_from(interface)? })
    }

    /// Waits up to `timeout` milliseconds for a frame, and returns its length.
    ///
    /// # Errors
    /// When the kernel refuses; a timeout is `None`.
    pub fn receive(&self, buffer: &mut [u8], timeout: u16) -> io::Result<Option<usize>> {
        let arrival = self.socket.receive(buffer, timeout)?;
        Ok(arrival.filter(|arrival| arrival.interface == self.interface).map(|arrival| arrival.len))
    }
}

fn open(protocol: libc::c_int) -> Result<Socket> {
    let protocol = u16::try_from(protocol).context("an Ethernet type has 16 bits")?.to_be();
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(protocol))))
        .context("open a packet socket (needs CAP_NET_RAW)")?;
    socket.set_nonblocking(true).context("make a socket non-blocking")?;
    Ok(socket)
}

/// Classic BPF: accept TCP segments from or to a port, over IPv4 and over IPv6 without extension headers. (What is neither
/// and looks like IPv4 is for the reader to tell.)
fn port_only(port: u16) -> [SockFilter; 17] {
    let port = u32::from(port);
    [
        SockFilter::new(0x28, 0, 0, 12),       // load the half-word at 12, the Ethernet type
        SockFilter::new(0x15, 0, 6, 0x86dd),   // IPv6? else take it for IPv4
        SockFilter::new(0x30, 0, 0, 20),       // load the byte at 20, the next header
        SockFilter::new(0x15, 0, 12, 6),       // TCP? else drop
        SockFilter::new(0x28, 0, 0, 54),       // load the source port
        SockFilter::new(0x15, 9, 0, port),     // accept
        SockFilter::new(0x28, 0, 0, 56),       // load the destination port
        SockFilter::new(0x15, 7, 8, port),     // accept, or drop
        SockFilter::new(0x30, 0, 0, 23),       // load the byte at 23, the protocol
        SockFilter::new(0x15, 0, 6, 6),        // TCP? else drop
        SockFilter::new(0xb1, 0, 0, 14), // load into X four times the low half of the byte at 14, the header's length
        SockFilter::new(0x48, 0, 0, 14), // load the half-word at X + 14, the source port
        SockFilter::new(0x15, 2, 0, port), // accept
        SockFilter::new(0x48, 0, 0, 16), // load the half-word at X + 16, the destination port
        SockFilter::new(0x15, 0, 1, port), // accept, or drop
        SockFilter::new(0x06, 0, 0, 0x4_0000), // accept
        SockFilter::new(0x06, 0, 0, 0),  // drop
    ]
}

/// Classic BPF: accept Ethernet type ARP, and neighbour solicitations and advertisements; drop the rest.
fn neighbor_only() -> [SockFilter; 10] {
    [
        SockFilter::new(0x28, 0, 0, 12),     // load the half-word at 12, the Ethernet type
        SockFilter::new(0x15, 6, 0, 0x0806), // ARP? accept
        SockFilter::new(0x15, 0, 6, 0x86dd), // IPv6? else drop
        SockFilter::new(0x30, 0, 0, 20),     // load the byte at 20, the next header
        SockFilter::new(0x15, 0, 4, 58),     // ICMPv6? else drop
        SockFilter::new(0x30, 0, 0, 54),     // load the byte at 54, its type
        SockFilter::new(0x15, 1, 0, 135),    // solicitation? accept
        SockFilter::new(0x15, 0, 1, 136),    // advertisement? else drop
        SockFilter::new(0x06, 0, 0, 0xffff), // accept
        SockFilter::new(0x06, 0, 0, 0),      // drop
    ]
}
