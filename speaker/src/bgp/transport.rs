//! TCP as BGP wants it.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd as _;
use std::time::Duration;

use herald_sys::tcp;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpSocket, TcpStream};

/// Time to live of what we send, whatever the distance: who checks it (GTSM, RFC 5082) wants the highest.
const TIME_TO_LIVE: u32 = 255;

/// Traffic class of routing protocols: CS6 (RFC 4594 §3.1).
const CS6: u32 = 0xc0;

/// How long an idle connection waits before the kernel asks whether the peer still has it, and between two such questions.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How a peer is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Transport {
    /// Address and port of the peer.
    pub remote: SocketAddr,
    /// Own address to connect from.
    pub source: Option<IpAddr>,
    /// Interface to connect through: a VRF, or the link of an unnumbered peer.
    pub device: Option<String>,
    /// Key of TCP MD5 (RFC 2385).
    pub key: Option<Vec<u8>>,
    /// Lowest hop count that is accepted (GTSM); `None`: any.
    pub minimum_hop_count: Option<u8>,
    /// How long the peer may leave data unacknowledged; `None`: as long as the kernel likes.
    pub user_timeout: Option<Duration>,
}

/// Without the key.
impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { remote, source, device, key, minimum_hop_count, user_timeout } = self;
        f.debug_struct("Transport")
            .field("remote", remote)
            .field("source", source)
            .field("device", device)
            .field("key", &key.as_ref().map(|_| "…"))
            .field("minimum_hop_count", minimum_hop_count)
            .field("user_timeout", user_timeout)
            .finish()
    }
}

impl Transport {
    /// Connects. Takes as long as the kernel likes: the caller gives up.
    ///
    /// # Errors
    /// What can't be set up or reached, in words.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let socket = self.socket()?;
        TcpSocket::from_std_stream(socket.into()).connect(self.remote).await
    }

    /// Makes a connection that the peer has made like one of our own. The socket that it was accepted by must keep the first
    /// segments (`herald_sys::tcp::keep_syn`).
    ///
    /// # Errors
    /// What can't be set, or that the peer is too far away: the connection is not to be used.
    pub fn adopt(&self, stream: &TcpStream) -> io::Result<()> {
        let peer = stream.peer_addr()?;
        if let Some(minimum) = self.minimum_hop_count {
            // What has arrived by now was not checked, but it comes from whoever has sent the first segment.
            let arrived = tcp::syn_hop_count(stream.as_fd())?;
            if arrived.is_none_or(|count| count < minimum) {
                let count = arrived.map_or("unknown".to_owned(), |count| count.to_string());
                let words = format!("it comes from too far away: its hop count is {count}, and {minimum} is required");
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
            }
        }
        self.prepare(SockRef::from(stream), peer.ip().to_canonical().is_ipv6())?;
        if let Some(key) = &self.key {
            // It may have been accepted before the listening socket had the key.
            tcp::sign(stream.as_fd(), peer, key)?;
        }
        Ok(())
    }

    /// What does not depend on who has connected.
    fn prepare(&self, socket: SockRef<'_>, v6: bool) -> io::Result<()> {
        socket.set_tcp_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        socket.set_tcp_keepalive(&keepalive)?;
        if self.user_timeout.is_some() {
            socket.set_tcp_user_timeout(self.user_timeout)?;
        }
        if let Some(minimum) = self.minimum_hop_count {
            tcp::require_hop_count(socket.as_fd(), v6, minimum)?;
        }
        mark(socket, v6)
    }

    fn socket(&self) -> io::Result<Socket> {
        let v6 = self.remote.is_ipv6();
        let socket = Socket::new(Domain::for_address(self.remote), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        self.prepare(SockRef::from(&socket), v6)?;
        if let Some(device) = &self.device {
            let bound = socket.bind_device(Some(device.as_bytes()));
            bound.map_err(|error| explain(&error, &format!("cannot use interface {device}")))?;
        }
        if let Some(key) = &self.key {
            tcp::sign(socket.as_fd(), self.remote, key)?;
        }
        if let Some(source) = self.source {
            let bound = socket.bind(&from(source, self.remote).into());
            bound.map_err(|error| explain(&error, &format!("cannot connect from sourceAddress {source}")))?;
        }
        Ok(socket)
    }
}

/// Packets of this family leave with the highest time to live and as those of a routing protocol.
pub(super) fn mark(socket: SockRef<'_>, v6: bool) -> io::Result<()> {
    if v6 {
        socket.set_unicast_hops_v6(TIME_TO_LIVE)?;
        socket.set_tclass_v6(CS6)
    } else {
        socket.set_ttl_v4(TIME_TO_LIVE)?;
        socket.set_tos_v4(CS6)
    }
}

/// The source address, on the link of the peer if it is link-local.
fn from(source: IpAddr, remote: SocketAddr) -> SocketAddr {
    match (source, remote) {
        (IpAddr::V6(source), SocketAddr::V6(remote)) if source.is_unicast_link_local() => {
            SocketAddrV6::new(source, 0, 0, remote.scope_id()).into()
        }
        _ => SocketAddr::new(source, 0),
    }
}

fn explain(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Which end of a connection is which address, IPv4 in IPv6 unpacked.
pub(super) fn plain(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}
