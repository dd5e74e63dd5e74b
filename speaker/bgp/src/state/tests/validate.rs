//! The peer's OPEN against what it is to be.

use super::super::validate::negotiate;
use super::*;
use crate::packet::GracefulRestart;

/// The NOTIFICATION that answers an OPEN.
fn refused(config: &PeerConfig, open: &Open) -> Option<(u8, u8, Vec<u8>)> {
    negotiate(config, open).err().map(|notification| (notification.code, notification.subcode, notification.data))
}

fn bad_as() -> Option<(u8, u8, Vec<u8>)> {
    Some((2, 2, Vec::new()))
}

/// An OPEN of AS `number` as it is said in two octets and in the capability.
fn from_as(two: u16, four: Option<u32>) -> Open {
    let mut open = open(9);
    open.two_octet_asn = two;
    open.capabilities.retain(|capability| !matches!(capability, Capability::FourOctetAsn(_)));
    open.capabilities.extend(four.map(|number| Capability::FourOctetAsn(asn(number))));
    open
}

#[test]
fn the_as_number_must_be_the_expected_one() {
    let with = |remote| PeerConfig { remote, ..config() };
    let exactly = |number| with(RemoteAs::Exactly(asn(number)));
    assert_eq!(refused(&exactly(64513), &from_as(64513, Some(64513))), None);
    assert_eq!(refused(&exactly(64513), &from_as(64514, Some(64514))), bad_as());
    assert_eq!(refused(&with(RemoteAs::External), &from_as(64514, Some(64514))), None);
    assert_eq!(refused(&with(RemoteAs::External), &from_as(64512, Some(64512))), bad_as());
    assert_eq!(refused(&with(RemoteAs::Internal), &from_as(64512, Some(64512))), None);
    assert_eq!(refused(&with(RemoteAs::Internal), &from_as(64513, Some(64513))), bad_as());
}

#[test]
fn two_octets_and_four_say_the_same() {
    let any = PeerConfig { remote: RemoteAs::External, ..config() };
    let asn = |open: Open| negotiate(&any, &open).ok().map(|negotiated| negotiated.peer_asn.get());
    assert_eq!(asn(from_as(64513, None)), Some(64513), "a peer of two octets");
    assert_eq!(asn(from_as(23456, Some(4_200_000_000))), Some(4_200_000_000));
    assert_eq!(asn(from_as(23456, Some(64513))), Some(64513), "odd, but it says who it is");
    assert_eq!(asn(from_as(64513, Some(64514))), None);
    assert_eq!(asn(from_as(64513, Some(4_200_000_000))), None);
    assert_eq!(asn(from_as(23456, None)), None, "AS_TRANS is nobody");
    assert_eq!(asn(from_as(23456, Some(23456))), None);
    assert_eq!(asn(from_as(0, None)), None);
    // 131072 + 64513: the same in the low two octets.
    assert_eq!(asn(from_as(64513, Some(195_585))), None);
}

/// FRR's `local-as no-prepend replace-as`: the peer knows the shown AS number alone.
#[test]
fn what_is_shown_decides_who_is_internal() {
    let shown = |remote| PeerConfig { shown_asn: Some(asn(65000)), remote, ..config() };
    let external = |config: &PeerConfig, number: u16| {
        negotiate(config, &from_as(number, Some(number.into()))).map(|negotiated| negotiated.external)
    };
    let exactly = |number| shown(RemoteAs::Exactly(asn(number)));
    assert_eq!(external(&exactly(64513), 64513), Ok(true));
    assert_eq!(external(&exactly(64512), 64512), Ok(true), "our own AS, which sees another one");
    assert_eq!(external(&exactly(65000), 65000), Ok(false), "the peer takes us for one of its own");
    assert!(external(&shown(RemoteAs::Internal), 64512).is_err());
    assert_eq!(external(&shown(RemoteAs::Internal), 65000), Ok(false));
    assert_eq!(external(&shown(RemoteAs::External), 64512), Ok(true));
    assert!(external(&shown(RemoteAs::External), 65000).is_err());
    assert_eq!(negotiate(&exactly(64513), &open(9)).map(|negotiated| negotiated.shown_asn), Ok(asn(65000)));
}

