//! `spec.herald.maxPerNamespace`.

use super::*;

fn limited(max: i64, addresses: &[&str]) -> IpAddressPool {
    IpAddressPool { max_per_namespace: Some(max), ..pool("p", addresses) }
}

fn of(namespace: &str, request: ServiceRequest) -> ServiceRequest {
    let key = ServiceKey::new(namespace, request.key.name.clone());
    ServiceRequest { key, ..request }
}

#[test]
fn a_namespace_gets_as_many_addresses_as_it_may() {
    let mut a = allocator(vec![limited(2, &["192.0.2.0/29", "2001:db8::/125"])]);
    assert_eq!(give(&mut a, "a"), "assign 192.0.2.0 (new)");
    assert_eq!(give(&mut a, "b"), "assign 192.0.2.1 (new)");
    let why = "namespace \"shop\" uses 2 of its IPv4 addresses and may use 2 (spec.herald.maxPerNamespace)";
    assert_eq!(give(&mut a, "c"), format!("pending no available IPs: pool \"p\": {why}"));
    // Asked for or not.
    assert_eq!(
        apply(&mut a, &mut from_pool(service("d"), "p")),
        format!("pending no available IPs: pool \"p\": {why}")
    );
    let mut asks = asking(service("e"), "192.0.2.5");
    assert_eq!(apply(&mut a, &mut asks), format!("pending pool p not compatible for ip assignment: {why}"));
    let Decision::Pending { refusal, .. } = a.decide(&asks) else { panic!("must wait") };
    assert_eq!(refusal.reason(), "QuotaReached");
    // Families and namespaces are counted apart.
    let six = ServiceRequest { families: vec![Family::V6], ..service("f") };
    assert_eq!(apply(&mut a, &mut six.clone()), "assign 2001:db8:: (new)");
    assert_eq!(apply(&mut a, &mut of("bank", service("a"))), "assign 192.0.2.2 (new)");
    // One that prefers two families gets the one it may have.
    let mut prefers = dual("g", FamilyPolicy::PreferDualStack);
    assert_eq!(apply(&mut a, &mut prefers), "assign 2001:db8::1 (new)");
}

#[test]
fn the_next_pool_is_tried() {
    let other = pool("q", &["198.51.100.0/30"]);
    let mut a = allocator(vec![limited(1, &["192.0.2.0/29"]), other]);
    assert_eq!(give(&mut a, "a"), "assign 192.0.2.0 (new)");
    assert_eq!(give(&mut a, "b"), "assign 198.51.100.0 (new)");
}

#[test]
fn a_shared_address_counts_once_for_each_namespace() {
    let mut a = allocator(vec![limited(1, &["192.0.2.0/29"])]);
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        let mut request = sharing(service(name), "k", 80 + u16::try_from(number).unwrap());
        assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 (new)");
    }
    // No room on the shared one, and no other may be taken.
    assert!(apply(&mut a, &mut sharing(service("d"), "k", 80)).contains("may use 1"));
    assert_eq!(apply(&mut a, &mut asking(sharing(service("e"), "k", 90), "192.0.2.0")), "assign 192.0.2.0 (new)");
    // Another namespace has one of its own, then this one may not join it as a second.
    assert_eq!(apply(&mut a, &mut of("bank", sharing(service("a"), "j", 80))), "assign 192.0.2.1 (new)");
    assert!(apply(&mut a, &mut sharing(service("f"), "j", 81)).contains("may use 1"));
    assert_eq!(apply(&mut a, &mut of("bank", sharing(service("b"), "j", 82))), "assign 192.0.2.1 (new)");
    // The last of the namespace to leave gives it back.
    for name in ["a", "b", "c"] {
        a.release(&service(name).key);
        assert!(apply(&mut a, &mut sharing(service("f"), "j", 81)).contains("may use 1"));
    }
    a.release(&service("e").key);
    assert_eq!(a.take_woken(), [service("d").key, service("f").key]);
    assert_eq!(apply(&mut a, &mut sharing(service("f"), "j", 81)), "assign 192.0.2.0 (new)");
}

