//! Events keep MetalLB's reasons and the beginnings of its messages: runbooks and dashboards go by them.

use herald_compiler::object::ServiceAllocation;
use herald_runtime::events::Severity;
use serde_json::{Value, json};

use super::*;

fn two_pools() -> Vec<crate::compile::SeenPool> {
    vec![pool("p", &["192.0.2.0/30", "2001:db8::/126"]), pool("q", &["198.51.100.0/30"])]
}

/// The Events when a Service is created, each as `Severity reason: note`.
fn told(annotations: Value, spec: Value) -> Vec<String> {
    let mut c = Cluster::new(two_pools());
    c.create_with("web", annotations, spec);
    c.settle();
    let said = c.notices.iter().map(|notice| format!("{:?} {}: {}", notice.severity, notice.reason, notice.note));
    said.collect()
}

#[test]
fn a_new_service() {
    let dual = |policy| json!({"clusterIPs": ["10.96.0.1", "fd00::1"], "ipFamilyPolicy": policy});
    for (annotations, spec, expected) in [
        (json!({}), json!({}), "Normal IPAllocated: Assigned IP [\"192.0.2.0\"]"),
        (json!({}), dual("RequireDualStack"), "Normal IPAllocated: Assigned IP [\"192.0.2.0\" \"2001:db8::\"]"),
        (
            json!({}),
            json!({"ipFamilyPolicy": "RequireDualStack"}),
            "Warning not enough clusterips: service requires dual stack but has cluster IPs of IPv4 only",
        ),
        (
            json!({"metallb.io/loadBalancerIPs": "what"}),
            json!({}),
            "Warning LoadBalancerFailed: invalid requested loadbalancer IPs: invalid metallb.io/loadBalancerIPs: \"what\"",
        ),
        (
            json!({"metallb.io/loadBalancerIPs": "192.0.2.1"}),
            json!({"loadBalancerIP": "192.0.2.1"}),
            "Warning LoadBalancerFailed: invalid requested loadbalancer IPs: service can not have both \
             metallb.io/loadBalancerIPs and svc.Spec.LoadBalancerIP",
        ),
        (
            json!({"metallb.io/loadBalancerIPs": "10.9.9.9"}),
            json!({}),
            "Warning AllocationFailed: Failed to allocate IP for \"shop/web\": [\"10.9.9.9\"] is not allowed in config: ",
        ),
        (
            json!({"metallb.io/loadBalancerIPs": "2001:db8::1"}),
            json!({}),
            "Warning AllocationFailed: Failed to allocate IP for \"shop/web\": requested loadBalancer IP(s) \
             [\"2001:db8::1\"] does not match the ipFamily of the service",
        ),
        (
            json!({"metallb.io/loadBalancerIPs": "192.0.2.1", "metallb.io/address-pool": "q"}),
            json!({}),
            "Warning AllocationFailed: Failed to allocate IP for \"shop/web\": requested loadBalancer IP(s) [\"192.0.2.1\"] \
             is not compatible with requested address pool q",
        ),
        (
            json!({"metallb.io/address-pool": "none"}),
            json!({}),
            "Warning AllocationFailed: Failed to allocate IP for \"shop/web\": unknown pool \"none\"",
        ),
        (
            json!({"metallb.io/address-pool": "q"}),
            json!({"clusterIPs": ["fd00::1"]}),
            "Warning AllocationFailed: Failed to allocate IP for \"shop/web\": no available IPs",
        ),
    ] {
        let events = told(annotations, spec);
        assert_eq!(events.len(), 1, "{events:?}");
        assert!(events[0].starts_with(expected), "{events:?}");
    }
    assert_eq!(told(json!({}), json!({"clusterIPs": ["None"], "clusterIP": "None"})), Vec::<String>::new());
    let prefers = json!({"metallb.io/address-pool": "q"});
    let events = told(prefers, dual("PreferDualStack"));
    assert!(events[0].starts_with("Normal IPAllocated: Assigned IP [\"198.51.100.0\"]"), "{events:?}");
    assert!(events[1].starts_with("Normal AdditionalAssignFailed: cannot assign additional IP in PreferDualStack: "));
}

