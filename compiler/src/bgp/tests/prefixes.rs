//! Which prefixes a Service is announced as.

use std::net::IpAddr;

use proptest::prelude::*;

use super::{advertisement, shared, with_lengths};
use crate::bgp::{Prefix, Wanted, wanted};
use crate::config::{BgpAdvertisement, Config, Home};
use crate::object::{IpAddressPool, ObjectMeta, Objects};
use crate::{AddressRange, compile};

fn config(addresses: &[&str]) -> std::sync::Arc<Config> {
    let pool = |name: &str, addresses: &[&str]| IpAddressPool {
        meta: ObjectMeta { name: name.into(), ..ObjectMeta::default() },
        addresses: addresses.iter().map(|item| (*item).into()).collect(),
        auto_assign: true,
        ..IpAddressPool::default()
    };
    let pools = vec![pool("p", addresses), pool("other", &["172.16.0.0/16"])];
    compile(&Objects { pools, ..Objects::default() }).config
}

fn names(wanted: &Wanted) -> Vec<String> {
    let name = |(prefix, all): (&Prefix, &Vec<std::sync::Arc<BgpAdvertisement>>)| {
        let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
        format!("{prefix} {}", names.join("+"))
    };
    wanted.routes.iter().map(name).collect()
}

/// What a Service with these addresses, which came from pool `p`, is announced as.
fn routes(config: &Config, all: Vec<BgpAdvertisement>, addresses: &[&str], may: impl FnMut(Prefix) -> bool) -> Wanted {
    let home = |address: &&str| {
        let address: IpAddr = address.parse().unwrap();
        (address, config.home_of(address, Some("p")))
    };
    let addresses: Vec<_> = addresses.iter().map(home).collect();
    wanted(&shared(all), &addresses, may)
}

#[test]
fn every_advertisement_has_its_prefix() {
    let config = config(&["10.0.0.0/16", "fd00::/64"]);
    let all = vec![with_lengths(24, 128, advertisement("wide", 1)), advertisement("hosts", 2)];
    let found = routes(&config, all, &["10.0.7.9", "fd00::1"], |_| true);
    assert_eq!(names(&found), ["10.0.7.0/24 wide", "10.0.7.9/32 hosts", "fd00::1/128 wide+hosts"]);
    assert!(found.suppressed.is_empty());
}

#[test]
fn two_addresses_below_one_aggregate_want_it_once() {
    let config = config(&["10.0.0.0/16"]);
    let all = vec![with_lengths(24, 128, advertisement("wide", 1))];
    assert_eq!(names(&routes(&config, all, &["10.0.7.9", "10.0.7.10"], |_| true)), ["10.0.7.0/24 wide"]);
}

#[test]
fn what_left_its_pool_is_announced_alone() {
    let config = config(&["10.0.0.0/16"]);
    let all = || vec![with_lengths(24, 128, advertisement("wide", 1))];
    assert_eq!(names(&routes(&config, all(), &["192.0.2.7"], |_| true)), ["192.0.2.7/32 wide"]);
    // Orphaned: the caller knows who covered it.
    let address: IpAddr = "192.0.2.7".parse().unwrap();
    let found = wanted(&shared(all()), &[(address, Home::Orphaned)], |_| true);
    assert_eq!(names(&found), ["192.0.2.7/32 wide"]);
}

#[test]
fn an_advertisement_says_nothing_of_pools_that_it_does_not_cover() {
    let config = config(&["10.0.0.0/16"]);
    let found = routes(&config, vec![advertisement("of-p", 1)], &["172.16.0.1", "10.0.0.1"], |_| true);
    assert_eq!(names(&found), ["10.0.0.1/32 of-p"]);
}

#[test]
fn an_aggregate_that_holds_more_than_the_pool_is_not_announced() {
    let config = config(&["10.0.0.0/28", "10.1.0.10-10.1.0.250", "10.2.0.0/24"]);
    let all = |length| vec![with_lengths(length, 128, advertisement("wide", 1))];
    let one = |length, address: &str| names(&routes(&config, all(length), &[address], |_| true)).remove(0);
    assert_eq!(one(24, "10.0.0.5"), "10.0.0.5/32 wide");
    assert_eq!(one(24, "10.2.0.5"), "10.2.0.0/24 wide");
    // 10.1.0.64/26 lies in the second item, so /26 is taken for all of it, as MetalLB does.
    assert_eq!(one(26, "10.1.0.11"), "10.1.0.0/26 wide");
    assert_eq!(one(25, "10.1.0.11"), "10.1.0.11/32 wide");
}

