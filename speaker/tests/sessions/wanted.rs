//! What BGPPeers mean on one node.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_bgp::Family;
use herald_bgp::state::{GracefulRestartConfig, RemoteAs};
use herald_compiler::config::{self, Authentication, BgpPeer, Endpoint};
use herald_compiler::object::{LabelSelector, Password};
use herald_compiler::selector::Selector;
use herald_speaker::bgp::wanted::{self, Found, Here, LinkRouter, NoSession, Wanted};
use herald_speaker::bgp::{Peer, Secrets};
use herald_speaker::watch::node::NodeSeen;
use herald_speaker::watch::secret::SecretTrouble;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn node() -> NodeSeen {
    NodeSeen {
        name: "node-1".to_owned(),
        uid: "u".to_owned(),
        labels: BTreeMap::from([("rack".to_owned(), "a".to_owned())]),
        network_unavailable: false,
        cordoned: false,
        draining: false,
        internal_ips: vec![ip("fe80::1"), ip("2001:db8::11"), ip("192.0.2.11"), ip("192.0.2.12"), ip("2001:db8::12")],
        ready: true,
    }
}

fn router(name: &str) -> BgpPeer {
    BgpPeer {
        name: name.to_owned(),
        my_asn: 64_512,
        local_asn: None,
        remote: config::RemoteAs::Exactly(64_513),
        endpoint: Endpoint::Address(ip("192.0.2.1")),
        port: 179,
        source_address: None,
        hold_time: Duration::from_secs(90),
        keepalive_time: Duration::from_secs(30),
        connect_time: None,
        router_id: None,
        node_selectors: Vec::new(),
        authentication: None,
        bfd_profile: None,
        graceful_restart: false,
        multi_hop: false,
        vrf: None,
        dual_stack: false,
        ttl_security_hops: None,
    }
}

#[derive(Default)]
struct Facts {
    secrets: Secrets,
    routers: BTreeMap<String, LinkRouter>,
    restarted: bool,
}

fn wanted_on(node: &NodeSeen, peers: &[BgpPeer], facts: &Facts) -> Wanted {
    let here = Here { node, restarted: facts.restarted };
    wanted::wanted(peers, here, Found { secrets: &facts.secrets, routers: &facts.routers })
}

fn one(peer: BgpPeer) -> Peer {
    session(&node(), peer, &Facts::default())
}

fn session(node: &NodeSeen, peer: BgpPeer, facts: &Facts) -> Peer {
    let mut wanted = wanted_on(node, &[peer], facts);
    assert_eq!(wanted.without, BTreeMap::new());
    wanted.sessions.pop_first().expect("a session").1
}

fn why_not(peer: BgpPeer, facts: &Facts) -> NoSession {
    let mut wanted = wanted_on(&node(), &[peer], facts);
    assert!(wanted.sessions.is_empty());
    wanted.without.pop_first().expect("a reason").1
}

#[test]
fn an_ordinary_peer() {
    let peer = one(router("tor"));
    assert_eq!((peer.name.as_str(), peer.config.local_asn.get()), ("tor", 64_512));
    assert!(matches!(peer.config.remote, RemoteAs::Exactly(asn) if asn.get() == 64_513));
    assert_eq!(peer.config.shown_asn, None);
    assert_eq!(peer.config.hold_time.seconds(), 90);
    assert_eq!(peer.config.keepalive, Some(Duration::from_secs(30)));
    assert_eq!(peer.config.connect_retry, Duration::from_secs(10));
    assert!(!peer.config.passive && !peer.config.extended_next_hop);
    assert_eq!((peer.config.graceful_restart, peer.config.delay_open), (None, None));
    assert_eq!(peer.config.host_name.as_deref(), Some("node-1"));
    let transport = &peer.transport;
    assert_eq!(transport.remote.to_string(), "192.0.2.1:179");
    assert_eq!((&transport.source, &transport.device, &transport.key), (&None, &None, &None));
    assert_eq!((transport.minimum_hop_count, transport.user_timeout), (None, Some(Duration::from_secs(480))));
    assert_eq!(peer.addresses.ipv4, Some(Ipv4Addr::new(192, 0, 2, 11)), "the first");
    assert_eq!(peer.addresses.ipv6.map(IpAddr::from), Some(ip("2001:db8::11")), "the first that others can reach");
}