#[test]
fn a_second_family_and_the_end_of_sharing() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/30"])]);
    c.create_with(
        "two",
        json!({}),
        json!({"clusterIPs": ["10.96.0.1", "fd00::1"], "ipFamilyPolicy": "PreferDualStack"}),
    );
    c.settle();
    c.events();
    c.set_pools(two_pools());
    c.settle();
    assert_eq!(c.events(), ["IPAllocated: Assigned additional IP \"2001:db8::\""]);

    let shares = |port: u16| json!({"ports": [{"port": port}]});
    let key = json!({"metallb.io/allow-shared-ip": "k"});
    let web = c.create_with("web", key.clone(), shares(80));
    c.create_with("other", key, shares(81));
    c.settle();
    c.events();
    c.change(&web, |service| service.request.terms.key = None);
    c.show(&web);
    c.settle();
    let events = c.events();
    let clearing = "ClearAssignment: current IP for \"shop/web\" not allowed by config, will attempt new assignment: can't \
                    change sharing key for \"shop/web\", address also in use by shop/other: ";
    assert!(events[0].starts_with(clearing), "{events:?}");
    assert_eq!(events[1], "IPAllocated: Assigned IP [\"192.0.2.2\"]");
}

#[test]
fn without_any_pool_a_service_is_told_so() {
    // MetalLB says nothing there.
    let mut c = Cluster::new(vec![]);
    c.create("web");
    c.settle();
    assert_eq!(c.notices[0].severity, Severity::Warning);
    assert_eq!(
        c.events(),
        ["AllocationFailed: Failed to allocate IP for \"shop/web\": there is no IPAddressPool: create one"]
    );
}

#[test]
fn the_same_refusal_is_said_once() {
    let mut c = Cluster::new(vec![pool("p", &["192.0.2.0/32"])]);
    c.create("first");
    let second = c.create("second");
    c.settle();
    c.events();
    for _ in 0..3 {
        c.show(&second);
        c.set_pools(vec![pool("p", &["192.0.2.0/32"])]);
        c.restart();
        assert_eq!(c.settle(), 0);
    }
    assert_eq!(c.events(), Vec::<String>::new());
}

#[test]
fn a_removed_pool_annotation_is_written_again_and_moves_nothing() {
    let mut c = Cluster::new(two_pools());
    let web = c.create_with("web", json!({"metallb.io/address-pool": "q"}), json!({}));
    c.settle();
    c.change(&web, |service| service.request.recorded_pool = None);
    c.show(&web);
    assert_eq!(c.settle(), 1);
    assert_eq!(c.services[&web].request.recorded_pool.as_deref(), Some("q"));
    assert_eq!(c.shown(&web), "198.51.100.0");
    // Also while no controller runs, and the pools are renamed meanwhile.
    c.change(&web, |service| service.request.recorded_pool = None);
    c.set_pools(vec![pool("renamed", &["198.51.100.0/30"])]);
    c.restart();
    c.settle();
    assert_eq!(c.shown(&web), "198.51.100.0");
}

#[test]
fn an_address_outside_of_every_pool_stays_with_who_shows_it() {
    let mut c = Cluster::new(two_pools());
    let web = c.store_in_shop("web");
    c.change(&web, |service| service.request.shown = vec!["203.0.113.9".parse().unwrap()]);
    c.restart();
    assert_eq!(c.settle(), 1);
    assert_eq!(c.shown(&web), "203.0.113.9");
    assert_eq!(c.condition(&web), (true, "Orphaned: 203.0.113.9 is kept, though no pool has it".into()));
    assert_eq!(c.events(), ["AddressWithoutPool: no pool has it any more: 203.0.113.9 is kept, though no pool has it"]);
}

#[test]
fn a_namespace_that_gets_the_label_is_served_and_one_that_loses_it_keeps_what_it_has() {
    let mut restricted = pool("p", &["192.0.2.0/30"]);
    let team = herald_compiler::object::LabelSelector {
        match_labels: [("team".to_owned(), "a".to_owned())].into(),
        ..Default::default()
    };
    restricted.object.service_allocation =
        Some(ServiceAllocation { namespace_selectors: vec![team], ..ServiceAllocation::default() });
    let mut c = Cluster::new(vec![restricted]);
    let web = c.create("web");
    c.settle();
    assert!(c.condition(&web).1.contains("does not serve namespace \"shop\""));
    let shop = |labels: &[(&str, &str)]| herald_compiler::object::Namespace {
        name: "shop".into(),
        labels: labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
    };
    c.index.namespaces(Change::Applied(shop(&[("team", "a")])), c.now);
    c.settle();
    assert_eq!(c.shown(&web), "192.0.2.0");
    c.index.namespaces(Change::Applied(shop(&[])), c.now);
    c.settle();
    assert_eq!(c.shown(&web), "192.0.2.0");
}
