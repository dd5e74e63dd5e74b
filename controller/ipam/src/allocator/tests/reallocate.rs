//! A user asks for a Service to be moved once.

use super::*;
use crate::{NotMoved, Remark};

/// Moves, and writes the decision into the request as the API server would show it.
fn reallocate(allocator: &mut Allocator, request: &mut ServiceRequest) -> String {
    let decision = allocator.reallocate(request);
    assert_eq!(allocator.reallocate(request), decision, "asking again must say the same");
    if let Decision::Keep { holding, .. } | Decision::Assign { holding, .. } = &decision {
        request.shown.clone_from(&holding.addresses);
        request.recorded_pool.clone_from(&holding.pool);
        let after = allocator.decide(request);
        assert_eq!(after.addresses(), holding.addresses, "what was written must stand");
        assert!(matches!(after, Decision::Keep { .. }));
    }
    match &decision {
        Decision::Keep { remarks, .. } | Decision::Assign { remarks, .. } => {
            let why = remarks.iter().find_map(|remark| match remark {
                Remark::NotMoved(why) => Some(why.to_string()),
                _ => None,
            });
            why.map_or_else(|| told(&decision), |why| format!("{}: {why}", told(&decision)))
        }
        Decision::Pending { .. } => told(&decision),
    }
}

#[test]
fn it_goes_where_a_new_one_would_but_not_where_it_is() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut first = service("a");
    apply(&mut a, &mut first);
    give(&mut a, "b");
    assert_eq!(reallocate(&mut a, &mut first), "assign 192.0.2.2 (reallocated)");
    // What it left is free, and a second request moves it again.
    assert_eq!(reallocate(&mut a, &mut first), "assign 192.0.2.0 (reallocated)");
}

#[test]
fn it_leaves_retained_and_orphaned_addresses() {
    for after in [vec![pool("p", &["192.0.2.4/30"])], vec![pool("new", &["192.0.2.4/30"])]] {
        let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
        let mut request = service("a");
        apply(&mut a, &mut request);
        a.set_config(config(after));
        assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.0");
        assert_eq!(reallocate(&mut a, &mut request), "assign 192.0.2.4 (reallocated)");
        assert_eq!(a.retained("p").count(), 0);
    }
}

#[test]
fn it_keeps_what_it_has_when_there_is_nothing_else() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/31"])]);
    let mut first = service("a");
    apply(&mut a, &mut first);
    give(&mut a, "b");
    let why = "no available IPs: pool \"p\": all 2 IPv4 addresses are in use";
    assert_eq!(reallocate(&mut a, &mut first), format!("keep 192.0.2.0: {why}"));
    a.set_config(config(vec![]));
    assert_eq!(reallocate(&mut a, &mut first), "keep 192.0.2.0: there is no IPAddressPool: create one");
    // It does not wait for it either.
    a.set_config(config(vec![pool("p", &["192.0.2.0/24"])]));
    assert_eq!(apply(&mut a, &mut first), "keep 192.0.2.0");
}

#[test]
fn a_later_pool_is_better_than_to_stay() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/32"]), pool("q", &["198.51.100.0/30"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    assert_eq!(reallocate(&mut a, &mut request), "assign 198.51.100.0 (reallocated)");
    let mut wishes = from_pool(request, "q");
    assert_eq!(reallocate(&mut a, &mut wishes), "assign 198.51.100.1 (reallocated)");
}

#[test]
fn requested_addresses_are_where_it_stays() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut request = asking(service("a"), "192.0.2.3");
    apply(&mut a, &mut request);
    assert!(reallocate(&mut a, &mut request).starts_with("keep 192.0.2.3: it asks for exactly what it has"));
    let other = ServiceRequest { shown: request.shown, ..asking(service("a"), "192.0.2.2") };
    assert_eq!(told(&a.reallocate(&other)), "assign 192.0.2.2 (other addresses)");
    let nonsense = ServiceRequest { shown: ips("192.0.2.2"), ..asking(service("a"), "what") };
    a.adopt(&nonsense);
    let Decision::Keep { remarks, .. } = a.reallocate(&nonsense) else { panic!("must stay") };
    assert!(matches!(&remarks[..], [Remark::InvalidWish(_), Remark::NotMoved(NotMoved::Refused(_))]));
}

#[test]
fn one_member_of_a_group_moves_and_the_others_stay() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut group = [("a", 80), ("b", 81)].map(|(name, port)| sharing(service(name), "k", port));
    for request in &mut group {
        assert_eq!(apply(&mut a, request), "assign 192.0.2.0 (new)");
    }
    let [first, second] = &mut group;
    assert_eq!(reallocate(&mut a, first), "assign 192.0.2.1 (reallocated)");
    assert_eq!(apply(&mut a, second), "keep 192.0.2.0");
    // One without ports could join where it is.
    let mut portless = ServiceRequest { terms: Terms::new(Some("k"), "", []), ..service("c") };
    assert_eq!(apply(&mut a, &mut portless), "assign 192.0.2.0 (new)");
    assert_eq!(reallocate(&mut a, &mut portless), "assign 192.0.2.1 (reallocated)");
}

#[test]
fn of_two_families_as_many_move_as_can() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/126"])]);
    let mut both = dual("a", FamilyPolicy::RequireDualStack);
    apply(&mut a, &mut both);
    assert_eq!(reallocate(&mut a, &mut both), "assign 192.0.2.1 2001:db8::1 (reallocated)");
    for policy in [FamilyPolicy::RequireDualStack, FamilyPolicy::PreferDualStack] {
        // There is no other IPv6 address: it keeps that one.
        let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/128"]), pool("q", &["198.51.100.0/30"])]);
        let mut both = dual("a", policy);
        apply(&mut a, &mut both);
        assert_eq!(reallocate(&mut a, &mut both), "assign 192.0.2.1 2001:db8:: (reallocated)");
        // And does not give up a family to get away.
        let mut a = allocator(vec![pool("p", &["192.0.2.0/32", "2001:db8::/128"]), pool("q", &["198.51.100.0/30"])]);
        let mut both = dual("a", policy);
        apply(&mut a, &mut both);
        assert!(reallocate(&mut a, &mut both).starts_with("keep 192.0.2.0 2001:db8::: "));
        // Not even when both are orphaned.
        a.set_config(config(vec![pool("q", &["198.51.100.0/30"])]));
        assert!(reallocate(&mut a, &mut both).starts_with("keep 192.0.2.0 2001:db8::: "));
    }
}

#[test]
fn a_waiting_service_waits_on_and_an_emptied_status_is_no_way_back() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/31"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    request.shown.clear();
    assert_eq!(reallocate(&mut a, &mut request), "assign 192.0.2.1 (reallocated)");
    give(&mut a, "b");
    assert!(reallocate(&mut a, &mut service("c")).starts_with("pending no available IPs"));
}

#[test]
fn the_younger_of_two_duplicates_can_be_moved() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut both = ["a", "b"].map(|name| ServiceRequest { shown: ips("192.0.2.1"), ..service(name) });
    both.iter().for_each(|request| a.adopt(request));
    for request in &mut both {
        assert_eq!(apply(&mut a, request), "keep 192.0.2.1");
    }
    let _ = a.take_woken();
    let [older, younger] = &mut both;
    assert_eq!(reallocate(&mut a, younger), "assign 192.0.2.0 (reallocated)");
    assert_eq!(a.take_woken(), std::slice::from_ref(&older.key), "the other one is told");
    assert!(matches!(a.decide(older), Decision::Keep { remarks, .. } if remarks.is_empty()));
    assert_eq!(a.duplicates(), 0);
}