/// RFC 6286: identifiers are unique within an AS.
#[test]
fn an_internal_peer_has_another_identifier() {
    let internal = PeerConfig { remote: RemoteAs::Internal, ..config() };
    let same = Open { router_id: router_id(5), ..from_as(64512, Some(64512)) };
    assert_eq!(refused(&internal, &same), Some((2, 3, Vec::new())));
    assert_eq!(refused(&internal, &Open { router_id: router_id(6), ..same }), None);
    assert_eq!(refused(&config(), &Open { router_id: router_id(5), ..open(9) }), None, "external ones may");
}

#[test]
fn a_family_in_common_is_needed() {
    let six = Open { capabilities: vec![Capability::Multiprotocol { afi: 2, safi: 1 }], ..open(9) };
    let four = PeerConfig { families: [Family::Ipv4].into(), ..config() };
    assert_eq!(refused(&four, &six), Some((2, 7, vec![1, 4, 0, 1, 0, 1])));
    assert_eq!(negotiate(&config(), &six).map(|agreed| agreed.families), Ok([Family::Ipv6].into()));
    let none = Open { capabilities: Vec::new(), ..open(9) };
    assert_eq!(negotiate(&config(), &none).map(|agreed| agreed.families), Ok([Family::Ipv4].into()), "RFC 4760 §8");
    let other = Open { capabilities: vec![Capability::Multiprotocol { afi: 1, safi: 128 }], ..open(9) };
    assert_eq!(refused(&config(), &other), Some((2, 7, vec![1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1])));
}

#[test]
fn the_smaller_hold_time_counts_and_a_third_of_it() {
    let hold = |seconds| HoldTime::from_seconds(seconds).unwrap();
    let agreed = |ours, theirs, keepalive: Option<u64>| {
        let ours = PeerConfig { hold_time: hold(ours), keepalive: keepalive.map(seconds), ..config() };
        let agreed = negotiate(&ours, &Open { hold_time: hold(theirs), ..open(9) }).unwrap();
        (agreed.hold_time.seconds(), agreed.keepalive.map(|interval| interval.as_millis()))
    };
    assert_eq!(agreed(90, 9, None), (9, Some(3_000)));
    assert_eq!(agreed(10, 180, None), (10, Some(3_333)));
    assert_eq!(agreed(0, 180, Some(10)), (0, None));
    assert_eq!(agreed(90, 0, Some(10)), (0, None));
    assert_eq!(agreed(90, 90, Some(10)), (90, Some(10_000)), "more often, if so configured");
    assert_eq!(agreed(90, 9, Some(10)), (9, Some(3_000)), "but never less often");
    assert_eq!(agreed(90, 90, Some(0)), (90, Some(1_000)), "nor more often than once per second");
    assert_eq!(agreed(3, 3, None), (3, Some(1_000)));
}

#[test]
fn capabilities_of_the_peer_are_taken_in() {
    let mut rich = open(9);
    rich.capabilities.extend([
        Capability::ExtendedNextHop(vec![(1, 128, 2), (1, 1, 2)]),
        Capability::ExtendedMessage,
        Capability::EnhancedRouteRefresh,
        Capability::GracefulRestart(GracefulRestart {
            restarting: true,
            notification: true,
            restart_time: 120,
            families: vec![(1, 1, false), (25, 70, true)],
        }),
        Capability::HostName { host: "tor1".to_owned(), domain: String::new() },
        Capability::Unknown { code: 200, value: vec![1; 255] },
    ]);
    let plain = negotiate(&config(), &rich).unwrap();
    assert!(plain.extended_next_hop && plain.extended_message && plain.enhanced_refresh && plain.four_octet_asn);
    assert_eq!((plain.graceful_restart, plain.host_name.as_deref()), (None, Some("tor1")), "not asked for");
    let restart = Some(GracefulRestartConfig { restart_time: seconds(30), restarted: false });
    let agreed = negotiate(&PeerConfig { graceful_restart: restart, ..config() }, &rich).unwrap();
    let expected = PeerRestart { families: [Family::Ipv4].into(), notification: true, restarting: true };
    assert_eq!(agreed.graceful_restart, Some(expected));
    let bare = negotiate(&config(), &from_as(64513, None)).unwrap();
    assert!(!bare.extended_next_hop && !bare.extended_message && !bare.enhanced_refresh && !bare.four_octet_asn);
}
