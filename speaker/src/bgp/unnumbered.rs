//! Routers at the other end of a link, for peers that are an interface instead of an address.
//!
//! ```text
//!   names of interfaces ──► follow(): one task each ──► Link (pure): who is the router? ──► routers by name
//!                                  │  ▲
//!                 RA every 10 s, RS ▼  │ RA, RS        (Router Discovery, RFC 4861 §6, from the link alone)
//!                                router
//! ```
//!
//! A router is known by its Router Advertisements. It has to know us, too: FRR accepts no connection from a link-local
//! address that it has not seen advertised, so we advertise ourselves, as no default router (lifetime 0), which no host
//! minds.

mod link;
mod packet;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use herald_runtime::clock::Monotonic;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::wanted::LinkRouter;
use link::{Link, Say};
use packet::{Packet, advertisement, decode, solicitation};

/// Interfaces that are looked at, at most: each has a socket.
pub const MOST: usize = 64;

/// The pause after an interface could not be used.
const RETRY: Duration = Duration::from_secs(1);

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Looks for the routers on these interfaces, as the names change; ends with the sender of the names. Interfaces beyond
/// [`MOST`] are not looked at.
#[must_use]
pub fn follow(
    mut names: watch::Receiver<BTreeSet<String>>,
    clock: Monotonic,
) -> watch::Receiver<BTreeMap<String, LinkRouter>> {
    let (found, routers) = watch::channel(BTreeMap::new());
    tokio::spawn(async move {
        let mut links = JoinSet::new();
        let mut running: BTreeMap<String, AbortHandle> = BTreeMap::new();
        loop {
            let wanted = names.borrow_and_update().clone();
            running.retain(|name, task| {
                let stays = wanted.contains(name);
                if !stays {
                    task.abort();
                    tell(&found, name, None);
                }
                stays
            });
            for name in wanted {
                if running.contains_key(&name) {
                    continue;
                }
                if running.len() >= MOST {
                    tracing::warn!(interface = name, "more than {MOST} interfaces have BGP peers: this one has none");
                    break;
                }
                running.insert(name.clone(), links.spawn(watch_link(name, found.clone(), clock)));
            }
            while links.try_join_next().is_some() {}
            tokio::select! {
                changed = names.changed() => if changed.is_err() { return },
                () = found.closed() => return,
            }
        }
    });
    routers
}

fn tell(found: &watch::Sender<BTreeMap<String, LinkRouter>>, name: &str, router: Option<LinkRouter>) {
    found.send_if_modified(|routers| match router {
        Some(router) => routers.insert(name.to_owned(), router) != Some(router),
        None => routers.remove(name).is_some(),
    });
}

/// One interface, which may come and go.
async fn watch_link(name: String, found: watch::Sender<BTreeMap<String, LinkRouter>>, clock: Monotonic) {
    let mut last = (0, Link::default());
    let mut complaint = String::new();
    loop {
        let Err(error) = talk(&name, &mut last, &found, clock).await;
        if complaint != error.to_string() {
            complaint = error.to_string();
            tracing::warn!(interface = name, "no routers are found: {complaint}");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Listens and speaks as long as the interface can be used.
async fn talk(
    name: &str,
    (last, link): &mut (u32, Link),
    found: &watch::Sender<BTreeMap<String, LinkRouter>>,
    clock: Monotonic,
) -> io::Result<Infallible> {
    let interface = herald_sys::interface_index(name)?;
    if *last != interface {
        // Another interface of that name, and another link.
        (*last, *link) = (interface, Link::default());
    }
    let socket = UdpSocket::from_std(herald_sys::router_discovery(name, interface)?)?;
    link.begin(clock.now());
    let mut buffer = [0; 1500];
    loop {
        tell(found, name, link.router().map(|address| LinkRouter { address, interface }));
        for say in link.due(clock.now()) {
            say_it(&socket, say, interface).await?;
            // An interface of the same name may have taken its place.
            if herald_sys::interface_index(name)? != interface {
                return Err(io::Error::other(format!("interface {name} is another one now")));
            }
        }
        tokio::select! {
            received = socket.recv_from(&mut buffer) => {
                let (length, from) = received?;
                let packet = decode(buffer.get(..length).unwrap_or_default());
                if let (Some(packet), SocketAddr::V6(from)) = (packet, from) {
                    match packet {
                        Packet::Advertisement => link.advertised(*from.ip(), clock.now()),
                        Packet::Solicitation => link.solicited(clock.now()),
                    }
                }
            }
            () = tokio::time::sleep_until(clock.instant(link.next_deadline())) => {}
        }
    }
}

async fn say_it(socket: &UdpSocket, say: Say, interface: u32) -> io::Result<()> {
    let (message, to) = match say {
        Say::Advertisement => (&advertisement()[..], ALL_NODES),
        Say::Solicitation => (&solicitation()[..], ALL_ROUTERS),
    };
    socket.send_to(message, SocketAddrV6::new(to, 0, 0, interface)).await.map(drop)
}
