use std::net::IpAddr;

use proptest::prelude::*;

use super::{compile, free, of_pool, pool, pools_only, verdict};
use crate::address::Family;
use crate::object::IpAddressPool;
use crate::verdict::{ConditionType, Kind, Reason};

#[test]
fn the_older_pool_has_the_overlap_and_both_say_so() {
    let compilation = compile(&pools_only(vec![
        pool("young", 200, &["192.168.1.245-192.168.1.254"]),
        pool("old", 100, &["192.168.1.240-192.168.1.250"]),
    ]));
    assert_eq!(free(&compilation.config, "old"), ["192.168.1.240-192.168.1.250"]);
    assert_eq!(free(&compilation.config, "young"), ["192.168.1.251-192.168.1.254"]);

    let young = of_pool(&compilation.verdicts, "young", ConditionType::Accepted);
    assert_eq!((young.status, young.reason), (false, Reason::Overlap));
    assert!(young.message.contains("192.168.1.245-192.168.1.250 (pool \"old\")"));
    let young = of_pool(&compilation.verdicts, "young", ConditionType::Conflicted);
    assert_eq!((young.status, young.reason), (true, Reason::OverlapsOlderPool));

    assert!(verdict(&compilation.verdicts, Kind::IpAddressPool, "old").is_accepted());
    let old = of_pool(&compilation.verdicts, "old", ConditionType::Conflicted);
    assert_eq!((old.status, old.reason), (true, Reason::OverlapsYoungerPool));
    assert!(old.message.contains("192.168.1.245-192.168.1.250 (pool \"young\")"));
}

#[test]
fn of_the_same_age_the_name_decides() {
    let compilation = compile(&pools_only(vec![pool("b", 1, &["10.0.0.0/30"]), pool("a", 1, &["10.0.0.0/30"])]));
    assert_eq!(free(&compilation.config, "a"), ["10.0.0.0/30"]);
    assert!(free(&compilation.config, "b").is_empty());
    let message = &of_pool(&compilation.verdicts, "b", ConditionType::Accepted).message;
    assert!(message.starts_with("no address of this pool is handed out"), "{message}");
}

#[test]
fn repetitions_in_one_pool_count_once() {
    let compilation = compile(&pools_only(vec![pool("twice", 1, &["10.0.0.8/29", "10.0.0.0/28", "10.0.0.8/29"])]));
    assert_eq!(free(&compilation.config, "twice"), ["10.0.0.8/29", "10.0.0.0/29"]);
    let conflicted = of_pool(&compilation.verdicts, "twice", ConditionType::Conflicted);
    assert_eq!((conflicted.status, conflicted.reason), (true, Reason::ListedTwice));
    assert!(conflicted.message.contains("10.0.0.8/29"));
    // Nothing is lost, so the pool is used as written.
    assert!(of_pool(&compilation.verdicts, "twice", ConditionType::Accepted).status);
}

#[test]
fn a_hole_in_the_middle_leaves_both_sides() {
    let compilation = compile(&pools_only(vec![
        pool("hole", 1, &["10.0.0.10-10.0.0.19"]),
        pool("around", 2, &["10.0.0.0-10.0.0.29"]),
    ]));
    let sides = ["10.0.0.0-10.0.0.9", "10.0.0.20-10.0.0.29"];
    assert_eq!(free(&compilation.config, "around"), sides);
}

#[test]
fn the_ends_of_the_address_space() {
    let compilation = compile(&pools_only(vec![
        pool("ends", 1, &["255.255.255.255/32", "0.0.0.0/32", "::/128"]),
        pool("top6", 2, &["ffff::/16"]),
        pool("all", 3, &["0.0.0.0/0", "::/0"]),
    ]));
    let expected = ["0.0.0.1-255.255.255.254", "::1-fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"];
    assert_eq!(free(&compilation.config, "all"), expected);
}

