//! Which pool, which address.

use super::*;

#[test]
fn the_first_address_in_the_order_written() {
    let mut a = allocator(vec![pool("p", &["192.0.2.8-192.0.2.9", "192.0.2.0/31"])]);
    let given: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| give(&mut a, name)).into();
    assert_eq!(
        given,
        [
            "assign 192.0.2.8 (new)",
            "assign 192.0.2.9 (new)",
            "assign 192.0.2.0 (new)",
            "assign 192.0.2.1 (new)",
            "pending no available IPs: pool \"p\": all 4 IPv4 addresses are in use",
        ]
    );
}

#[test]
fn pinned_pools_by_priority_then_name_then_the_others() {
    let mut a = allocator(vec![
        pool("open", &["192.0.2.0/32"]),
        pinned(pool("z-first", &["192.0.2.1/32"]), 1, &[]),
        pinned(pool("b-last", &["192.0.2.2/32"]), 0, &[]),
        pinned(pool("a-negative", &["192.0.2.3/32"]), -1, &[]),
        pinned(pool("m-later", &["192.0.2.4/32"]), 20, &[]),
    ]);
    let given = ["a", "b", "c", "d", "e"].map(|name| give(&mut a, name));
    let order = [1, 4, 3, 2, 0].map(|last| format!("assign 192.0.2.{last} (new)"));
    assert_eq!(given, order);
}

#[test]
fn a_pool_is_for_whom_it_says() {
    let mut by_label = pool("by-label", &["192.0.2.1/32"]);
    by_label.service_allocation =
        Some(ServiceAllocation { service_selectors: vec![selector("app", "x")], ..ServiceAllocation::default() });
    let mut nobody = pool("nobody", &["192.0.2.2/32"]);
    nobody.service_allocation =
        Some(ServiceAllocation { namespace_selectors: vec![selector("team", "none")], ..ServiceAllocation::default() });
    let bank = pinned(pool("bank", &["192.0.2.3/32"]), 1, &["bank"]);
    let manual = IpAddressPool { auto_assign: false, ..pool("manual", &["192.0.2.4/32"]) };
    let mut a = allocator(vec![by_label, nobody, bank, manual]);

    assert_eq!(
        give(&mut a, "web"),
        "pending no available IPs: pool \"bank\": does not serve namespace \"shop\"; pool \"by-label\": its \
         serviceSelectors don't match the Service's labels; pool \"nobody\": does not serve namespace \"shop\"; \
         pool \"manual\": autoAssign is false, it must be asked for"
    );
    assert_eq!(give(&mut a, "x"), "assign 192.0.2.1 (new)");
    assert_eq!(apply(&mut a, &mut from_pool(service("m"), "manual")), "assign 192.0.2.4 (new)");
    let asked = [("b", "bank"), ("n", "nobody")].map(|(name, pool)| apply(&mut a, &mut from_pool(service(name), pool)));
    assert!(asked.iter().all(|told| told.contains("does not serve namespace")), "{asked:?}");
    assert_eq!(
        apply(&mut a, &mut asking(service("c"), "192.0.2.3")),
        "pending pool bank not compatible for ip assignment: does not serve namespace \"shop\""
    );
}

#[test]
fn requested_addresses() {
    let manual = IpAddressPool { auto_assign: false, ..pool("manual", &["192.0.2.16/30", "2001:db8::/126"]) };
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"]), manual]);
    assert_eq!(apply(&mut a, &mut asking(service("a"), "192.0.2.17")), "assign 192.0.2.17 (new)");
    let mut told = |mut request: ServiceRequest| apply(&mut a, &mut request);
    assert_eq!(
        told(asking(service("b"), "198.51.100.7")),
        "pending [\"198.51.100.7\"] is not allowed in config: no pool has 198.51.100.7; the pools are: manual \
         (192.0.2.16/30, 2001:db8::/126); p (192.0.2.0/30)"
    );
    assert_eq!(told(asking(service("c"), "192.0.2.17")), "pending \"192.0.2.17\" is in use by shop/a");
    assert_eq!(
        told(asking(dual("d", FamilyPolicy::RequireDualStack), "2001:db8::1,192.0.2.18")),
        "assign 2001:db8::1 192.0.2.18 (new)"
    );
    let two_pools = told(asking(dual("e", FamilyPolicy::RequireDualStack), "192.0.2.1,2001:db8::2"));
    assert!(two_pools.contains("one pool must have both"), "{two_pools}");
    assert!(told(asking(service("f"), "2001:db8::3")).contains("does not match the ipFamily"));
    assert!(told(asking(service("g"), "what")).contains("invalid metallb.io/loadBalancerIPs"));
    let both = Wish { addresses: ips("192.0.2.1"), pool: Some("manual".into()) };
    assert_eq!(
        told(ServiceRequest { wish: Ok(both), ..service("h") }),
        "pending requested loadBalancer IP(s) [\"192.0.2.1\"] is not compatible with requested address pool manual"
    );
    assert!(told(from_pool(service("i"), "none")).starts_with("pending unknown pool \"none\"; the pools are: manual"));
}

