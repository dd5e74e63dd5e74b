//! What must hold whatever users store: an older schema, or none, may have let it in.

use proptest::prelude::*;

use super::{compile, meta, pool};
use crate::Compilation;
use crate::object::{
    BfdProfile, BgpAdvertisement, BgpPeer, Community, CommunityAlias, LabelSelector, Objects, Password,
};
use crate::verdict::{ConditionType, Kind};

/// A number that some field allows, or none does.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0..=40_i64,
        2 => 64_510..64_515_i64,
        1 => any::<i64>(),
        1 => Just(i64::from(u32::MAX)),
    ]
}

fn port() -> impl Strategy<Value = i32> {
    prop_oneof![3 => Just(179), 1 => any::<i32>()]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    let known = proptest::sample::select(words).prop_map(|word| Some(word.to_owned()));
    prop_oneof![4 => Just(None), 4 => known, 1 => ".{0,12}".prop_map(Some)]
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(word(words), 0..3).prop_map(|all| all.into_iter().flatten().collect())
}

fn selectors() -> impl Strategy<Value = Vec<LabelSelector>> {
    let selector = words(&["rack", "no key"]).prop_map(|keys| LabelSelector {
        match_labels: keys.into_iter().map(|key| (key, "a".into())).collect(),
        ..LabelSelector::default()
    });
    proptest::collection::vec(selector, 0..3)
}

prop_compose! {
    fn peer(name: &'static str)(
        (created, my_asn, peer_asn, local_asn, hops) in (
            0..3_i64, number(), proptest::option::of(number()), proptest::option::of(number()),
            proptest::option::of(number()),
        ),
        peer_port in port(),
        dynamic_asn in word(&["internal", "external", ""]),
        (peer_address, interface, source_address, router_id) in (
            word(&["192.0.2.1", "2001:db8::1", "fe80::1", ""]), word(&["eth0", ""]),
            word(&["192.0.2.2", "2001:db8::2"]), word(&["192.0.2.9", "0.0.0.0"]),
        ),
        (hold_time, keepalive_time, connect_time) in (
            word(&["0s", "3s", "90s", "1h", "999999999999h"]), word(&["0s", "1s", "30s", "21845s"]), word(&["1s", "1m"]),
        ),
        node_selectors in selectors(),
        (password, password_secret, bfd_profile, vrf) in (
            word(&["secret", ""]), word(&["bgp", ""]), word(&["fast", "gone"]), word(&["red", ""]),
        ),
        flags in any::<[bool; 3]>(),
    ) -> BgpPeer {
        let [enable_graceful_restart, ebgp_multi_hop, dual_stack_address_family] = flags;
        BgpPeer {
            meta: meta(name, created),
            my_asn, peer_asn, dynamic_asn, local_asn, peer_address, interface, source_address, peer_port, hold_time,
            keepalive_time, connect_time, router_id, node_selectors,
            password: password.map(Password::new),
            password_secret, bfd_profile, enable_graceful_restart, ebgp_multi_hop, vrf, dual_stack_address_family,
            ttl_security_hops: hops,
        }
    }
}

prop_compose! {
    fn advertisement(name: &'static str)(
        (created, v4, v6, local_pref, med, prepend) in (
            0..3_i64, prop_oneof![Just(32), number()], prop_oneof![Just(128), number()],
            proptest::option::of(number()), proptest::option::of(number()), proptest::option::of(number()),
        ),
        communities in words(&["64512:1", "large:1:2:3", "vpn", "far", "no-export"]),
        ip_address_pools in words(&["p", "q", "gone"]),
        peers in words(&["r1", "r2", "gone"]),
        (node_selectors, service_selectors, ip_address_pool_selectors) in (selectors(), selectors(), selectors()),
        well_known_communities in words(&["no-export", "no-peer"]),
        extended_communities in words(&["rt:1:2", "0x0002000100000002"]),
        aggregate_always in any::<Option<bool>>(),
    ) -> BgpAdvertisement {
        BgpAdvertisement {
            meta: meta(name, created),
            aggregation_length: v4,
            aggregation_length_v6: v6,
            local_pref, communities, ip_address_pools, ip_address_pool_selectors, node_selectors, peers,
            service_selectors, well_known_communities, extended_communities,
            as_path_prepend: prepend,
            med, aggregate_always,
        }
    }
}

prop_compose! {
    fn community(name: &'static str)(
        created in 0..3_i64,
        entries in proptest::collection::vec((word(&["vpn", "far"]), word(&["1:2", "64512:1", "large:1:2:3"])), 0..4),
    ) -> Community {
        let entry = |(name, value): (Option<String>, Option<String>)| {
            CommunityAlias { name: name.unwrap_or_default(), value: value.unwrap_or_default() }
        };
        Community { meta: meta(name, created), communities: entries.into_iter().map(entry).collect() }
    }
}

