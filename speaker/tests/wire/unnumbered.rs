//! Peers without an address: two ends of a link find each other and speak BGP over it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_bgp::state::State;
use herald_bgp::{Attributes, Prefix};
use herald_compiler::config::{BgpPeer, Endpoint, RemoteAs};
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::wanted::{Found, Here, LinkRouter, wanted};
use herald_speaker::bgp::{Farewell, Peers, Routes, Secrets, Status, unnumbered};
use herald_speaker::watch::node::NodeSeen;
use tokio::sync::watch;

use crate::namespace::{Namespace, link};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
const PORT: u16 = 1790;

pub fn node(name: &str, last: u8) -> NodeSeen {
    NodeSeen {
        name: name.to_owned(),
        uid: "u".to_owned(),
        labels: BTreeMap::new(),
        network_unavailable: false,
        cordoned: false,
        draining: false,
        internal_ips: vec![IpAddr::from([192, 0, 2, last])],
        ready: true,
    }
}

pub fn on_eth0(own: u32) -> BgpPeer {
    BgpPeer {
        name: "tor".to_owned(),
        my_asn: own,
        local_asn: None,
        remote: RemoteAs::External,
        endpoint: Endpoint::Interface("eth0".to_owned()),
        port: PORT,
        source_address: None,
        hold_time: Duration::from_secs(90),
        keepalive_time: Duration::from_secs(30),
        connect_time: Some(Duration::from_secs(1)),
        router_id: None,
        node_selectors: Vec::new(),
        authentication: None,
        bfd_profile: None,
        graceful_restart: false,
        multi_hop: false,
        vrf: None,
        dual_stack: false,
        ttl_security_hops: Some(1),
    }
}

/// Two of IPv4 and one of IPv6.
pub fn routes() -> Routes {
    let hosts = ["198.51.100.1", "198.51.100.2", "2001:db8::77"].map(|host| host.parse().expect("an address"));
    hosts.map(|host| (Prefix::host(host), Some(Arc::new(Attributes::default())))).into()
}

/// The router on `eth0`, once it is known and another than `before`.
async fn router(found: &mut watch::Receiver<BTreeMap<String, LinkRouter>>, before: Option<LinkRouter>) -> LinkRouter {
    let other = |routers: &BTreeMap<String, LinkRouter>| routers.get("eth0").is_some_and(|now| Some(*now) != before);
    let waited = tokio::time::timeout(PATIENCE, found.wait_for(other)).await.expect("in time");
    *waited.expect("it looks").get("eth0").expect("it is there")
}

/// Has a session with whoever is at the other end, until it has told and heard all routes.
async fn speak(own: u32, node: NodeSeen) -> Status {
    let clock = Monotonic::start();
    let (_names, wanted_names) = watch::channel(BTreeSet::from(["eth0".to_owned()]));
    let mut found = unnumbered::follow(wanted_names, clock);
    let mut peers = Peers::new(clock);
    peers.listen(format!("[::]:{PORT}").parse().expect("an address")).expect("a port");
    router(&mut found, None).await;
    let here = Here { node: &node, restarted: false };
    let routers = found.borrow().clone();
    let all = wanted(&[on_eth0(own)], here, Found { secrets: &Secrets::default(), routers: &routers });
    assert_eq!(all.without, BTreeMap::new());
    assert_eq!(peers.follow(&all.sessions, |_| routes()).await, BTreeMap::new());
    until_settled(peers).await
}

/// Until all routes are told and heard.
async fn until_settled(peers: Peers) -> Status {
    let settled = |status: &Status| status.sent == [2, 1] && status.received == Some(3);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let status = peers.statuses().next().expect("a session").1;
        if settled(&status) {
            // The other end may not have heard all yet.
            tokio::time::sleep(Duration::from_millis(500)).await;
            peers.farewell(Farewell::Stop).await;
            return status;
        }
        assert!(tokio::time::Instant::now() < deadline, "{status:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn two_ends_of_a_link_find_each_other_and_exchange_both_families() {
    let (left, right) = link();
    let (left, right) = std::thread::scope(|scope| {
        let other = scope.spawn(|| right.run_async(async || speak(64_513, node("right", 2)).await));
        (left.run_async(async || speak(64_512, node("left", 1)).await), other.join().expect("the other end"))
    });
    for status in [left, right] {
        assert_eq!(status.state, State::Established);
        assert!(status.without_next_hop.is_empty(), "IPv4 routes have IPv6 next hops");
        let local = status.local.expect("an address");
        assert!(matches!(local, IpAddr::V6(local) if local.is_unicast_link_local()), "{local}");
    }
}

#[test]
fn an_interface_may_come_later_and_be_replaced() {
    let (node, far) = (Namespace::new(), Namespace::new());
    let connect = || {
        node.ip(&format!("link add eth0 type veth peer name eth0 netns {}", far.path()));
        node.ip("link set eth0 up");
        far.ip("link set eth0 up");
    };
    let (done, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            far.run_async(async || {
                let (_names, wanted_names) = watch::channel(BTreeSet::from(["eth0".to_owned()]));
                let _found = unnumbered::follow(wanted_names, Monotonic::start());
                let _ = end.await;
            });
        });
        node.run_async(async || {
            let (names, wanted_names) = watch::channel(BTreeSet::from(["eth0".to_owned()]));
            let mut found = unnumbered::follow(wanted_names, Monotonic::start());
            connect();
            let first = router(&mut found, None).await;
            node.ip("link delete eth0");
            connect();
            let second = router(&mut found, Some(first)).await;
            assert!(second.interface != first.interface && second.address != first.address, "{first:?} {second:?}");
            names.send_replace(BTreeSet::new());
            let gone = tokio::time::timeout(PATIENCE, found.wait_for(BTreeMap::is_empty)).await;
            gone.expect("in time").expect("it looks");
        });
        drop(done);
        other.join().expect("the other end");
    });
}

#[test]
fn routers_are_told_an_address_of_the_interface_where_the_node_has_no_other() {
    use herald_speaker::bgp::NodeAddresses;
    let (left, right) = link();
    for (end, last) in [(&left, 1), (&right, 2)] {
        end.ip(&format!("address add 10.9.0.{last}/24 dev eth0"));
        end.ip(&format!("-6 address add 2001:db8:e::{last}/64 dev eth0 nodad"));
    }
    let speak = async |own: u32, last: u8, other: u8| {
        let mut peers = Peers::new(Monotonic::start());
        peers.listen(format!("[::]:{PORT}").parse().expect("an address")).expect("a port");
        let endpoint = Endpoint::Address(IpAddr::from([10, 9, 0, other]));
        let peer = BgpPeer { endpoint, dual_stack: true, ..on_eth0(own) };
        let node = node("node", last);
        let found = Found { secrets: &Secrets::default(), routers: &BTreeMap::new() };
        let all = wanted(&[peer], Here { node: &node, restarted: false }, found);
        assert!(
            all.sessions.values().all(|peer| peer.addresses == NodeAddresses { ipv6: None, ..peer.addresses.clone() })
        );
        peers.follow(&all.sessions, |_| routes()).await;
        until_settled(peers).await
    };
    let (left, right) = std::thread::scope(|scope| {
        let far = scope.spawn(|| right.run_async(async || speak(64_513, 2, 1).await));
        (left.run_async(async || speak(64_512, 1, 2).await), far.join().expect("the other end"))
    });
    assert!(left.without_next_hop.is_empty() && right.without_next_hop.is_empty());
}
