//! Peers that connect to us.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::time::Duration;

use herald_bgp::state::State;
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Farewell, ListenerCounters, Peer, Peers, Status};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

use crate::ends::{PATIENCE, hosts, peer};
use crate::router::{ASN, Router};

/// Time for what is not to happen.
const WHILE: Duration = Duration::from_millis(700);

/// Somebody at `address` who connects to us.
fn guest(name: &str, address: &str) -> Peer {
    let address: IpAddr = address.parse().expect("an address");
    let mut peer = peer(64_512, ASN, SocketAddr::new(address, 179), true);
    peer.name = name.to_owned();
    peer.addresses.ipv4 = Some([192, 0, 2, 1].into());
    peer
}

/// A speaker that listens on all addresses, and the port.
async fn listening(guests: &[Peer]) -> (Peers, u16) {
    let mut peers = Peers::new(Monotonic::start());
    let address = peers.listen("[::]:0".parse().expect("an address")).expect("a port");
    follow(&mut peers, guests).await;
    (peers, address.port())
}

async fn follow(peers: &mut Peers, list: &[Peer]) {
    let wanted: BTreeMap<_, _> = list.iter().map(|peer| (peer.name.clone(), peer.clone())).collect();
    assert_eq!(peers.follow(&wanted, |_| hosts(0..3)).await, BTreeMap::new());
}

fn status(peers: &Peers, name: &str) -> Status {
    peers.statuses().find_map(|(known, status)| (known == name).then_some(status)).expect("a session")
}

async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

async fn up(peers: &Peers, name: &str) {
    let up = || {
        let status = status(peers, name);
        status.state == State::Established && status.sent[0] == 3
    };
    eventually(&format!("{name} is up"), up).await;
}

async fn counted(peers: &Peers, expected: ListenerCounters) {
    eventually(&format!("{expected:?}"), || peers.listener_counters() == Some(expected)).await;
}

/// Connects as somebody with this key, at this distance.
async fn connect(to: SocketAddr, key: Option<&[u8]>, ttl: u32) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if to.is_ipv4() {
        socket.set_ttl_v4(ttl)?
    } else {
        socket.set_unicast_hops_v6(ttl)?
    }
    if let Some(key) = key {
        herald_sys::tcp::sign(socket.as_fd(), to, key)?;
    }
    let connecting = TcpSocket::from_std_stream(socket.into()).connect(to);
    tokio::time::timeout(WHILE, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn knock(to: SocketAddr, key: Option<&[u8]>) -> io::Result<Router> {
    Ok(Router::over(connect(to, key, 255).await?))
}

/// Knocks until the listening socket has the key, and the session has ended the one before.
async fn enter(peers: &Peers, to: SocketAddr, key: Option<&[u8]>) -> Router {
    for _ in 0..40 {
        let Ok(mut router) = knock(to, key).await else { continue };
        if router.hear().await.is_some() {
            router.greet(&[]).await;
            up(peers, "router").await;
            return router;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody opens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_expected_gets_in_and_nobody_else() {
    let (mut peers, port) = listening(&[guest("v4", "127.0.0.1"), guest("v6", "::1")]).await;
    let mut connections = Vec::new();
    for (name, address) in [("v4", "127.0.0.1"), ("v6", "::1")] {
        let to = SocketAddr::new(address.parse().expect("an address"), port);
        let mut router = knock(to, None).await.expect("connects");
        router.greet(&[]).await;
        up(&peers, name).await;
        assert_eq!(status(&peers, name).local, Some(to.ip()));
        connections.push(router);
    }
    counted(&peers, ListenerCounters { accepted: 2, ..ListenerCounters::default() }).await;

    // One has to go, and does not come back.
    follow(&mut peers, &[guest("v6", "::1")]).await;
    assert!(connections.remove(0).last_words().await.is_some());
    let mut stranger =
        knock(SocketAddr::new("127.0.0.1".parse().expect("an address"), port), None).await.expect("connects");
    assert!(stranger.hear().await.is_none(), "closed without a word");
    counted(&peers, ListenerCounters { accepted: 2, strangers: 1, ..ListenerCounters::default() }).await;
    assert!(connections.remove(0).stays(Duration::from_millis(50)).await);

    // At the end nobody is let in any more.
    peers.farewell(Farewell::Stop).await;
    eventually("the port is free", || std::net::TcpListener::bind(("::", port)).is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_key_is_heard_with_it_only() {
    for address in ["127.0.0.1", "::1"] {
        let with = |key: Option<&[u8]>| {
            let mut guest = guest("router", address);
            guest.transport.key = key.map(<[u8]>::to_vec);
            guest
        };
        let (mut peers, port) = listening(&[with(Some(b"old"))]).await;
        let to = SocketAddr::new(address.parse().expect("an address"), port);
        for key in [&b"old"[..], b"new"] {
            follow(&mut peers, &[with(Some(key))]).await;
            let _router = enter(&peers, to, Some(key)).await;
            for wrong in [None, Some(&b"wrong"[..])] {
                let error = knock(to, wrong).await.err().expect("no connection");
                assert_eq!(error.kind(), io::ErrorKind::TimedOut, "silence");
            }
        }
        follow(&mut peers, &[with(None)]).await;
        let _router = enter(&peers, to, None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_both_connect_end_up_with_one_session() {
    for turn in 0_u8..10 {
        let mut ends = Vec::new();
        let hosts_of = ["127.0.7.1", "127.0.7.2"].map(|host| host.parse::<IpAddr>().expect("an address"));
        for host in hosts_of {
            let mut peers = Peers::new(Monotonic::start());
            let address = peers.listen(SocketAddr::new(host, 0)).expect("a port");
            ends.push((peers, address));
        }
        let addresses = [ends[0].1, ends[1].1];
        for (own, (peers, address)) in ends.iter_mut().enumerate() {
            let numbers = [64_512, 64_513];
            let mut to = peer(numbers[own], numbers[1 - own], addresses[1 - own], false);
            to.config.seed = u64::from(turn) * 2 + own as u64;
            to.transport.source = Some(address.ip());
            to.name = "other".to_owned();
            follow(peers, &[to]).await;
        }
        for (peers, _) in &ends {
            up(peers, "other").await;
        }
        // Both mean the same connection: it lasts, and carries routes both ways.
        let settled = || {
            ends.iter().all(|(peers, _)| {
                let status = status(peers, "other");
                status.state == State::Established && status.received == Some(3)
            })
        };
        eventually("both have the routes of the other", settled).await;
        let lost: u64 = ends.iter().map(|(peers, _)| status(peers, "other").counters.lost).sum();
        assert!(lost <= 1, "turn {turn}: lost {lost} times");
        for (peers, _) in ends {
            peers.farewell(Farewell::Stop).await;
        }
    }
}
