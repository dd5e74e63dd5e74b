use std::time::Duration;

use super::{compile, labels, meta, says, selects};
use crate::config::{Authentication, BgpPeer, Endpoint, RemoteAs};
use crate::object::{self, BfdProfile, Objects, Password};
use crate::verdict::{ConditionType, Kind};
use crate::{Compilation, Family};

fn peer() -> object::BgpPeer {
    object::BgpPeer {
        meta: meta("router", 1),
        my_asn: 64512,
        peer_asn: Some(64513),
        peer_address: text("192.0.2.1"),
        peer_port: 179,
        ..object::BgpPeer::default()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Compiles `peer` beside one that is in order.
fn beside_another(peer: object::BgpPeer) -> Compilation {
    let other = object::BgpPeer { meta: meta("other", 1), ..self::peer() };
    compile(&Objects { bgp_peers: vec![peer, other], ..Objects::default() })
}

fn compiled(peer: object::BgpPeer) -> BgpPeer {
    let compilation = beside_another(peer);
    let accepted = says(&compilation.verdicts, Kind::BgpPeer, "router", ConditionType::Accepted);
    assert_eq!(accepted, "true Accepted: used as written");
    compilation.config.bgp_peer("router").unwrap().clone()
}

/// The peer must be left out alone, for the reason given in these words.
fn refused(peer: object::BgpPeer, words: &str) {
    let compilation = beside_another(peer.clone());
    let accepted = says(&compilation.verdicts, Kind::BgpPeer, "router", ConditionType::Accepted);
    assert!(accepted.starts_with("false ") && accepted.contains(words), "{accepted}\nlacks {words:?}");
    assert!(compilation.config.bgp_peer("router").is_none());
    assert!(compilation.config.bgp_peer("other").is_some());
}

#[test]
fn a_plain_peer() {
    let plain = compiled(peer());
    assert_eq!((plain.my_asn, plain.local_asn, plain.remote), (64512, None, RemoteAs::Exactly(64513)));
    assert_eq!(plain.endpoint, Endpoint::Address("192.0.2.1".parse().unwrap()));
    assert_eq!((plain.hold_time, plain.keepalive_time), (Duration::from_secs(90), Duration::from_secs(30)));
    assert_eq!((plain.port, plain.connect_time, plain.router_id), (179, None, None));
    assert_eq!((plain.authentication.clone(), plain.bfd_profile.clone(), plain.vrf.clone()), (None, None, None));
    assert!(!plain.graceful_restart && !plain.multi_hop && !plain.dual_stack);
    assert_eq!((plain.families(), plain.min_ttl()), (&[Family::V4][..], None));
    assert!(plain.selects_node(&labels(&[])));
}

#[test]
fn every_field_has_a_meaning() {
    let full = compiled(object::BgpPeer {
        my_asn: 4_294_967_295,
        peer_asn: Some(0),
        dynamic_asn: text("internal"),
        local_asn: Some(65001),
        peer_address: text("2001:db8::1"),
        source_address: text("2001:db8::2"),
        peer_port: 65535,
        hold_time: text("9.7s"),
        keepalive_time: text("3s"),
        connect_time: text("1m"),
        router_id: text("192.0.2.9"),
        node_selectors: vec![selects(&[("rack", "a")])],
        password: Some(Password::new("secret".into())),
        password_secret: text(""),
        enable_graceful_restart: true,
        ebgp_multi_hop: true,
        vrf: text("red"),
        dual_stack_address_family: true,
        ttl_security_hops: Some(254),
        ..peer()
    });
    assert_eq!((full.my_asn, full.local_asn, full.remote), (u32::MAX, Some(65001), RemoteAs::Internal));
    assert_eq!(full.source_address, Some("2001:db8::2".parse().unwrap()));
    let seconds = Duration::from_secs;
    assert_eq!((full.hold_time, full.keepalive_time, full.connect_time), (seconds(9), seconds(3), Some(seconds(60))));
    assert_eq!(full.router_id, Some("192.0.2.9".parse().unwrap()));
    assert!(full.selects_node(&labels(&[("rack", "a")])) && !full.selects_node(&labels(&[])));
    assert_eq!(full.authentication, Some(Authentication::Password(Password::new("secret".into()))));
    assert!(full.graceful_restart && full.multi_hop && full.vrf.as_deref() == Some("red"));
    assert_eq!((full.families(), full.min_ttl()), (&[Family::V4, Family::V6][..], Some(2)));
    assert!(!format!("{full:?}").contains("secret"));
}

#[test]
fn unnumbered_sessions_and_secrets() {
    let unnumbered = compiled(object::BgpPeer {
        peer_asn: None,
        dynamic_asn: text("external"),
        peer_address: text(""),
        interface: text("eth1"),
        password: Some(Password::default()),
        password_secret: text("bgp"),
        ttl_security_hops: Some(1),
        ..peer()
    });
    assert_eq!(
        (unnumbered.endpoint.clone(), unnumbered.remote),
        (Endpoint::Interface("eth1".into()), RemoteAs::External)
    );
    assert_eq!((unnumbered.families(), unnumbered.min_ttl()), (&[Family::V4, Family::V6][..], Some(255)));
    assert_eq!(unnumbered.authentication, Some(Authentication::Secret("bgp".into())));
    let v6 = compiled(object::BgpPeer { peer_address: text("2001:db8::1"), ..peer() });
    assert_eq!(v6.families(), [Family::V6]);
}

#[test]
fn timers_follow_from_each_other() {
    let cases = [
        (None, None, 90_000, 30_000),
        (Some("30s"), None, 30_000, 10_000),
        (Some("10s"), None, 10_000, 3_333),
        (None, Some("10s"), 30_000, 10_000),
        (None, Some("1500ms"), 4_000, 1_500),
        (Some("90s"), Some("20s"), 90_000, 20_000),
        (Some("3.9s"), Some("3.9s"), 3_000, 3_000),
        (Some("18h12m15s"), None, 65_535_000, 21_845_000),
        (Some(""), Some(""), 90_000, 30_000),
    ];
    for (hold, keepalive, hold_meant, keepalive_meant) in cases {
        let timed = object::BgpPeer {
            hold_time: hold.map(str::to_owned),
            keepalive_time: keepalive.map(str::to_owned),
            ..peer()
        };
        let timed = compiled(timed);
        let meant = (timed.hold_time.as_millis(), timed.keepalive_time.as_millis());
        assert_eq!(meant, (hold_meant, keepalive_meant), "{hold:?} {keepalive:?}");
    }
}

#[test]
fn a_session_without_hold_time_is_honoured_and_flagged() {
    for (hold, keepalive) in [(Some("0s"), None), (Some("0"), Some("0s")), (None, Some("0s"))] {
        let endless = object::BgpPeer {
            hold_time: hold.map(str::to_owned),
            keepalive_time: keepalive.map(str::to_owned),
            ..peer()
        };
        let compilation = beside_another(endless);
        let peer = compilation.config.bgp_peer("router").unwrap();
        assert_eq!((peer.hold_time, peer.keepalive_time), (Duration::ZERO, Duration::ZERO));
        let flag = says(&compilation.verdicts, Kind::BgpPeer, "router", ConditionType::Questionable);
        assert!(flag.starts_with("true HoldTimeDisabled: ") && flag.contains("write 3s or more"), "{flag}");
        let other = says(&compilation.verdicts, Kind::BgpPeer, "other", ConditionType::Questionable);
        assert_eq!(other, "absent");
    }
}

#[test]
fn a_hold_time_needs_keepalives() {
    let silent = object::BgpPeer { hold_time: text("30s"), keepalive_time: text("0s"), ..peer() };
    let compilation = beside_another(silent);
    assert_eq!(compilation.config.bgp_peer("router").unwrap().keepalive_time, Duration::from_secs(10));
    let flag = says(&compilation.verdicts, Kind::BgpPeer, "router", ConditionType::Questionable);
    assert!(flag.starts_with("true KeepaliveDisabled: ") && flag.contains("every 10 s"), "{flag}");
}

#[test]
fn what_makes_no_sense_is_refused_alone() {
    let timed = |hold: &str, keepalive: &str, connect: &str| object::BgpPeer {
        hold_time: text(hold),
        keepalive_time: text(keepalive),
        connect_time: text(connect),
        ..peer()
    };
    let at = |address: &str| object::BgpPeer { peer_address: text(address), ..peer() };
    let cases = [
        (object::BgpPeer { my_asn: 0, ..peer() }, "0 is not an AS number: write the one of this cluster"),
        (object::BgpPeer { my_asn: -1, ..peer() }, "myASN -1 is not an AS number"),
        (object::BgpPeer { my_asn: 1 << 32, ..peer() }, "myASN 4294967296 is not an AS number: write one from 1 to"),
        (object::BgpPeer { local_asn: Some(0), ..peer() }, "localASN 0 is not an AS number"),
        (object::BgpPeer { peer_asn: Some(-5), ..peer() }, "peerASN -5 is not an AS number"),
        (object::BgpPeer { peer_asn: None, ..peer() }, "exactly one of peerASN and dynamicASN"),
        (object::BgpPeer { dynamic_asn: text("external"), ..peer() }, "exactly one of peerASN and dynamicASN"),
        (object::BgpPeer { peer_asn: None, dynamic_asn: text("any"), ..peer() }, "\"any\" is unknown: write internal"),
        (object::BgpPeer { peer_address: None, ..peer() }, "exactly one of peerAddress and interface"),
        (object::BgpPeer { interface: text("eth0"), ..peer() }, "exactly one of peerAddress and interface"),
        (at("router.example"), "\"router.example\" is not an IP address: write one like 192.0.2.1"),
        (at("fe80::1%eth0"), "without a zone"),
        (at("fe80::1"), "fe80::1 is link-local and does not say on which interface: write the interface"),
        (at("::ffff:192.0.2.1"), "is not an IP address"),
        (at("0.0.0.0"), "0.0.0.0 is not the address of a router"),
        (at("ff02::1"), "ff02::1 is not the address of a router"),
        (at("255.255.255.255"), "is not the address of a router"),
        (
            object::BgpPeer { source_address: text("2001:db8::2"), ..peer() },
            "sourceAddress 2001:db8::2 is IPv6 and peerAddress 192.0.2.1 is IPv4",
        ),
        (object::BgpPeer { peer_port: 0, ..peer() }, "peerPort 0 is not possible"),
        (object::BgpPeer { peer_port: 65536, ..peer() }, "peerPort 65536 is not possible"),
        (timed("90", "", ""), "\"90\" is not a duration: write a number and a unit"),
        (timed("2s", "", ""), "holdTime \"2s\" is not possible: write 3s to 65535s"),
        (timed("999ms", "", ""), "holdTime \"999ms\" is not possible"),
        (timed("65536s", "", ""), "holdTime \"65536s\" is not possible"),
        (timed("90s", "91s", ""), "keepaliveTime \"91s\" is longer than holdTime \"90s\""),
        (timed("0s", "1s", ""), "keepaliveTime \"1s\" is longer than holdTime \"0s\""),
        (timed("90s", "1ms", ""), "keepaliveTime \"1ms\" is not possible: write 1s or more"),
        (timed("", "21846s", ""), "keepaliveTime \"21846s\" is not possible without holdTime"),
        (timed("", "", "0s"), "connectTime \"0s\" is not possible"),
        (timed("", "", "1500ms"), "connectTime \"1500ms\" is not possible: write whole seconds"),
        (object::BgpPeer { router_id: text("2001:db8::1"), ..peer() }, "\"2001:db8::1\" is not a router ID"),
        (object::BgpPeer { router_id: text("0.0.0.0"), ..peer() }, "\"0.0.0.0\" is not a router ID"),
        (
            object::BgpPeer { password: Some(Password::new("a".into())), password_secret: text("b"), ..peer() },
            "password and passwordSecret must not both be given",
        ),
        (
            object::BgpPeer { password: Some(Password::new("é".repeat(41))), ..peer() },
            "password has 82 bytes: TCP MD5 takes at most 80",
        ),
        (object::BgpPeer { peer_asn: Some(64512), ebgp_multi_hop: true, ..peer() }, "peerASN 64512 is our own"),
        (object::BgpPeer { ttl_security_hops: Some(0), ..peer() }, "herald.ttlSecurityHops is 0"),
        (object::BgpPeer { ttl_security_hops: Some(255), ..peer() }, "herald.ttlSecurityHops is 255"),
        (object::BgpPeer { node_selectors: vec![selects(&[("no key", "")])], ..peer() }, "is not a label key"),
    ];
    for (peer, words) in cases {
        refused(peer, words);
    }
}

#[test]
fn a_missing_bfd_profile_leaves_the_session_as_it_is() {
    let watched = object::BgpPeer { bfd_profile: text("fast"), ..peer() };
    let profile = BfdProfile { meta: meta("fast", 1), ..BfdProfile::default() };
    let mut objects = Objects { bgp_peers: vec![watched], ..Objects::default() };
    let compilation = compile(&objects);
    assert_eq!(compilation.config.bgp_peer("router").unwrap().bfd_profile, None);
    let references = says(&compilation.verdicts, Kind::BgpPeer, "router", ConditionType::ResolvedRefs);
    assert_eq!(
        references,
        "false BfdProfileNotFound: no BFDProfile is called \"fast\": create it, or correct bfdProfile; until then the \
         session runs without BFD"
    );
    objects.bfd_profiles.push(profile);
    let compilation = compile(&objects);
    assert_eq!(compilation.config.bgp_peer("router").unwrap().bfd_profile.as_deref(), Some("fast"));
    assert!(compilation.config.bfd_profile("fast").is_some() && compilation.config.bfd_profile("slow").is_none());
    let references = says(&compilation.verdicts, Kind::BgpPeer, "router", ConditionType::ResolvedRefs);
    assert!(references.starts_with("true ResolvedRefs"), "{references}");
}

#[test]
fn two_peers_may_be_one_router() {
    let second = object::BgpPeer { meta: meta("second", 2), ..peer() };
    let compilation = compile(&Objects { bgp_peers: vec![peer(), second], ..Objects::default() });
    assert_eq!(compilation.config.bgp_peers().len(), 2);
    assert!(compilation.verdicts.iter().all(|verdict| !verdict.needs_attention()));
}
