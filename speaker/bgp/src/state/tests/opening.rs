//! Our OPEN.

use super::*;
use crate::packet::GracefulRestart;

fn opened(config: PeerConfig) -> Open {
    let mut session = Session::started(config);
    match session.does(Event::Connected(Outgoing), Duration::ZERO).pop() {
        Some(Action::SendOpen(Outgoing, open)) => open,
        other => panic!("{other:?}"),
    }
}

fn capability(config: PeerConfig, wanted: impl Fn(&Capability) -> bool) -> Option<Capability> {
    opened(config).capabilities.into_iter().find(wanted)
}

#[test]
fn says_what_is_configured() {
    let open = opened(config());
    assert_eq!((open.two_octet_asn, open.hold_time, open.router_id), (64512, HoldTime::DEFAULT, router_id(5)));
    let expected = [
        Capability::Multiprotocol { afi: 1, safi: 1 },
        Capability::Multiprotocol { afi: 2, safi: 1 },
        Capability::RouteRefresh,
        Capability::ExtendedMessage,
        Capability::FourOctetAsn(asn(64512)),
        Capability::EnhancedRouteRefresh,
    ];
    assert_eq!(open.capabilities, expected);
}

#[test]
fn shows_the_as_number_that_is_to_be_shown() {
    let open = opened(PeerConfig { shown_asn: Some(asn(4_200_000_000)), ..config() });
    assert_eq!(open.two_octet_asn, Asn::TRANS);
    assert!(open.capabilities.contains(&Capability::FourOctetAsn(asn(4_200_000_000))));
    assert!(!open.capabilities.contains(&Capability::FourOctetAsn(asn(64512))));
}

#[test]
fn ipv4_over_ipv6_is_offered_with_ipv4_only() {
    let is_it = |capability: &Capability| matches!(capability, Capability::ExtendedNextHop(_));
    let offering = PeerConfig { extended_next_hop: true, ..config() };
    assert_eq!(capability(offering.clone(), is_it), Some(Capability::ExtendedNextHop(vec![(1, 1, 2)])));
    assert_eq!(capability(PeerConfig { families: [Family::Ipv6].into(), ..offering }, is_it), None);
    assert_eq!(capability(config(), is_it), None);
}

#[test]
fn a_long_host_name_is_cut_between_letters() {
    let host = |name: &str| {
        let config = PeerConfig { host_name: Some(name.to_owned()), ..config() };
        match capability(config, |capability| matches!(capability, Capability::HostName { .. })) {
            Some(Capability::HostName { host, domain }) if domain.is_empty() => host,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(host("node-1"), "node-1");
    assert_eq!(host(&"n".repeat(253)), "n".repeat(64));
    assert_eq!(host(&format!("n{}", "ü".repeat(100))), format!("n{}", "ü".repeat(31)));
}

#[test]
fn the_restart_time_has_twelve_bits() {
    let restart = |restart_time, restarted| {
        let graceful_restart = Some(GracefulRestartConfig { restart_time, restarted });
        let config = PeerConfig { graceful_restart, ..config() };
        match capability(config, |capability| matches!(capability, Capability::GracefulRestart(_))) {
            Some(Capability::GracefulRestart(restart)) => restart,
            other => panic!("{other:?}"),
        }
    };
    let first = restart(seconds(30), false);
    let expected = GracefulRestart {
        restarting: false,
        notification: true,
        restart_time: 30,
        families: vec![(1, 1, false), (2, 1, false)],
    };
    assert_eq!(first, expected);
    let again = GracefulRestart { restarting: true, families: vec![(1, 1, true), (2, 1, true)], ..expected };
    assert_eq!(restart(seconds(30), true), again);
    assert_eq!(restart(seconds(4096), true).restart_time, 4095);
    assert_eq!(restart(seconds(1 << 40), true).restart_time, 4095);
}