prop_compose! {
    fn objects()(
        bgp_peers in (peer("r1"), peer("r2")),
        bgp_advertisements in (advertisement("a1"), advertisement("a2"), advertisement("a3")),
        communities in (community("c1"), community("c2")),
    ) -> Objects {
        Objects {
            pools: vec![pool("p", 1, &["10.0.0.0/24", "fd00::/64"]), pool("q", 2, &["10.9.0.3-10.9.0.77"])],
            bgp_peers: vec![bgp_peers.0, bgp_peers.1],
            bgp_advertisements: vec![bgp_advertisements.0, bgp_advertisements.1, bgp_advertisements.2],
            communities: vec![communities.0, communities.1],
            bfd_profiles: vec![BfdProfile { meta: meta("fast", 1), ..BfdProfile::default() }],
            ..Objects::default()
        }
    }
}

/// A peer that is in order.
fn good() -> BgpPeer {
    BgpPeer {
        meta: meta("good", 9),
        my_asn: 64512,
        peer_asn: Some(64513),
        peer_address: Some("192.0.2.1".into()),
        peer_port: 179,
        ..BgpPeer::default()
    }
}

/// Compiles BGP's objects beside a pool and a peer that are in order.
fn with_good_ones(objects: &Objects) -> Compilation {
    let mut objects = objects.clone();
    objects.bgp_peers.push(good());
    let only = BgpAdvertisement { meta: meta("good", 9), peers: vec!["good".into()], ..BgpAdvertisement::default() };
    objects.bgp_advertisements.push(only);
    compile(&objects)
}

proptest! {
    #[test]
    fn whatever_can_be_stored_ends_as_a_verdict(objects in objects()) {
        let Compilation { config, verdicts } = compile(&objects);
        let count = |kind| verdicts.iter().filter(|verdict| verdict.kind == kind).count();
        prop_assert_eq!((count(Kind::BgpPeer), count(Kind::BgpAdvertisement), count(Kind::Community)), (2, 3, 2));
        let mut sorted = verdicts.clone();
        sorted.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        prop_assert_eq!(&sorted, &verdicts);
        for verdict in &verdicts {
            let accepted = verdict.condition(ConditionType::Accepted);
            prop_assert!(accepted.is_some_and(|accepted| !accepted.message.is_empty()));
            prop_assert!(verdict.conditions.is_sorted_by(|a, b| a.kind < b.kind));
            prop_assert!(verdict.conditions.iter().all(|condition| condition.message.len() < 16_000));
        }
        for peer in config.bgp_peers() {
            prop_assert!(peer.keepalive_time <= peer.hold_time && peer.my_asn > 0 && peer.port > 0);
            let hold = peer.hold_time.as_secs();
            prop_assert!(hold == 0 || (3..=65_535).contains(&hold));
        }
        for one in config.bgp_advertisements() {
            prop_assert!((1..=32).contains(&one.length_v4) && (1..=128).contains(&one.length_v6));
            prop_assert!(one.service_selectors.is_empty() || (one.length_v4, one.length_v6) == (32, 128));
        }
        // An accepted object is used, one that is not used says so.
        for verdict in verdicts.iter().filter(|verdict| verdict.is_accepted()) {
            let used = match verdict.kind {
                Kind::BgpPeer => config.bgp_peer(&verdict.name).is_some(),
                Kind::BgpAdvertisement => config.bgp_advertisements().iter().any(|one| one.name == verdict.name),
                _ => true,
            };
            prop_assert!(used, "{} {}", verdict.kind.as_str(), verdict.name);
        }
    }

    #[test]
    fn the_order_of_objects_is_irrelevant(objects in objects()) {
        let mut turned = objects.clone();
        turned.bgp_peers.reverse();
        turned.bgp_advertisements.rotate_left(1);
        turned.communities.reverse();
        prop_assert_eq!(compile(&turned), compile(&objects));
    }

    #[test]
    fn a_bad_object_spoils_only_itself(objects in objects()) {
        let Compilation { config, verdicts } = with_good_ones(&objects);
        let alone = with_good_ones(&Objects { pools: objects.pools.clone(), ..Objects::default() });
        prop_assert_eq!(config.bgp_peer("good"), alone.config.bgp_peer("good"));
        let find = |config: &crate::Config| {
            config.bgp_advertisements().iter().find(|one| one.name == "good").cloned()
        };
        prop_assert_eq!(find(&config), find(&alone.config));
        for verdict in verdicts.iter().filter(|verdict| verdict.name == "good") {
            prop_assert!(!verdict.needs_attention(), "{:?}", verdict);
        }
        prop_assert_eq!(config.pools(), alone.config.pools());
    }
}
