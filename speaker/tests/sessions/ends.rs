//! Two sessions of ours with each other.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use herald_bgp::packet::Notification;
use herald_bgp::state::{PeerConfig, RemoteAs, State};
use herald_bgp::{Asn, Attributes, Family, HoldTime, Prefix, RouterId};
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Command, Handle, NodeAddresses, Peer, Routes, Status, Transport, start};
use tokio::net::TcpListener;

/// How long anything may take that should take milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

fn asn(number: u32) -> Asn {
    Asn::new(number).expect("not 0")
}

/// What a session of AS `own` with AS `other` at `remote` is like.
pub(crate) fn peer(own: u32, other: u32, remote: SocketAddr, passive: bool) -> Peer {
    let last = u8::try_from(own % 250).expect("small");
    let config = PeerConfig {
        local_asn: asn(own),
        shown_asn: None,
        remote: RemoteAs::Exactly(asn(other)),
        router_id: RouterId::new(Ipv4Addr::new(192, 0, 2, last + 1)).expect("not 0"),
        hold_time: HoldTime::DEFAULT,
        keepalive: None,
        connect_retry: Duration::from_secs(1),
        families: Family::ALL.into_iter().collect(),
        extended_next_hop: true,
        graceful_restart: None,
        passive,
        delay_open: None,
        host_name: Some("node".to_owned()),
        seed: own.into(),
    };
    let transport =
        Transport { remote, source: None, device: None, key: None, minimum_hop_count: None, user_timeout: None };
    let addresses = NodeAddresses { ipv4: None, ipv6: Some("2001:db8::1".parse().expect("an address")), egress: None };
    Peer { name: format!("to-{other}"), config, transport, addresses }
}

pub(crate) fn hosts(numbers: std::ops::Range<u32>) -> Routes {
    let attributes = Arc::new(Attributes::default());
    let host = |number: u32| Prefix::host(IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number)));
    numbers.map(|number| (host(number), Some(Arc::clone(&attributes)))).collect()
}

pub(crate) async fn until(handle: &mut Handle, what: &str, is: impl FnMut(&Status) -> bool) -> Status {
    let waited = tokio::time::timeout(PATIENCE, handle.status.wait_for(is)).await;
    let status = waited.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
    status.expect("the session runs").clone()
}

/// Hands what connects to `listener` to the session.
pub(crate) fn accept(listener: TcpListener, handle: &Handle) {
    let commands = handle.commands.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if commands.send(Command::Accepted(stream)).await.is_err() {
                return;
            }
        }
    });
}

/// An announcing session and one that receives.
async fn pair(own: u32, other: u32, routes: Routes) -> (Handle, Handle) {
    let clock = Monotonic::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let receiver =
        start(peer(other, own, "127.0.0.1:1".parse().expect("an address"), true), Vec::new(), clock).expect("starts");
    accept(listener, &receiver);
    let announcer = start(peer(own, other, address, false), routes, clock).expect("starts");
    (announcer, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_arrive_and_go() {
    let (mut announcer, mut receiver) = pair(64_512, 64_513, hosts(0..5_000)).await;
    let status = until(&mut receiver, "5,000 routes", |status| status.received == Some(5_000)).await;
    assert!(status.negotiated.expect("up").external);
    let status = until(&mut announcer, "all sent", |status| status.sent[0] == 5_000).await;
    assert!(status.updates_sent < 20, "routes share messages: {status:?}");
    let gone = hosts(0..4_990).into_iter().map(|(prefix, _)| (prefix, None)).collect();
    announcer.commands.send(Command::Routes(gone)).await.expect("runs");
    until(&mut receiver, "10 left", |status| status.received == Some(10)).await;
    announcer
        .commands
        .send(Command::End(Some(Notification::administrative_shutdown(Some("bye")))))
        .await
        .expect("runs");
    let status = until(&mut receiver, "it ends", |status| status.state != State::Established).await;
    let error = status.last_error.expect("why");
    assert!(error.contains("peer says") && error.contains("bye"), "{error}");
    tokio::time::timeout(PATIENCE, announcer.task).await.expect("the task ends").expect("well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_as_is_told_in_words() {
    let (mut announcer, mut receiver) = pair(64_512, 64_513, Vec::new()).await;
    until(&mut receiver, "up", |status| status.state == State::Established).await;
    announcer.commands.send(Command::End(None)).await.expect("runs");
    until(&mut receiver, "down", |status| status.state != State::Established).await;

    let clock = Monotonic::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    receiver = start(peer(64_513, 64_999, address, true), Vec::new(), clock).expect("starts");
    accept(listener, &receiver);
    announcer = start(peer(64_512, 64_513, address, false), Vec::new(), clock).expect("starts");
    let status = until(&mut announcer, "refused", |status| status.last_error.is_some()).await;
    let error = status.last_error.expect("why");
    assert!(error.contains("peer says") && error.contains("bad peer AS"), "{error}");
    assert_ne!(status.state, State::Established);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_next_hop_a_family_is_not_announced_and_says_so() {
    let clock = Monotonic::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut receiver = start(peer(64_513, 64_512, address, true), Vec::new(), clock).expect("starts");
    accept(listener, &receiver);
    let mut poor = peer(64_512, 64_513, address, false);
    poor.addresses = NodeAddresses::default();
    let v6 = Prefix::host("2001:db8::77".parse().expect("an address"));
    let mut routes = hosts(0..3);
    routes.push((v6, Some(Arc::new(Attributes::default()))));
    let mut announcer = start(poor, routes, clock).expect("starts");
    let status = until(&mut announcer, "IPv4 is sent", |status| status.sent[0] == 3).await;
    assert_eq!(status.without_next_hop, BTreeSet::from([Family::Ipv6]));
    assert_eq!((status.sent[1], status.desired), (0, 4));
    until(&mut receiver, "three", |status| status.received == Some(3)).await;
}
