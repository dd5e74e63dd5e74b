//! Sessions of a node, as its configuration changes and as the speaker ends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;

use herald_bgp::packet::{Capability, GracefulRestart};
use herald_bgp::state::{GracefulRestartConfig, State};
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Farewell, Peer, Peers, Status};
use tokio::net::TcpListener;

use crate::ends::{PATIENCE, hosts, peer};
use crate::router::{ASN, Router};

/// Cease, and its subcodes (RFC 4486).
const CEASE: u8 = 6;
const SHUTDOWN: u8 = 2;
const DECONFIGURED: u8 = 3;
const RESET: u8 = 4;
const OTHER_CHANGE: u8 = 6;

async fn listen(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn named(name: &str, router: SocketAddr) -> Peer {
    let mut peer = peer(64_512, ASN, router, false);
    peer.name = name.to_owned();
    peer
}

fn wanted(peers: &[Peer]) -> BTreeMap<String, Peer> {
    peers.iter().map(|peer| (peer.name.clone(), peer.clone())).collect()
}

async fn follow(peers: &mut Peers, list: &[Peer]) {
    let failed = peers.follow(&wanted(list), |_| hosts(0..3)).await;
    assert_eq!(failed, BTreeMap::new());
}

fn status(peers: &Peers, name: &str) -> Status {
    let mut all = peers.statuses();
    all.find_map(|(known, status)| (known == name).then_some(status)).expect("a session")
}

async fn until(peers: &Peers, name: &str, what: &str, is: impl Fn(&Status) -> bool) -> Status {
    let wait = async {
        loop {
            let status = status(peers, name);
            if is(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, wait).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}: {:?}", status(peers, name)))
}

fn up(status: &Status) -> bool {
    status.state == State::Established && status.sent[0] == 3
}

fn restart(restarted: bool) -> Option<GracefulRestartConfig> {
    Some(GracefulRestartConfig { restart_time: Duration::from_secs(30), restarted })
}

/// What a router says that keeps our routes while we restart.
fn helper(notification: bool) -> Capability {
    let families = vec![];
    Capability::GracefulRestart(GracefulRestart { restarting: false, notification, restart_time: 120, families })
}

/// R and F of an OPEN.
async fn flags(router: &mut Router) -> Option<(bool, bool)> {
    router.open().await.capabilities.iter().find_map(|capability| match capability {
        Capability::GracefulRestart(restart) => {
            Some((restart.restarting, restart.families.iter().all(|(.., forwarding)| *forwarding)))
        }
        _ => None,
    })
}

#[test]
fn the_farewell_is_said_before_the_speaker_ends() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (listener, address) = other.block_on(listen("127.0.0.1:0"));
    let mut peers = runtime.block_on(async { Peers::new(Monotonic::start()) });
    let list = [named("router", address)];
    runtime.block_on(async { peers.follow(&wanted(&list), |_| hosts(0..300_000)).await });
    let mut router = other.block_on(Router::establish(&listener, &[]));
    // More is on its way than the kernel takes.
    let busy = |status: &Status| status.state == State::Established && status.sent[0] > 0;
    runtime.block_on(until(&peers, "router", "up", busy));
    // The router has other things to do first.
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        other.block_on(router.last_words())
    });
    runtime.block_on(peers.farewell(Farewell::Stop));
    drop(runtime); // as at the end of the program
    let words = reader.join().expect("the router lives").expect("a NOTIFICATION at the end");
    assert_eq!((words.code, words.subcode), (CEASE, SHUTDOWN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_told_to_those_who_would_not_keep_the_routes() {
    let (listener, address) = listen("127.0.0.1:0").await;
    for (keeps, expected) in [(false, Some((CEASE, RESET))), (true, None)] {
        let mut peers = Peers::new(Monotonic::start());
        let mut router_peer = named("router", address);
        router_peer.config.graceful_restart = restart(false);
        follow(&mut peers, &[router_peer]).await;
        let more = if keeps { vec![helper(true)] } else { Vec::new() };
        let mut router = Router::establish(&listener, &more).await;
        until(&peers, "router", "up", up).await;
        peers.farewell(Farewell::Restart).await;
        let words = router.last_words().await.map(|words| (words.code, words.subcode));
        assert_eq!(words, expected, "keeps: {keeps}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_session_waits_until_the_router_has_let_go_of_the_old_one() {
    let (listener, address) = listen("127.0.0.1:0").await;
    let mut peers = Peers::new(Monotonic::start());
    follow(&mut peers, &[named("router", address)]).await;
    let mut first = Router::establish(&listener, &[]).await;
    until(&peers, "router", "up", up).await;

    // Changed.
    let mut changed = named("router", address);
    changed.config.connect_retry = Duration::from_secs(7);
    follow(&mut peers, &[changed]).await;
    let early = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
    assert!(early.is_err(), "two sessions with one router: it would refuse the second");
    let words = first.last_words().await.expect("a NOTIFICATION");
    assert_eq!((words.code, words.subcode), (CEASE, OTHER_CHANGE));
    drop(first);
    let mut second = Router::establish(&listener, &[]).await;
    until(&peers, "router", "up again", up).await;

    // Another name for the same router.
    follow(&mut peers, &[named("renamed", address)]).await;
    let early = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
    assert!(early.is_err(), "two sessions with one router: it would refuse the second");
    let words = second.last_words().await.expect("a NOTIFICATION");
    assert_eq!((words.code, words.subcode), (CEASE, DECONFIGURED));
    drop(second);
    let _third = Router::establish(&listener, &[]).await;
    until(&peers, "renamed", "up once more", up).await;

    // And a router that never lets go holds up nobody for long.
    let mut changed = named("renamed", address);
    changed.config.connect_retry = Duration::from_secs(7);
    follow(&mut peers, &[changed]).await;
    let _fourth = Router::establish(&listener, &[]).await;
    until(&peers, "renamed", "up after all", up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_keeps_the_routes_loses_none_by_a_change() {
    let (listener, address) = listen("127.0.0.1:0").await;
    let mut peers = Peers::new(Monotonic::start());
    let mut one = named("router", address);
    one.config.graceful_restart = restart(false);
    follow(&mut peers, &[one.clone()]).await;
    let mut router = Router::establish(&listener, &[helper(true)]).await;
    assert_eq!(flags(&mut router).await, Some((false, false)), "the node may have been down");
    until(&peers, "router", "up", up).await;

    one.config.connect_retry = Duration::from_secs(7);
    follow(&mut peers, &[one.clone()]).await;
    assert_eq!(router.last_words().await, None, "a NOTIFICATION would cost the routes");
    drop(router);
    let mut router = Router::establish(&listener, &[helper(true)]).await;
    assert_eq!(flags(&mut router).await, Some((true, true)));
    until(&peers, "router", "up", up).await;

    // But not as somebody else: nobody would come back for those routes.
    one.config.local_asn = herald_bgp::Asn::new(64_600).expect("not 0");
    follow(&mut peers, &[one.clone()]).await;
    let words = router.last_words().await.expect("a NOTIFICATION");
    assert_eq!(words.code, CEASE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_established_has_not_restarted() {
    let (listener, address) = listen("127.0.0.1:0").await;
    let mut peers = Peers::new(Monotonic::start());
    let mut one = named("router", address);
    one.config.graceful_restart = restart(false);
    follow(&mut peers, &[one.clone()]).await;
    let mut router = Router::accept(&listener).await;
    assert_eq!(flags(&mut router).await, Some((false, false)));
    one.config.connect_retry = Duration::from_secs(7);
    follow(&mut peers, &[one]).await;
    drop(router);
    let mut router = Router::accept(&listener).await;
    assert_eq!(
        flags(&mut router).await,
        Some((false, false)),
        "the node may have been down, and still nobody knows us"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_concerns_one_router() {
    let (first, first_address) = listen("127.0.0.2:0").await;
    let (second, second_address) = listen("127.0.0.3:0").await;
    let from: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let sign = |listener: &TcpListener, key: &[u8]| herald_sys::tcp::sign(listener.as_fd(), from, key).expect("signed");
    let with = |name: &str, address, key: &str| {
        let mut peer = named(name, address);
        peer.transport.source = Some(from.ip());
        peer.transport.key = Some(key.as_bytes().to_vec());
        peer
    };
    sign(&first, b"old");
    sign(&second, b"old");
    let mut peers = Peers::new(Monotonic::start());
    follow(&mut peers, &[with("first", first_address, "old"), with("second", second_address, "old")]).await;
    let mut router = Router::establish(&first, &[]).await;
    let mut bystander = Router::establish(&second, &[]).await;
    until(&peers, "first", "up", up).await;
    let before = until(&peers, "second", "up", up).await;

    sign(&first, b"new");
    follow(&mut peers, &[with("first", first_address, "new"), with("second", second_address, "old")]).await;
    assert!(router.last_words().await.is_some());
    drop(router);
    let _router = Router::establish(&first, &[]).await;
    until(&peers, "first", "up with the new one", up).await;
    assert_eq!(status(&peers, "second").established_at, before.established_at);
    assert!(bystander.stays(Duration::from_millis(50)).await);
}
