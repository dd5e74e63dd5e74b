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

#[test]
fn both_sides_of_a_duplicate_are_told_when_it_begins_and_when_it_ends() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut mine = service("a");
    apply(&mut a, &mut mine);
    assert_eq!((a.take_woken(), a.duplicates()), (vec![], 0));
    // A restored backup, or another product's Service, comes with the same address.
    let theirs = ServiceRequest { shown: ips("192.0.2.0"), ..service("b") };
    a.adopt(&theirs);
    assert_eq!((a.take_woken(), a.duplicates()), (vec![mine.key.clone(), theirs.key.clone()], 1));
    for request in [&mine, &theirs] {
        let Decision::Keep { remarks, .. } = a.decide(request) else { panic!("must keep it") };
        assert!(matches!(&remarks[..], [Remark::Duplicate(_)]));
    }
    a.release(&theirs.key);
    assert_eq!((a.take_woken(), a.duplicates()), (vec![mine.key.clone()], 0));
    let foreign = ServiceKey::new("other", "product");
    a.adopt_foreign(&foreign, &ips("192.0.2.0"));
    assert_eq!(a.duplicates(), 1);
    assert!(a.take_woken().contains(&mine.key));
    assert!(
        matches!(a.decide(&mine), Decision::Keep { remarks, .. } if matches!(&remarks[..], [Remark::Duplicate(_)]))
    );
    // It becomes ours, without its address.
    a.adopt(&ServiceRequest { key: foreign, ..service("x") });
    assert_eq!(a.duplicates(), 0);
    assert_eq!(a.take_woken(), [mine.key]);
}

#[test]
fn what_others_share_among_themselves_is_their_business() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    for name in ["x", "y"] {
        a.adopt_foreign(&ServiceKey::new("other", name), &ips("192.0.2.0"));
    }
    assert_eq!(a.duplicates(), 0);
    assert_eq!(give(&mut a, "a"), "assign 192.0.2.1 (new)");
}

#[test]
fn who_is_about_to_leave_is_no_duplicate() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut group = [("a", 80), ("b", 81)].map(|(name, port)| sharing(service(name), "k", port));
    for request in &mut group {
        apply(&mut a, request);
    }
    let [first, second] = &mut group;
    first.terms = Terms::new(Some("k"), "", [tcp(81)]);
    assert!(told(&a.decide(first)).ends_with("(sharing)"));
    assert!(matches!(a.decide(second), Decision::Keep { remarks, .. } if remarks.is_empty()));
}

#[test]
fn namespaces_do_not_matter_to_a_sharing_key() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    assert_eq!(apply(&mut a, &mut sharing(service("a"), "k", 80)), "assign 192.0.2.0 (new)");
    let elsewhere = ServiceRequest { key: ServiceKey::new("bank", "b"), ..sharing(service("b"), "k", 81) };
    assert_eq!(apply(&mut a, &mut elsewhere.clone()), "assign 192.0.2.0 (new)");
    // An empty key is none.
    assert_eq!(apply(&mut a, &mut sharing(service("c"), "", 82)), "assign 192.0.2.1 (new)");
    assert_eq!(apply(&mut a, &mut sharing(service("d"), "", 83)), "assign 192.0.2.2 (new)");
}

#[test]
fn services_without_ports_share_and_stay_together() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30"])]);
    let mut all = ["a", "b"].map(|name| ServiceRequest { terms: Terms::new(Some("k"), "", []), ..service(name) });
    for request in &mut all {
        assert_eq!(apply(&mut a, request), "assign 192.0.2.0 (new)");
    }
    a.release(&all[0].key);
    // MetalLB forgets the sharing key of an address without ports; a stranger could come in.
    assert_eq!(give(&mut a, "stranger"), "assign 192.0.2.1 (new)");
    assert_eq!(apply(&mut a, &mut sharing(service("c"), "k", 80)), "assign 192.0.2.0 (new)");
}