#[test]
fn who_waits_is_woken_by_its_own_namespace_and_family_only() {
    let mut a = allocator(vec![limited(1, &["192.0.2.0/29", "2001:db8::/125"])]);
    give(&mut a, "a");
    let six = ServiceRequest { families: vec![Family::V6], ..service("six") };
    apply(&mut a, &mut six.clone());
    apply(&mut a, &mut of("bank", service("a")));
    assert!(give(&mut a, "b").contains("may use 1"));
    let mut asks = asking(service("c"), "192.0.2.5");
    assert!(apply(&mut a, &mut asks).contains("may use 1"));
    let _ = a.take_woken();
    a.release(&of("bank", service("a")).key);
    a.release(&six.key);
    assert_eq!(a.take_woken(), []);
    a.release(&service("a").key);
    assert_eq!(a.take_woken(), [service("b").key, service("c").key]);
    assert_eq!(give(&mut a, "b"), "assign 192.0.2.0 (new)");
}

#[test]
fn a_change_of_the_quota_takes_nothing_away_and_wakes_who_waits() {
    let mut a = allocator(vec![limited(3, &["192.0.2.0/29"])]);
    let mut all = ["a", "b", "c"].map(service);
    for request in &mut all {
        apply(&mut a, request);
    }
    a.set_config(config(vec![limited(1, &["192.0.2.0/29"])]));
    for request in &mut all {
        assert!(apply(&mut a, request).starts_with("keep "));
    }
    assert!(give(&mut a, "d").contains("uses 3 of its IPv4 addresses and may use 1"));
    // Not by a restart either, and a status that was emptied is written again.
    let mut restarted = allocator(vec![limited(1, &["192.0.2.0/29"])]);
    all.iter().for_each(|request| restarted.adopt(request));
    for request in &mut all {
        assert!(apply(&mut restarted, request).starts_with("keep "));
        let emptied = ServiceRequest { shown: vec![], ..request.clone() };
        assert!(told(&restarted.decide(&emptied)).ends_with("(restored)"));
        restarted.adopt(request);
    }
    // More, or no limit.
    for pools in [limited(4, &["192.0.2.0/29"]), pool("p", &["192.0.2.0/29"])] {
        assert!(give(&mut a, "d").contains("may use 1"));
        assert_eq!(a.set_config(config(vec![pools])), [service("d").key]);
        assert_eq!(give(&mut a, "d"), "assign 192.0.2.3 (new)");
        a.release(&service("d").key);
        a.set_config(config(vec![limited(1, &["192.0.2.0/29"])]));
    }
}

#[test]
fn a_move_inside_the_pool_needs_no_second_share() {
    let mut a = allocator(vec![limited(1, &["192.0.2.0/29"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    let moving = ServiceRequest { shown: request.shown, ..asking(service("a"), "192.0.2.5") };
    assert_eq!(told(&a.decide(&moving)), "assign 192.0.2.5 (other addresses)");
    // Until it has left, its namespace uses two.
    assert!(give(&mut a, "b").contains("uses 2 of its IPv4 addresses and may use 1"));
    assert_eq!(apply(&mut a, &mut moving.clone()), "assign 192.0.2.5 (other addresses)");
    assert!(give(&mut a, "b").contains("uses 1 of its IPv4 addresses"));
}

#[test]
fn addresses_outside_of_the_pool_do_not_count() {
    let mut a = allocator(vec![limited(1, &["192.0.2.0/29"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    a.set_config(config(vec![limited(1, &["192.0.2.4/30"])]));
    assert_eq!(a.usage("p").unwrap().retained, 1);
    assert_eq!(give(&mut a, "b"), "assign 192.0.2.4 (new)");
}

#[test]
fn what_stands_in_a_status_stays_also_over_the_quota() {
    let mut a = allocator(vec![limited(1, &["192.0.2.0/29"]), pool("q", &["198.51.100.0/30"])]);
    give(&mut a, "a");
    let mut second = service("b");
    assert_eq!(apply(&mut a, &mut second), "assign 198.51.100.0 (new)");
    second.shown = ips("192.0.2.5");
    assert_eq!(apply(&mut a, &mut second), "keep 192.0.2.5");
    assert!(give(&mut a, "c").starts_with("assign 198.51.100.0"));
}

#[test]
fn deciding_costs_the_same_with_many_addresses_in_use() {
    let mut a = allocator(vec![limited(200_000, &["10.0.0.0/8"])]);
    // Walking them each time would take minutes.
    for number in 0..20_000 {
        let request = sharing(service(&format!("s{number}")), "k", 80);
        a.decide(&request);
    }
    // At its quota, a namespace may join any of 20,000 addresses that has room: none has.
    a.set_config(config(vec![limited(20_000, &["10.0.0.0/8"])]));
    for number in 0..1000 {
        let request = sharing(service(&format!("t{number}")), "k", 80);
        assert!(a.decide(&request).addresses().is_empty());
    }
}