#[test]
fn avoided_addresses_are_never_given_and_never_taken_away() {
    let avoiding = IpAddressPool { avoid_buggy_ips: true, ..pool("p", &["192.0.2.254-192.0.3.1"]) };
    let mut a = allocator(vec![pool("p", &["192.0.2.254-192.0.3.1"])]);
    let mut first = asking(service("a"), "192.0.2.255");
    apply(&mut a, &mut first);
    a.set_config(config(vec![avoiding]));
    assert_eq!(apply(&mut a, &mut first), "keep 192.0.2.255");
    assert!(apply(&mut a, &mut asking(service("b"), "192.0.3.0")).contains("avoidBuggyIPs"));
    assert_eq!(give(&mut a, "c"), "assign 192.0.2.254 (new)");
    assert_eq!(give(&mut a, "d"), "assign 192.0.3.1 (new)");
    assert!(give(&mut a, "e").contains("all 2 IPv4 addresses"));
}

#[test]
fn without_pools_it_says_so() {
    let mut a = Allocator::new();
    assert_eq!(give(&mut a, "a"), "pending there is no IPAddressPool: create one");
    assert_eq!(a.set_config(config(vec![pool("p", &["192.0.2.0/32"])])), [ServiceKey::new("shop", "a")]);
}

#[test]
fn a_pool_that_is_not_accepted_hands_out_nothing_and_keeps_what_came_from_it() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut first = service("a");
    apply(&mut a, &mut first);
    a.set_config(config(vec![pool("p", &["192.0.2.0/33"])]));
    assert_eq!(apply(&mut a, &mut first), "keep 192.0.2.0");
    assert_eq!(a.usage("p").unwrap().retained, 1);
    let why = "no available IPs: pool \"p\": is not accepted, its own conditions say why";
    assert_eq!(give(&mut a, "b"), format!("pending {why}"));
    assert_eq!(apply(&mut a, &mut from_pool(service("c"), "p")), format!("pending {why}"));
    assert!(apply(&mut a, &mut from_pool(service("d"), "q")).ends_with("the pools are: p (not accepted)"));
}

#[test]
fn usage_counts_and_saturates() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "fd00::/16"])]);
    let mut first = dual("a", FamilyPolicy::RequireDualStack);
    apply(&mut a, &mut first);
    apply(&mut a, &mut sharing(asking(service("b"), "192.0.2.3"), "k", 80));
    apply(&mut a, &mut sharing(asking(service("c"), "192.0.2.3"), "k", 81));
    let usage = a.usage("p").unwrap();
    assert_eq!((usage.assigned_v4, usage.assigned_v6, usage.available_v4), (2, 1, 2));
    assert_eq!(usage.available_v6, u64::MAX);
    a.release(&first.key);
    let usage = a.usage("p").unwrap();
    assert_eq!((usage.assigned_v4, usage.assigned_v6, usage.available_v4), (1, 0, 3));
    assert_eq!(a.usage("none"), None);
}

#[test]
fn huge_pools_cost_what_small_ones_do() {
    let mut a = allocator(vec![
        IpAddressPool { avoid_buggy_ips: true, ..pool("v4", &["10.0.0.0/8"]) },
        pool("v6", &["fd00::/16", "fd01::/16"]),
    ]);
    for number in 0..600 {
        give(&mut a, &format!("s{number}"));
    }
    // 254 in each /24, and .0 and .255 never.
    assert_eq!(give(&mut a, "next"), "assign 10.0.2.93 (new)");
    let mut six = ServiceRequest { families: vec![Family::V6], ..service("six") };
    assert_eq!(apply(&mut a, &mut six), "assign fd00:: (new)");
}