#[test]
fn what_is_given_arrives() {
    let peer = one(BgpPeer {
        local_asn: Some(65_000),
        remote: config::RemoteAs::External,
        port: 1_179,
        source_address: Some(ip("192.0.2.12")),
        hold_time: Duration::from_secs(600),
        keepalive_time: Duration::from_secs(7),
        connect_time: Some(Duration::from_secs(3)),
        authentication: Some(Authentication::Password(Password::new("geheim".to_owned()))),
        vrf: Some("blue".to_owned()),
        multi_hop: true,
        ttl_security_hops: Some(2),
        ..router("tor")
    });
    assert_eq!(peer.config.shown_asn.map(herald_bgp::Asn::get), Some(65_000));
    assert_eq!(peer.config.remote, RemoteAs::External);
    assert_eq!((peer.config.hold_time.seconds(), peer.config.keepalive), (600, Some(Duration::from_secs(7))));
    assert_eq!(peer.config.connect_retry, Duration::from_secs(3));
    let transport = peer.transport;
    assert_eq!((transport.remote.port(), transport.source), (1_179, Some(ip("192.0.2.12"))));
    assert_eq!((transport.device.as_deref(), transport.key.as_deref()), (Some("blue"), Some(&b"geheim"[..])));
    assert_eq!((transport.minimum_hop_count, transport.user_timeout), (Some(254), Some(Duration::from_secs(1_200))));
    let internal = one(BgpPeer { remote: config::RemoteAs::Internal, ..router("tor") });
    assert_eq!(internal.config.remote, RemoteAs::Internal);
    let lasting = one(BgpPeer { hold_time: Duration::ZERO, keepalive_time: Duration::ZERO, ..router("tor") });
    assert_eq!((lasting.config.hold_time.seconds(), lasting.config.keepalive), (0, None));
}

#[test]
fn families_follow_the_transport_or_are_both() {
    let (v4, v6) = (Family::Ipv4, Family::Ipv6);
    let over = |address: &str, dual_stack| {
        let config = one(BgpPeer { endpoint: Endpoint::Address(ip(address)), dual_stack, ..router("tor") }).config;
        (config.families.into_iter().collect::<Vec<_>>(), config.extended_next_hop)
    };
    assert_eq!(over("192.0.2.1", false), (vec![v4], false));
    assert_eq!(over("192.0.2.1", true), (vec![v4, v6], false));
    assert_eq!(over("2001:db8::1", false), (vec![v6], false));
    assert_eq!(over("2001:db8::1", true), (vec![v4, v6], true), "IPv4 routes may have IPv6 next hops");
}

#[test]
fn router_ids() {
    let id = |node: &NodeSeen, given: Option<[u8; 4]>| {
        let peer = BgpPeer { router_id: given.map(Ipv4Addr::from), ..router("tor") };
        session(node, peer, &Facts::default()).config.router_id.to_string()
    };
    assert_eq!(id(&node(), Some([10, 9, 8, 7])), "10.9.8.7", "as written");
    assert_eq!(id(&node(), None), "192.0.2.11", "the first IPv4 address");
    // zlib.crc32(b"node-1"), lowest octet first.
    let poor = NodeSeen { internal_ips: vec![ip("2001:db8::11")], ..node() };
    assert_eq!(id(&poor, None), "95.28.242.19", "made of the name, as MetalLB does");
}