#[test]
fn messages_stay_short_however_much_overlaps() {
    let singles: Vec<String> = (0..1000).map(|n| format!("10.0.{}.{}/32", n / 100, n % 100 * 2)).collect();
    let singles: Vec<&str> = singles.iter().map(String::as_str).collect();
    let compilation = compile(&pools_only(vec![pool("many", 1, &singles), pool("one", 2, &["10.0.0.0/16"])]));
    for name in ["many", "one"] {
        let message = &of_pool(&compilation.verdicts, name, ConditionType::Conflicted).message;
        assert!(message.contains("and 995 more"), "{message}");
        assert!(message.len() < 1000);
    }
    assert_eq!(compilation.config.pool("one").unwrap().capacity().v4, 65_536 - 1000);
}

/// Pools over a space small enough to check every address.
fn small_pools() -> impl Strategy<Value = Vec<IpAddressPool>> {
    let item = (0..48_u8, 0..48_u8).prop_map(|(a, b)| format!("10.0.0.{}-10.0.0.{}", a.min(b), a.max(b)));
    let cidr = (0..48_u8, 27..=32_u8).prop_map(|(base, prefix)| format!("10.0.0.{base}/{prefix}"));
    let bad = Just("bad".to_owned());
    let items = proptest::collection::vec(prop_oneof![8 => item, 4 => cidr, 1 => bad], 0..5);
    proptest::collection::vec((items, 0..3_i64), 0..6).prop_map(|pools| {
        let named = |(index, (items, created)): (usize, (Vec<String>, i64))| {
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            pool(&format!("pool-{index}"), created, &items)
        };
        pools.into_iter().enumerate().map(named).collect()
    })
}

proptest! {
    #[test]
    fn every_listed_address_is_free_in_exactly_one_pool(pools in small_pools()) {
        let compilation = compile(&pools_only(pools.clone()));
        let config = &compilation.config;
        for last in 0..=64 {
            let address: IpAddr = Family::V4.address(0x0a00_0000 + last);
            let listing: Vec<_> = config.pools().iter().filter(|pool| pool.lists(address)).collect();
            let free_in: Vec<_> = config
                .pools()
                .iter()
                .flat_map(|pool| pool.free_ranges.iter().map(move |range| (pool, range)))
                .filter(|(_, range)| range.contains(address))
                .map(|(pool, _)| pool.name.as_str())
                .collect();
            prop_assert_eq!(free_in.len(), usize::from(!listing.is_empty()), "{}", address);
            prop_assert_eq!(config.pool_of(address).map(|pool| pool.name.as_str()), free_in.first().copied());
            // The oldest of those that list it has it.
            let age = |name: &str| pools.iter().find(|p| p.meta.name == name).map(|p| p.meta.created);
            let oldest = listing.iter().min_by_key(|pool| (age(&pool.name), &pool.name));
            prop_assert_eq!(oldest.map(|pool| pool.name.as_str()), free_in.first().copied());
        }
    }

    #[test]
    fn accepted_exactly_if_nothing_is_lost(pools in small_pools()) {
        let compilation = compile(&pools_only(pools));
        for pool in compilation.config.pools() {
            let listed = (0..=64).filter(|n| pool.lists(Family::V4.address(0x0a00_0000 + n))).count();
            let handed_out = pool.capacity().v4;
            let verdict = verdict(&compilation.verdicts, Kind::IpAddressPool, &pool.name);
            let complete = pool.usable && handed_out == u128::try_from(listed).unwrap();
            prop_assert_eq!(verdict.is_accepted(), complete);
        }
    }

    #[test]
    fn the_order_of_objects_is_irrelevant(
        (pools, shuffled) in small_pools().prop_flat_map(|pools| (Just(pools.clone()), Just(pools).prop_shuffle())),
    ) {
        prop_assert_eq!(compile(&pools_only(pools)), compile(&pools_only(shuffled)));
    }
}
