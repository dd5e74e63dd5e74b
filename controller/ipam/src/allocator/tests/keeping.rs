//! A Service keeps its address.

use super::*;
use crate::Remark;

#[test]
fn no_edit_of_a_pool_moves_anything() {
    let before = || pool("p", &["192.0.2.0/29"]);
    let edits: [Vec<IpAddressPool>; 7] = [
        vec![],
        vec![pool("p", &["192.0.2.4/30"])],
        vec![pool("renamed", &["192.0.2.0/29"])],
        vec![pool("p", &["192.0.2.4/30"]), pool("split", &["192.0.2.0/30"])],
        vec![pinned(before(), 1, &["bank"])],
        vec![IpAddressPool { auto_assign: false, avoid_buggy_ips: true, ..before() }],
        vec![pool("other", &["198.51.100.0/24"])],
    ];
    for wish in [None, Some("p")] {
        for edit in &edits {
            let mut a = allocator(vec![before()]);
            let mut request = wish.map_or_else(|| service("a"), |pool| from_pool(service("a"), pool));
            assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 (new)");
            a.set_config(config(edit.clone()));
            assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.0", "{wish:?} {edit:?}");
            // Nobody else gets it, wherever it is now.
            for number in 0..20 {
                assert!(!give(&mut a, &format!("n{number}")).contains("192.0.2.0 "));
            }
            // Nor does a restart move it, nor the return of the pool.
            let mut restarted = allocator(edit.clone());
            restarted.adopt(&request);
            assert_eq!(apply(&mut restarted, &mut request), "keep 192.0.2.0", "{wish:?} {edit:?}");
            restarted.set_config(config(vec![before()]));
            assert_eq!(apply(&mut restarted, &mut request), "keep 192.0.2.0", "{wish:?} {edit:?}");
            assert_eq!(restarted.usage("p").unwrap().assigned_v4, 1);
        }
    }
}

#[test]
fn retained_and_orphaned_addresses_are_accounted_for() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/29"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    assert_eq!(a.set_config(config(vec![pool("p", &["192.0.2.4/30"])])), std::slice::from_ref(&request.key));
    let usage = a.usage("p").unwrap();
    assert_eq!((usage.assigned_v4, usage.available_v4, usage.retained), (0, 4, 1));
    a.set_config(config(vec![]));
    apply(&mut a, &mut request);
    assert_eq!(request.recorded_pool.as_deref(), Some("p"), "what it came from is remembered");
    a.set_config(config(vec![pool("new", &["192.0.2.0/24"])]));
    apply(&mut a, &mut request);
    assert_eq!(request.recorded_pool.as_deref(), Some("new"));
    assert_eq!(a.usage("new").unwrap().assigned_v4, 1);
}

#[test]
fn an_older_pool_over_it_changes_nothing() {
    let aged = |name: &str, created, addresses| {
        let mut pool = pool(name, addresses);
        pool.meta.created = created;
        pool
    };
    let mut a = allocator(vec![aged("young", 2, &["192.0.2.0/30"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    a.set_config(config(vec![aged("young", 2, &["192.0.2.0/30"]), aged("old", 1, &["192.0.2.0/31"])]));
    assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.0");
    assert_eq!(request.recorded_pool.as_deref(), Some("young"));
    assert_eq!((a.usage("young").unwrap().assigned_v4, a.usage("old").unwrap().available_v4), (1, 1));
    let given = ["b", "c", "d"].map(|name| give(&mut a, name));
    assert_eq!(given, ["assign 192.0.2.1 (new)", "assign 192.0.2.2 (new)", "assign 192.0.2.3 (new)"]);
}

#[test]
fn its_own_wish_moves_it() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"]), pool("q", &["198.51.100.0/30"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    let follow = |request: &ServiceRequest, wish: Wish| ServiceRequest { wish: Ok(wish), ..request.clone() };
    request = follow(&request, Wish { pool: Some("q".into()), ..Wish::default() });
    assert_eq!(apply(&mut a, &mut request), "assign 198.51.100.0 (other pool)");
    request = follow(&request, Wish { addresses: ips("192.0.2.2"), pool: None });
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.2 (other addresses)");
    // Taking the wish back moves nothing.
    request = follow(&request, Wish::default());
    assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.2");
    // A wish that can't be had leaves it with nothing, as MetalLB does.
    request = follow(&request, Wish { pool: Some("none".into()), ..Wish::default() });
    assert!(apply(&mut a, &mut request).starts_with("pending unknown pool \"none\""));
}

#[test]
fn a_wish_that_can_not_be_understood_changes_nothing() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    for wrong in ["192.0.2.1,192.0.2.2", "2001:db8::1", "x"] {
        request = asking(request, wrong);
        let Decision::Keep { holding, remarks } = a.decide(&request) else { panic!("must keep it") };
        assert_eq!(holding.addresses, ips("192.0.2.0"));
        assert!(matches!(&remarks[..], [Remark::InvalidWish(_)]));
    }
}

#[test]
fn the_order_of_a_two_address_request_is_kept() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/126"])]);
    let mut request = asking(dual("a", FamilyPolicy::RequireDualStack), "2001:db8::1,192.0.2.1");
    assert_eq!(apply(&mut a, &mut request), "assign 2001:db8::1 192.0.2.1 (new)");
    assert_eq!(apply(&mut a, &mut request), "keep 2001:db8::1 192.0.2.1");
    // An order found in a status stays: the first address elects the node.
    let mut restarted = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/126"])]);
    request.shown.reverse();
    assert_eq!(apply(&mut restarted, &mut request), "keep 192.0.2.1 2001:db8::1");
}

#[test]
fn a_wiped_status_is_restored() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    request.shown.clear();
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 (restored)");
}