#[test]
fn graceful_restart_says_what_the_speaker_knows() {
    let asked = BgpPeer { graceful_restart: true, ..router("tor") };
    for restarted in [false, true] {
        let facts = Facts { restarted, ..Facts::default() };
        let restart_time = Duration::from_secs(30);
        let expected = Some(GracefulRestartConfig { restart_time, restarted });
        assert_eq!(session(&node(), asked.clone(), &facts).config.graceful_restart, expected);
        assert_eq!(session(&node(), router("tor"), &facts).config.graceful_restart, None);
    }
}

#[test]
fn timers_scatter_over_nodes_and_peers_and_a_peer_stays_the_same() {
    let other = NodeSeen { name: "node-2".to_owned(), ..node() };
    let seed = |node: &NodeSeen, name: &str| session(node, router(name), &Facts::default()).config.seed;
    assert_ne!(seed(&node(), "tor"), seed(&other, "tor"));
    assert_ne!(seed(&node(), "tor"), seed(&node(), "tor-2"));
    assert_eq!(one(router("tor")), one(router("tor")));
}

#[test]
fn only_selected_nodes_have_a_session() {
    let select = |value: &str| {
        let labels = BTreeMap::from([("rack".to_owned(), value.to_owned())]);
        let selector = LabelSelector { match_labels: labels, match_expressions: Vec::new() };
        Selector::compile_list("nodeSelectors", &[selector]).expect("selectors")
    };
    let secret = Some(Authentication::Secret("s".to_owned()));
    let ours = BgpPeer { node_selectors: select("a"), authentication: secret.clone(), ..router("ours") };
    let link = Endpoint::Interface("eth0".to_owned());
    let other = BgpPeer { node_selectors: select("b"), authentication: secret, endpoint: link, ..router("other") };
    let wanted = wanted_on(&node(), std::slice::from_ref(&other), &Facts::default());
    assert!(wanted.sessions.is_empty() && wanted.without.is_empty(), "nothing of it concerns this node");
    assert!(wanted::secrets(std::slice::from_ref(&other), &node()).is_empty());
    assert!(wanted::interfaces(&[other], &node()).is_empty());
    assert_eq!(wanted::secrets(&[ours], &node()).into_iter().collect::<Vec<_>>(), ["s"]);
}

#[test]
fn the_nodes_own_address_is_no_router() {
    for own in ["192.0.2.12", "2001:db8::12"] {
        let why = why_not(BgpPeer { endpoint: Endpoint::Address(ip(own)), ..router("tor") }, &Facts::default());
        assert_eq!(why, NoSession::Own(ip(own)));
        assert!(why.to_string().contains(own) && why.to_string().contains("nodeSelectors"), "{why}");
    }
}

#[test]
fn a_router_has_one_session_with_a_node() {
    let peers = [router("b"), router("a"), BgpPeer { vrf: Some("blue".to_owned()), ..router("c") }];
    let wanted = wanted_on(&node(), &peers, &Facts::default());
    assert_eq!(wanted.sessions.keys().collect::<Vec<_>>(), ["a", "c"], "another VRF is another router");
    assert_eq!(wanted.without.get("b"), Some(&NoSession::Taken { by: "a".to_owned() }));
    let from = BgpPeer { source_address: Some(ip("192.0.2.12")), ..router("b") };
    let wanted = wanted_on(&node(), &[router("a"), from], &Facts::default());
    assert_eq!(wanted.sessions.len(), 2, "from another address is another neighbour to the router");
}

