//! Two speakers and the wires between them, in virtual time: whatever the delays, and though connections keep no order
//! between them, both ends come to be established over the same one connection, and stay so.
#![cfg(test)]

mod ordinary;
mod wires;

use std::net::Ipv4Addr;
use std::time::Duration;

use herald_bgp::state::{Event, GracefulRestartConfig, PeerConfig, RemoteAs, Session};
use herald_bgp::{Asn, Family, HoldTime, RouterId};
use ordinary::OrdinaryPeer;
use proptest::prelude::*;
use wires::{End, Speaker, World};

fn asn(number: u32) -> Asn {
    Asn::new(number).expect("not 0")
}

fn router_id(last: u8) -> RouterId {
    RouterId::new(Ipv4Addr::new(10, 0, 0, last)).expect("not 0")
}

/// The two ends: one in AS 64512, the other in 64513, or in the same.
fn configs(ids: [u8; 2], internal: bool, restart: bool, seeds: [u64; 2]) -> [PeerConfig; 2] {
    let asns = [asn(64512), asn(if internal { 64512 } else { 64513 })];
    let graceful_restart =
        restart.then_some(GracefulRestartConfig { restart_time: Duration::from_secs(30), restarted: false });
    [0, 1].map(|end: End| PeerConfig {
        local_asn: asns[end],
        shown_asn: None,
        remote: RemoteAs::Exactly(asns[1 - end]),
        router_id: router_id(ids[end]),
        hold_time: HoldTime::DEFAULT,
        keepalive: None,
        connect_retry: Duration::from_secs(120),
        families: Family::ALL.into(),
        extended_next_hop: false,
        graceful_restart,
        passive: false,
        delay_open: None,
        host_name: None,
        seed: seeds[end],
    })
}

fn sessions(configs: [PeerConfig; 2]) -> [Box<dyn Speaker>; 2] {
    configs.map(|config| -> Box<dyn Speaker> { Box::new(Session::new(config).expect("families")) })
}

/// Which end of these is the higher one; AS 64513 is at end 1.
fn higher(ids: [u8; 2]) -> End {
    End::from(ids[0] <= ids[1])
}

fn identifiers() -> impl Strategy<Value = [u8; 2]> {
    prop_oneof![Just([1, 2]), Just([2, 1]), Just([3, 3])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_connect_and_one_connection_is_left(
        delays in prop::collection::vec(1_u16..2_000, 1..60),
        ids in identifiers(),
        start in 0_u64..3_000,
        restart: bool,
        delay_open in [prop::option::of(0_u64..8), prop::option::of(0_u64..8)],
        seeds: [u64; 2],
    ) {
        let mut configs = configs(ids, false, restart, seeds);
        for (config, delay) in configs.iter_mut().zip(delay_open) {
            config.delay_open = delay.map(Duration::from_secs);
        }
        let mut world = World::new(sessions(configs), [true, true], delays);
        world.handle(0, Event::Start, None);
        world.run(Duration::from_millis(start));
        world.handle(1, Event::Start, None);
        world.run(Duration::from_secs(60));
        prop_assert!(world.agree(), "{:?}", world.speakers);
        let ups = world.ups();
        // The lower end may be established on the wrong one for a moment; the other never is.
        prop_assert!(ups.iter().all(|ups| *ups <= 2), "{:?}", ups);
        prop_assert_eq!(ups[higher(ids)], 1);
        world.run(Duration::from_secs(3_600));
        prop_assert!(world.agree() && world.ups() == ups, "it stays");
    }

    /// Such a peer may close the connection that we keep, and so on: but not for ever.
    #[test]
    fn it_ends_well_with_a_peer_that_resolves_by_itself(
        delays in prop::collection::vec(1_u16..2_000, 1..60),
        ids in identifiers(),
        start in 0_u64..3_000,
        ours_first: bool,
        seeds: [u64; 2],
    ) {
        let configs = configs(ids, false, false, seeds);
        let [ours, _] = sessions(configs);
        let world = [ours, Box::new(OrdinaryPeer::new(asn(64513), router_id(ids[1]), seeds[1]))];
        let mut world = World::new(world, [true, true], delays);
        let first = End::from(!ours_first);
        world.handle(first, Event::Start, None);
        world.run(Duration::from_millis(start));
        world.handle(1 - first, Event::Start, None);
        world.run(Duration::from_secs(600));
        prop_assert!(world.agree(), "{:?}", world.speakers);
        let ups = world.ups();
        world.run(Duration::from_secs(3_600));
        prop_assert!(world.agree() && world.ups() == ups, "it stays");
    }

    #[test]
    fn one_connects_and_the_other_listens(
        delays in prop::collection::vec(1_u16..2_000, 1..20),
        passive: bool,
        starts in [0_u64..200_000, 0_u64..200_000],
        seeds: [u64; 2],
    ) {
        let mut configs = configs([1, 2], true, false, seeds);
        configs[1].passive = passive;
        let mut world = World::new(sessions(configs), [false, true], delays);
        let first = End::from(starts[1] < starts[0]);
        for end in [first, 1 - first] {
            world.run(Duration::from_millis(starts[end]));
            world.handle(end, Event::Start, None);
        }
        // An attempt every 120 s at worst, and what it takes.
        world.run(Duration::from_millis(starts[1 - first]) + Duration::from_secs(140));
        prop_assert!(world.agree(), "{:?}", world.speakers);
    }

    #[test]
    fn a_session_that_is_reset_comes_back(
        delays in prop::collection::vec(1_u16..500, 1..60),
        resets in prop::collection::vec((any::<bool>(), 0_u64..100_000), 1..12),
        restart: bool,
        seeds: [u64; 2],
    ) {
        let mut world = World::new(sessions(configs([1, 2], false, restart, seeds)), [true, true], delays);
        world.handle(0, Event::Start, None);
        world.handle(1, Event::Start, None);
        for (end, after) in resets {
            let end = End::from(end);
            let until = world.now + Duration::from_millis(after);
            world.run(until);
            world.handle(end, Event::Stop(None), None);
            world.handle(end, Event::Start, None);
        }
        let until = world.now + Duration::from_secs(300);
        world.run(until);
        prop_assert!(world.agree(), "{:?}", world.speakers);
    }

    #[test]
    fn a_silent_wire_is_noticed_by_both_after_the_hold_time(at in 1_000_u64..200_000, seeds: [u64; 2]) {
        let mut world = World::new(sessions(configs([1, 2], false, false, seeds)), [true, true], vec![10]);
        world.handle(0, Event::Start, None);
        world.handle(1, Event::Start, None);
        let cut = Duration::from_millis(at);
        world.run(cut);
        prop_assert!(world.agree());
        world.cut();
        // The last KEEPALIVE came in the last 30 s.
        world.run(cut + Duration::from_secs(59));
        prop_assert!(world.is_up(0) && world.is_up(1));
        world.run(cut + Duration::from_secs(90));
        prop_assert!(!world.is_up(0) && !world.is_up(1));
    }
}