#[test]
fn part_of_a_status_is_restored() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/126"])]);
    let mut request = dual("a", FamilyPolicy::RequireDualStack);
    apply(&mut a, &mut request);
    request.shown.pop();
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 2001:db8:: (restored)");
}

#[test]
fn a_status_written_by_hand_counts_if_it_may() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    give(&mut a, "b");
    request.shown = ips("192.0.2.2");
    assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.2");
    for not_its in ["192.0.2.1", "203.0.113.9"] {
        request.shown = ips(not_its);
        assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.2 (restored)");
    }
    assert_eq!(give(&mut a, "c"), "assign 192.0.2.0 (new)");
}

#[test]
fn a_release_wakes_only_who_waits_for_it() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/31"]), pool("q", &["198.51.100.0/32"])]);
    let mut first = from_pool(service("a"), "p");
    apply(&mut a, &mut first);
    apply(&mut a, &mut from_pool(service("b"), "p"));
    apply(&mut a, &mut from_pool(service("c"), "q"));
    for (name, pool) in [("z", "p"), ("y", "q"), ("x", "p")] {
        assert!(apply(&mut a, &mut from_pool(service(name), pool)).starts_with("pending"));
    }
    a.release(&first.key);
    assert_eq!(a.take_woken(), ["z", "x"].map(|name| ServiceKey::new("shop", name)));
    assert_eq!(apply(&mut a, &mut from_pool(service("z"), "p")), "assign 192.0.2.0 (new)");
    assert!(apply(&mut a, &mut from_pool(service("x"), "p")).starts_with("pending"));
    assert_eq!(a.take_woken(), []);
    a.release(&ServiceKey::new("shop", "never-seen"));
}

#[test]
fn an_equal_configuration_disturbs_nobody() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/32"])]);
    give(&mut a, "a");
    give(&mut a, "b");
    assert_eq!(a.set_config(config(vec![pool("p", &["192.0.2.0/32"])])), []);
    assert_eq!(a.set_config(config(vec![pool("p", &["192.0.2.0/31"])])), [ServiceKey::new("shop", "b")]);
}

#[test]
fn before_the_first_decision_the_last_record_counts() {
    // A controller that takes over sees the Service twice before it decides: the last leader's write came in between.
    let mut allocator = allocator(vec![pool("p", &["192.0.2.0/31"]), pool("q", &["192.0.2.2/31"])]);
    let seen = |shown, pool: &str| ServiceRequest {
        shown: ips(shown),
        recorded_pool: Some(pool.into()),
        ..from_pool(service("web"), "q")
    };
    allocator.adopt(&seen("192.0.2.0", "p"));
    allocator.adopt(&seen("192.0.2.2", "q"));
    // And then an edit of the pools takes the address out of the wanted one.
    allocator.set_config(config(vec![pool("p", &["192.0.2.0/31"]), pool("q", &["192.0.2.4/31"])]));
    assert_eq!(told(&allocator.decide(&seen("192.0.2.2", "q"))), "keep 192.0.2.2");
}
