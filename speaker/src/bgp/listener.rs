//! Connections that peers make: one listening socket for all sessions. Off unless asked for, so that port 179 stays free.
//!
//! ```text
//!   SYN ─► kernel: is it signed as it must be? ─► accept ─► whose is it? ─► Transport::adopt ─► its session
//!                                                              └► nobody's: closed and counted
//! ```
//!
//! Nobody who connects is waited for: a connection that its session has no room for is closed.

mod keys;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use herald_sys::tcp;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::session::Command;
use super::transport::{self, Transport, plain};
use keys::Keys;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;
/// The pause after an error of the socket: what there is too little of may come back.
const PAUSE: Duration = Duration::from_millis(100);

/// Somebody who may connect.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// The session that it is a guest of.
    pub(super) commands: mpsc::Sender<Command>,
    /// What its connections are to be like.
    pub(super) transport: Transport,
}

/// Where connections of peers arrive. Ends when dropped.
#[derive(Debug)]
pub(super) struct Listener {
    local: SocketAddr,
    guests: watch::Sender<Vec<Guest>>,
    counts: Arc<Counts>,
    task: AbortHandle,
}

/// What became of connections so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerCounters {
    /// Handed to a session.
    pub accepted: u64,
    /// Of nobody that there is a session with.
    pub strangers: u64,
    /// Of a peer, but its session was too busy, or the connection could not be made what it is to be.
    pub refused: u64,
    /// Times that none could be accepted, as without file descriptors.
    pub errors: u64,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    strangers: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
}

impl Listener {
    /// Listens on `address`; on `[::]`, for IPv4 as well.
    ///
    /// # Errors
    /// What the kernel says, as when somebody else has the port.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = match listen(address) {
            // A kernel without IPv6.
            Err(error) if address.ip() == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED) && no_family(&error) => {
                listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()))
            }
            other => other,
        };
        let socket =
            socket.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        let socket = TcpListener::from_std(socket.into())?;
        let local = socket.local_addr()?;
        let (guests, admitted) = watch::channel(Vec::new());
        let counts = Arc::new(Counts::default());
        let task = tokio::spawn(run(socket, local.is_ipv6(), admitted, Arc::clone(&counts))).abort_handle();
        Ok(Self { local, guests, counts, task })
    }

    /// Where.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// These may connect now.
    pub(super) fn admit(&self, guests: Vec<Guest>) {
        self.guests.send_replace(guests);
    }

    pub(super) fn counters(&self) -> ListenerCounters {
        let Counts { accepted, strangers, refused, errors } = &*self.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ListenerCounters {
            accepted: read(accepted),
            strangers: read(strangers),
            refused: read(refused),
            errors: read(errors),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn listen(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
        // Also for the answer to a SYN: a peer that checks it wants the highest.
        transport::mark(SockRef::from(&socket), true)?;
    }
    transport::mark(SockRef::from(&socket), false)?;
    tcp::keep_syn(socket.as_fd())?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn no_family(error: &io::Error) -> bool {
    /// `EAFNOSUPPORT`, and `EADDRNOTAVAIL` with IPv6 disabled.
    const NONE: [i32; 2] = [97, 99];
    error.raw_os_error().is_some_and(|code| NONE.contains(&code))
}

async fn run(socket: TcpListener, ipv6: bool, mut guests: watch::Receiver<Vec<Guest>>, counts: Arc<Counts>) {
    let mut keys = Keys::new(ipv6);
    let mut admitted: Vec<Guest> = Vec::new();
    loop {
        let accepted = tokio::select! {
            biased; // who has a key now is not to be accepted without
            changed = guests.changed() => match changed {
                Ok(()) => {
                    admitted = guests.borrow_and_update().clone();
                    keys.follow(&socket, &admitted);
                    continue;
                }
                Err(_) => return,
            },
            accepted = socket.accept() => accepted,
        };
        let count = match accepted {
            Ok((stream, remote)) => hand_over(stream, remote, &admitted, &keys, &counts),
            Err(error) => {
                tracing::debug!("cannot accept a BGP connection: {error}");
                tokio::time::sleep(PAUSE).await;
                &counts.errors
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Hands a connection to its session. What has become of it.
fn hand_over<'a>(
    stream: TcpStream,
    remote: SocketAddr,
    guests: &[Guest],
    keys: &Keys,
    counts: &'a Counts,
) -> &'a AtomicU64 {
    let Some(guest) = whose(&stream, remote, guests) else {
        tracing::debug!(%remote, "a BGP connection of nobody that there is a session with");
        return &counts.strangers;
    };
    let remote = plain(remote);
    if keys.failed(remote) {
        return &counts.refused;
    }
    if let Err(error) = guest.transport.adopt(&stream) {
        tracing::warn!(%remote, "a BGP connection is refused: {error}");
        return &counts.refused;
    }
    match guest.commands.try_send(Command::Accepted(stream)) {
        Ok(()) => &counts.accepted,
        Err(_) => &counts.refused,
    }
}

/// The guest whose connection this is: from its address, on its link or in its VRF, and to the address that we would have
/// connected from.
fn whose<'a>(stream: &TcpStream, remote: SocketAddr, guests: &'a [Guest]) -> Option<&'a Guest> {
    let local = stream.local_addr().ok().map(plain)?;
    let device = SockRef::from(stream).device().ok()?;
    guests.iter().find(|Guest { transport, .. }| {
        transport.remote.ip() == plain(remote)
            && transport.device.as_deref().map(str::as_bytes) == device.as_deref()
            && transport.source.is_none_or(|source| source == local)
    })
}
