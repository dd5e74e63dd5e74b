//! From a Service as JSON to what is kept of it.

use serde_json::{Value, json};

use super::*;

fn seen(annotations: Value, spec: Value) -> SeenService {
    let service = json!({
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7",
            "creationTimestamp": "2024-01-01T00:00:10Z", "annotations": annotations,
        },
        "spec": spec,
    });
    SeenService::of(serde_json::from_value(service).unwrap())
}

#[test]
fn all_that_matters_of_a_service() {
    let service = json!({
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"},
            "creationTimestamp": "2024-01-01T00:00:10Z", "deletionTimestamp": "2024-01-01T00:01:00Z",
            "annotations": {"metallb.io/ip-allocated-from-pool": "p"},
        },
        "spec": {
            "type": "LoadBalancer", "loadBalancerClass": "c", "externalTrafficPolicy": "Local",
            "selector": {"b": "2", "a": "1"}, "clusterIPs": ["10.96.0.1", "fd00::1"],
            "ipFamilyPolicy": "PreferDualStack",
            "ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "SCTP"}],
        },
        "status": {
            "loadBalancer": {"ingress": [
                {"ip": "2001:DB8::1", "ipMode": "VIP"}, {"hostname": "example.com"}, {"ip": "192.0.2.1"},
            ]},
            "conditions": [
                {"type": "X", "status": "True", "reason": "", "message": "", "lastTransitionTime": null},
                {"type": "metallb.io/Allocated", "status": "True", "reason": "R", "message": "m",
                 "lastTransitionTime": "2024-01-01T00:00:00Z"},
            ],
        },
    });
    let seen = SeenService::of(serde_json::from_value(service).unwrap());
    assert_eq!(seen.request.families, [Family::V4, Family::V6]);
    assert_eq!(seen.request.policy, FamilyPolicy::PreferDualStack);
    assert_eq!(&*seen.request.terms.backend, "a=1,b=2");
    let ports: Vec<_> = seen.request.terms.ports.iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["TCP/80", "UDP/53", "SCTP/53"]);
    let shown: Vec<_> = seen.request.shown.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["2001:db8::1", "192.0.2.1"]);
    assert_eq!(seen.request.recorded_pool.as_deref(), Some("p"));
    assert_eq!((seen.class.as_deref(), seen.deleting, seen.created), (Some("c"), true, 1_704_067_210));
    assert!(seen.condition.as_ref().is_some_and(|condition| condition.status) && seen.is_marked());
}

#[test]
fn both_prefixes_are_read_and_the_newer_one_wins_by_presence() {
    let old =
        seen(json!({"metallb.universe.tf/address-pool": "old", "metallb.universe.tf/allow-shared-ip": "k"}), json!({}));
    assert_eq!(old.request.wish.as_ref().unwrap().pool.as_deref(), Some("old"));
    assert_eq!(old.request.terms.key.as_deref(), Some("k"));
    assert_eq!(old.deprecated, ["metallb.universe.tf/address-pool", "metallb.universe.tf/allow-shared-ip"]);
    let both = seen(json!({"metallb.universe.tf/address-pool": "old", "metallb.io/address-pool": ""}), json!({}));
    assert_eq!(both.request.wish.unwrap().pool, None);
    let field = seen(json!({}), json!({"loadBalancerIP": "192.0.2.7"}));
    assert_eq!(field.request.wish.unwrap().addresses.len(), 1);
}

#[test]
fn a_headless_or_empty_service_has_no_family() {
    for spec in [json!({"clusterIP": "None", "clusterIPs": ["None"]}), json!({}), json!({"clusterIP": ""})] {
        assert_eq!(seen(json!({}), spec).request.families, []);
    }
    assert_eq!(seen(json!({}), json!({"clusterIP": "10.96.0.1"})).request.families, [Family::V4]);
}

#[test]
fn local_without_a_selector_shares_with_its_like_only() {
    let spec = |policy| json!({"externalTrafficPolicy": policy});
    let backend = |policy| seen(json!({}), spec(policy)).request.terms.backend;
    assert_eq!(backend("Local"), backend("Local"));
    assert_ne!(backend("Local"), backend("Cluster"));
    let selecting = json!({"externalTrafficPolicy": "Local", "selector": {"none": ""}});
    assert_ne!(seen(json!({}), selecting).request.terms.backend, backend("Local"));
}

#[test]
fn what_the_api_server_stores_can_be_read() {
    // All of these can be patched into services/status; see the golden recording of a real server.
    for condition in [
        json!({"type": "D", "status": "", "lastTransitionTime": null, "reason": "", "message": ""}),
        json!({"type": "D", "status": "Maybe", "observedGeneration": -1}),
        json!({}),
    ] {
        let service = json!({
            "metadata": {"name": "web"},
            "spec": {"type": "LoadBalancer", "ports": null},
            "status": {"loadBalancer": {}, "conditions": [condition]},
        });
        assert!(SeenService::of(serde_json::from_value(service).unwrap()).is_load_balancer);
    }
}
