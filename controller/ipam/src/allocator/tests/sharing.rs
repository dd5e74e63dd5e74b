//! One address for several Services.

use super::*;
use crate::Remark;

#[test]
fn the_lowest_usable_address_is_taken_shared_or_free() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let told = |a: &mut Allocator, name, key, port| apply(a, &mut sharing(service(name), key, port));
    assert_eq!(told(&mut a, "a", "k", 80), "assign 192.0.2.0 (new)");
    assert_eq!(told(&mut a, "b", "j", 80), "assign 192.0.2.1 (new)");
    assert_eq!(told(&mut a, "c", "k", 81), "assign 192.0.2.0 (new)");
    assert_eq!(told(&mut a, "d", "k", 80), "assign 192.0.2.2 (new)");
    assert_eq!(told(&mut a, "e", "j", 81), "assign 192.0.2.1 (new)");
    a.release(&ServiceKey::new("shop", "b"));
    a.release(&ServiceKey::new("shop", "e"));
    assert_eq!(told(&mut a, "f", "k", 82), "assign 192.0.2.0 (new)");
    assert_eq!(told(&mut a, "g", "j", 82), "assign 192.0.2.1 (new)");
}

#[test]
fn an_only_user_may_change_its_terms_and_others_may_not() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/31"])]);
    let mut first = sharing(service("a"), "k", 80);
    apply(&mut a, &mut first);
    first.terms = Terms::new(Some("j"), "", [tcp(80)]);
    assert_eq!(apply(&mut a, &mut first), "keep 192.0.2.0");
    let mut second = sharing(service("b"), "j", 81);
    assert_eq!(apply(&mut a, &mut second), "assign 192.0.2.0 (new)");
    // The one that changes is the one that moves.
    second.terms = Terms::new(Some("k"), "", [tcp(81)]);
    assert_eq!(apply(&mut a, &mut second), "assign 192.0.2.1 (sharing)");
    assert_eq!(apply(&mut a, &mut first), "keep 192.0.2.0");
}

#[test]
fn a_service_that_must_leave_has_both_addresses_until_it_shows_the_new_one() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut first = service("a");
    apply(&mut a, &mut first);
    let moved = asking(first.clone(), "192.0.2.3");
    assert_eq!(told(&a.decide(&moved)), "assign 192.0.2.3 (other addresses)");
    // Its status still shows 192.0.2.0, so nobody gets it yet.
    assert_eq!(told(&a.decide(&asking(service("b"), "192.0.2.0"))), "pending \"192.0.2.0\" is in use by shop/a");
    assert_eq!(a.take_woken(), []);
    a.decide(&ServiceRequest { shown: ips("192.0.2.3"), ..moved });
    assert_eq!(a.take_woken(), [ServiceKey::new("shop", "b")]);
}

#[test]
fn a_port_given_up_wakes_who_waits_for_the_shared_address() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/32"])]);
    let mut first = sharing(service("a"), "k", 80);
    apply(&mut a, &mut first);
    let mut second = sharing(asking(service("b"), "192.0.2.0"), "k", 80);
    assert_eq!(apply(&mut a, &mut second), "pending port TCP/80 is already in use on \"192.0.2.0\" by shop/a");
    first.terms = Terms::new(Some("k"), "", [tcp(8080)]);
    apply(&mut a, &mut first);
    assert_eq!(a.take_woken(), std::slice::from_ref(&second.key));
    assert_eq!(apply(&mut a, &mut second), "assign 192.0.2.0 (new)");
}

#[test]
fn duplicates_found_at_the_start_are_reported_and_not_moved() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut both = ["a", "b"].map(|name| ServiceRequest { shown: ips("192.0.2.1"), ..service(name) });
    for request in &both {
        a.adopt(request);
    }
    for request in &mut both {
        let Decision::Keep { remarks, .. } = a.decide(request) else { panic!("must keep it") };
        assert!(matches!(&remarks[..], [Remark::Duplicate(_)]));
        assert_eq!(apply(&mut a, request), "keep 192.0.2.1");
    }
    assert_eq!(a.usage("p").unwrap().assigned_v4, 1);
    a.release(&both[0].key);
    assert!(matches!(a.decide(&both[1]), Decision::Keep { remarks, .. } if remarks.is_empty()));
    assert_eq!(give(&mut a, "c"), "assign 192.0.2.0 (new)");
    assert_eq!(give(&mut a, "d"), "assign 192.0.2.2 (new)");
}

#[test]
fn an_address_that_somebody_else_showed_first_is_not_written_twice() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mine = service("a");
    assert_eq!(told(&a.decide(&mine)), "assign 192.0.2.0 (new)");
    // Another controller wrote the same address for another Service meanwhile.
    let theirs = ServiceRequest { shown: ips("192.0.2.0"), ..service("b") };
    a.decide(&theirs);
    assert_eq!(told(&a.decide(&mine)), "assign 192.0.2.1 (new)");
}
