//! Dual stack with its three policies, and their changes over time.

use super::*;
use crate::{Refusal, Remark};

fn two_families() -> Vec<IpAddressPool> {
    vec![pool("a-four", &["192.0.2.0/30"]), pool("b-dual", &["198.51.100.0/31", "2001:db8::/127"])]
}

#[test]
fn a_pool_with_both_goes_before_a_pool_with_one() {
    for policy in [FamilyPolicy::PreferDualStack, FamilyPolicy::RequireDualStack] {
        let mut a = allocator(two_families());
        assert_eq!(apply(&mut a, &mut dual("a", policy)), "assign 198.51.100.0 2001:db8:: (new)");
    }
}

#[test]
fn prefer_takes_one_of_its_primary_family_else_of_the_other() {
    let pools = || vec![pool("a-six", &["2001:db8::/127"]), pool("b-four", &["192.0.2.0/31"])];
    let mut a = allocator(pools());
    assert_eq!(apply(&mut a, &mut dual("a", FamilyPolicy::PreferDualStack)), "assign 192.0.2.0 (new)");
    let mut six_first = dual("b", FamilyPolicy::PreferDualStack);
    six_first.families.reverse();
    assert_eq!(apply(&mut a, &mut six_first), "assign 2001:db8:: (new)");
    let mut only_six = allocator(pools().into_iter().take(1).collect());
    assert_eq!(apply(&mut only_six, &mut dual("c", FamilyPolicy::PreferDualStack)), "assign 2001:db8:: (new)");
}

#[test]
fn a_requested_pool_without_the_family_says_so() {
    let mut a = allocator(vec![pool("p", &["2001:db8::/126"]), pool("q", &["192.0.2.0/30"])]);
    let told = apply(&mut a, &mut from_pool(service("a"), "p"));
    assert_eq!(told, "pending no available IPs: pool \"p\": has no IPv4 addresses");
}

#[test]
fn two_pools_of_one_family_each_are_never_combined() {
    let mut a = allocator(vec![pool("p", &["2001:db8::/126"]), pool("q", &["192.0.2.0/30"])]);
    let mut requires = dual("a", FamilyPolicy::RequireDualStack);
    assert!(apply(&mut a, &mut requires).starts_with("pending no available IPs"));
}

#[test]
fn require_takes_both_from_one_pool_or_nothing() {
    let mut a = allocator(vec![pool("a", &["2001:db8::/127"]), pool("b", &["192.0.2.0/31"])]);
    let told = apply(&mut a, &mut dual("a", FamilyPolicy::RequireDualStack));
    assert_eq!(told, "pending no available IPs: pool \"a\": has no IPv4 addresses; pool \"b\": has no IPv6 addresses");
    let mut single = ServiceRequest { policy: FamilyPolicy::RequireDualStack, ..service("b") };
    let told = apply(&mut a, &mut single);
    assert_eq!(told, "pending service requires dual stack but has cluster IPs of IPv4 only");
}

#[test]
fn prefer_on_a_single_stack_cluster_stays_with_one() {
    let mut a = allocator(two_families());
    let mut request = ServiceRequest { policy: FamilyPolicy::PreferDualStack, ..from_pool(service("a"), "b-dual") };
    assert_eq!(apply(&mut a, &mut request), "assign 198.51.100.0 (new)");
    assert_eq!(apply(&mut a, &mut request), "keep 198.51.100.0");
}

#[test]
fn prefer_gains_the_second_address_when_its_pool_gains_the_family() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/31"])]);
    let mut request = dual("a", FamilyPolicy::PreferDualStack);
    apply(&mut a, &mut request);
    let Decision::Keep { remarks, .. } = a.decide(&request) else { panic!("it has one") };
    assert!(matches!(&remarks[..], [Remark::NoSecondFamily(Refusal::NoneAvailable(pools))] if pools.len() == 1));
    // A pool elsewhere does not count.
    let elsewhere = || pool("q", &["198.51.100.0/31", "2001:db8:1::/127"]);
    assert_eq!(a.set_config(config(vec![pool("p", &["192.0.2.0/31"]), elsewhere()])), [request.key.clone()]);
    assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.0");
    a.set_config(config(vec![pool("p", &["192.0.2.0/31", "2001:db8::/127"]), elsewhere()]));
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 2001:db8:: (additional)");
    // And it keeps both when the pool loses the family again.
    a.set_config(config(vec![pool("p", &["192.0.2.0/31"])]));
    assert_eq!(apply(&mut a, &mut request), "keep 192.0.2.0 2001:db8::");
}

#[test]
fn prefer_is_woken_when_an_address_of_its_second_family_becomes_free() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/128"])]);
    let mut first = dual("first", FamilyPolicy::RequireDualStack);
    apply(&mut a, &mut first);
    let mut second = dual("second", FamilyPolicy::PreferDualStack);
    assert_eq!(apply(&mut a, &mut second), "assign 192.0.2.1 (new)");
    a.release(&first.key);
    assert_eq!(a.take_woken(), std::slice::from_ref(&second.key));
    assert_eq!(apply(&mut a, &mut second), "assign 192.0.2.1 2001:db8:: (additional)");
}

#[test]
fn a_service_that_changes_its_families_keeps_what_still_fits() {
    let mut a = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/127"])]);
    let mut request = service("a");
    apply(&mut a, &mut request);
    request = ServiceRequest { shown: request.shown, ..dual("a", FamilyPolicy::RequireDualStack) };
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 2001:db8:: (additional)");
    request.families.pop();
    request.policy = FamilyPolicy::SingleStack;
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 (other families)");
}

#[test]
fn require_moves_to_a_pool_that_has_both() {
    let mut a = allocator(two_families());
    let mut request = service("a");
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.0 (new)");
    request = ServiceRequest { shown: request.shown, ..dual("a", FamilyPolicy::RequireDualStack) };
    assert_eq!(apply(&mut a, &mut request), "assign 198.51.100.0 2001:db8:: (other families)");
}

#[test]
fn a_request_that_does_not_fit_new_families_is_not_replaced_by_any_address() {
    let mut a = allocator(two_families());
    let mut request = asking(service("a"), "192.0.2.1");
    apply(&mut a, &mut request);
    request.families = vec![Family::V6];
    assert!(apply(&mut a, &mut request).contains("does not match the ipFamily"));
    assert_eq!(a.holders("192.0.2.1".parse().unwrap()).count(), 0);
}

#[test]
fn without_a_cluster_ip_it_has_nothing() {
    let mut a = allocator(two_families());
    let mut request = service("a");
    apply(&mut a, &mut request);
    request.families.clear();
    assert!(apply(&mut a, &mut request).contains("no cluster IP"));
    assert_eq!(give(&mut a, "b"), "assign 192.0.2.0 (new)");
}

#[test]
fn a_status_with_too_many_addresses_is_cut_to_one_of_each_family() {
    let mut a = allocator(two_families());
    let mut request = ServiceRequest { shown: ips("192.0.2.2 192.0.2.1 2001:db8::1"), ..service("a") };
    assert_eq!(apply(&mut a, &mut request), "assign 192.0.2.2 (other families)");
    assert_eq!(a.usage("a-four").unwrap().assigned_v4, 1);
}
