//! Which Services a controller that takes over may leave alone.

use super::*;

/// A Service that shows these addresses, from pool `p`.
fn has(name: &str, shown: &str) -> ServiceRequest {
    ServiceRequest { shown: ips(shown), recorded_pool: Some("p".into()), ..service(name) }
}

fn settled(allocator: &mut Allocator, request: &ServiceRequest) -> bool {
    allocator.adopt(request);
    let settled = allocator.is_settled(request);
    allocator.release(&request.key);
    settled
}

#[test]
fn only_what_nobody_would_change_is_settled() {
    let mut allocator = allocator(vec![pool("p", &["192.0.2.0/30", "2001:db8::/126"])]);
    allocator.adopt(&has("a", "192.0.2.0"));
    assert!(allocator.is_settled(&has("a", "192.0.2.0")));
    let mut settled = |request: ServiceRequest| settled(&mut allocator, &request);
    assert!(settled(has("b", "192.0.2.1")));
    assert!(!settled(has("b", "")), "it waits");
    assert!(!settled(has("b", "192.0.2.0")), "a has that");
    assert!(!settled(has("b", "198.51.100.1")), "nobody would have given that");
    assert!(!settled(has("b", "192.0.2.1 192.0.2.2")), "one too many");

    let both = ServiceRequest { families: vec![Family::V4, Family::V6], ..has("b", "192.0.2.1 2001:db8::1") };
    assert!(settled(both.clone()));
    assert!(!settled(ServiceRequest { shown: ips("192.0.2.1"), ..both }), "it may get one more");

    assert!(settled(asking(has("b", "192.0.2.1"), "192.0.2.1")));
    assert!(!settled(asking(has("b", "192.0.2.1"), "192.0.2.2")));
    assert!(settled(asking(has("b", "192.0.2.1"), "not-an-address")), "it keeps what it has");
    assert!(settled(from_pool(has("b", "192.0.2.1"), "p")));
    assert!(!settled(from_pool(has("b", "192.0.2.1"), "q")));
    assert!(settled(ServiceRequest { families: vec![], ..has("b", "") }), "it can't get any");
    let one_of_two = ServiceRequest { policy: FamilyPolicy::RequireDualStack, ..has("b", "") };
    assert!(settled(one_of_two), "it can't get any");
}