#[test]
fn a_secret_is_waited_for_and_one_that_is_spoiled_ends_nothing() {
    let peer = BgpPeer { authentication: Some(Authentication::Secret("s".to_owned())), ..router("tor") };
    let mut facts = Facts::default();
    assert_eq!(why_not(peer.clone(), &facts), NoSession::SecretUnread("s".to_owned()));
    let troubles = [
        (SecretTrouble::Missing, "does not exist"),
        (SecretTrouble::Type("Opaque".to_owned()), "kubernetes.io/basic-auth"),
        (SecretTrouble::NoPassword, "has no password"),
        (SecretTrouble::TooLong(81), "81 bytes"),
        (SecretTrouble::NotText, "UTF-8"),
        (SecretTrouble::Unreadable("forbidden".to_owned()), "forbidden"),
        (SecretTrouble::TooMany, "more than 64"),
    ];
    for (trouble, words) in &troubles {
        assert!(facts.secrets.take("s", Err(trouble.clone())));
        let why = why_not(peer.clone(), &facts);
        assert_eq!(why, NoSession::Secret { name: "s".to_owned(), trouble: trouble.clone() });
        assert!(why.to_string().starts_with("Secret s ") && why.to_string().contains(words), "{why}");
    }
    assert!(facts.secrets.take("s", Ok(Password::new("geheim".to_owned()))));
    assert!(!facts.secrets.take("s", Ok(Password::new("geheim".to_owned()))), "nothing new");
    let before = session(&node(), peer.clone(), &facts);
    assert_eq!(before.transport.key.as_deref(), Some(&b"geheim"[..]));
    assert!(!format!("{before:?} {facts:?}", facts = facts.secrets).contains("geheim"), "no log shows it");
    for (trouble, words) in &troubles {
        assert!(facts.secrets.take("s", Err(trouble.clone())));
        let wanted = wanted_on(&node(), std::slice::from_ref(&peer), &facts);
        assert_eq!(wanted.sessions.get("tor"), Some(&before), "the session goes on");
        let doubt = wanted.doubts.get("tor").expect("but it is told");
        assert!(doubt.contains(words) && doubt.contains("before"), "{doubt}");
    }
    assert!(facts.secrets.take("s", Ok(Password::new("neu".to_owned()))));
    let after = session(&node(), peer.clone(), &facts);
    assert_ne!(after, before, "so that Peers::follow makes a new session");
    facts.secrets.retain(&std::collections::BTreeSet::new());
    assert_eq!(why_not(peer, &facts), NoSession::SecretUnread("s".to_owned()));
}

#[test]
fn an_unnumbered_peer_is_the_router_on_the_link() {
    let peer =
        BgpPeer { endpoint: Endpoint::Interface("eth1".to_owned()), vrf: Some("blue".to_owned()), ..router("tor") };
    let mut facts = Facts::default();
    let why = why_not(peer.clone(), &facts);
    assert_eq!(why, NoSession::NoRouter("eth1".to_owned()));
    assert!(why.to_string().contains("Router Advertisements"), "{why}");
    let link = LinkRouter { address: "fe80::9".parse().expect("an address"), interface: 7 };
    facts.routers.insert("eth1".to_owned(), link);
    let session = session(&node(), peer.clone(), &facts);
    assert_eq!(session.transport.remote.to_string(), "[fe80::9%7]:179");
    assert_eq!(session.transport.device.as_deref(), Some("eth1"));
    assert_eq!(session.config.families.len(), 2);
    assert!(session.config.extended_next_hop);
    let source = Some(ip("192.0.2.11"));
    let why = why_not(BgpPeer { source_address: source, ..peer }, &facts);
    assert_eq!(why, NoSession::SourceOfOtherFamily(ip("192.0.2.11")));
}

#[test]
fn what_the_compiler_lets_through_by_mistake_costs_that_peer_only() {
    let bad = [
        BgpPeer { my_asn: 0, ..router("bad") },
        BgpPeer { local_asn: Some(0), ..router("bad") },
        BgpPeer { remote: config::RemoteAs::Exactly(0), ..router("bad") },
        BgpPeer { hold_time: Duration::from_secs(2), ..router("bad") },
        BgpPeer { hold_time: Duration::from_secs(70_000), ..router("bad") },
    ];
    for bad in bad {
        let wanted = wanted_on(&node(), &[bad, router("good")], &Facts::default());
        assert_eq!(wanted.sessions.keys().collect::<Vec<_>>(), ["good"]);
        let why = wanted.without.get("bad").expect("a reason").to_string();
        assert!(why.contains("is not possible"), "{why}");
    }
}