#[test]
fn a_node_that_can_not_serve_all_of_an_aggregate_announces_host_routes() {
    let config = config(&["10.0.0.0/16", "fd00::/64"]);
    let wide = with_lengths(24, 80, advertisement("wide", 1));
    let only_v6 = |prefix: Prefix| prefix.family() == crate::Family::V6;
    let found = routes(&config, vec![wide.clone()], &["10.0.7.9", "fd00::1"], only_v6);
    assert_eq!(names(&found), ["10.0.7.9/32 wide", "fd00::/80 wide"]);
    assert_eq!(found.suppressed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.7.0/24"]);
    let always = BgpAdvertisement { aggregate_always: true, ..wide };
    let found = routes(&config, vec![always], &["10.0.7.9"], |_| false);
    assert_eq!(names(&found), ["10.0.7.0/24 wide"]);
    assert!(found.suppressed.is_empty());
}

#[test]
fn only_aggregates_are_asked_about() {
    let config = config(&["10.0.0.0/16"]);
    routes(&config, vec![advertisement("hosts", 1)], &["10.0.7.9", "192.0.2.1"], |prefix| panic!("{prefix}"));
}

#[test]
fn prefixes_hold_their_addresses() {
    let prefix = |text: &str, length| Prefix::new(text.parse().unwrap(), length);
    assert_eq!(prefix("192.0.2.77", 24).unwrap().to_string(), "192.0.2.0/24");
    assert_eq!(prefix("192.0.2.77", 0).unwrap().range(), AddressRange::parse("0.0.0.0/0").unwrap());
    assert_eq!(prefix("2001:db8::77", 0).unwrap().range(), AddressRange::parse("::/0").unwrap());
    assert_eq!(prefix("2001:db8::77", 64).unwrap().range(), AddressRange::parse("2001:db8::/64").unwrap());
    assert_eq!((prefix("192.0.2.77", 33), prefix("::", 129)), (None, None));
    assert!(prefix("192.0.2.77", 32).unwrap().is_host());
}

proptest! {
    /// Whatever is asked for: each address lies in one prefix per advertisement, and that is either a host route or
    /// as long as the advertisement says.
    #[test]
    fn every_address_is_announced_by_everyone_who_covers_it(
        lengths in proptest::collection::vec((1..=32_u8, any::<bool>()), 1..4),
        hosts in proptest::collection::btree_set(0..300_u32, 1..6),
        refused in 0..=32_u8,
    ) {
        let config = config(&["10.0.0.0/25", "10.0.0.130-10.0.0.200"]);
        let all: Vec<_> = lengths.iter().enumerate().map(|(index, (length, always))| BgpAdvertisement {
            aggregate_always: *always,
            ..with_lengths(*length, 128, advertisement(&format!("a{index}"), 7 - i64::try_from(index).unwrap()))
        }).collect();
        let addresses: Vec<String> = hosts.iter().map(|host| format!("10.0.{}.{}", host / 256, host % 256)).collect();
        let texts: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let found = routes(&config, all.clone(), &texts, |prefix| prefix.length() != refused);
        for text in texts {
            let address: IpAddr = text.parse().unwrap();
            for one in &all {
                let covering: Vec<_> = found.routes.iter()
                    .filter(|(prefix, names)| prefix.contains(address) && names.iter().any(|name| name.name == one.name))
                    .map(|(prefix, _)| *prefix)
                    .collect();
                prop_assert!(!covering.is_empty(), "{address} is not announced by {}", one.name);
                for prefix in covering {
                    prop_assert!(prefix.is_host() || prefix.length() == one.length_v4);
                    prop_assert!(prefix.is_host() || one.aggregate_always || prefix.length() != refused);
                }
            }
        }
        let mut reversed = all;
        reversed.reverse();
        let texts: Vec<&str> = addresses.iter().rev().map(String::as_str).collect();
        prop_assert_eq!(routes(&config, reversed, &texts, |prefix| prefix.length() != refused), found);
    }
}
