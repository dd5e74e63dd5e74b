use serde_json::json;

use super::*;

/// A Service after defaults and allocation.
fn created(services: &Services, spec: Value) -> Result<Value> {
    let mut object = json!({"metadata": {"name": "web"}, "spec": spec});
    services.set_defaults(&mut object);
    let api = Api::new("t", 8, crate::server::Pace::new(None));
    services.allocate(&api, &mut object, None)?;
    services.prepare_for_create(&mut object);
    Ok(object)
}

#[test]
fn what_is_taken_is_not_given_twice_and_comes_back() {
    let services = Services::default();
    let ports = json!([{"port": 80, "nodePort": 30_010}]);
    let first = created(&services, json!({"type": "NodePort", "clusterIP": "10.96.7.7", "ports": ports})).unwrap();
    let again = |spec| created(&services, spec).unwrap_err().message;
    let port_taken = again(json!({"type": "NodePort", "ports": ports}));
    assert!(port_taken.contains("provided port is already allocated"), "{port_taken}");
    let address_taken = again(json!({"clusterIP": "10.96.7.7", "ports": [{"port": 80}]}));
    assert!(address_taken.contains("provided IP is already allocated"), "{address_taken}");

    let api = Api::new("t", 8, crate::server::Pace::new(None));
    services.abandon(&api, &first, None);
    created(&services, json!({"type": "NodePort", "clusterIP": "10.96.7.7", "ports": ports})).unwrap();
}

#[test]
fn a_refused_service_leaves_nothing_taken() {
    let services = Services::default();
    let spec = json!({"type": "NodePort", "clusterIP": "10.96.7.7", "ports": [{"port": 80, "nodePort": 80}]});
    created(&services, spec).unwrap_err();
    created(&services, json!({"clusterIP": "10.96.7.7", "ports": [{"port": 80}]})).unwrap();
}

#[test]
fn many_services_have_different_addresses_and_ports() {
    let services = Services::default();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..500 {
        let spec = json!({"type": "LoadBalancer", "ipFamilyPolicy": "RequireDualStack", "ports": [{"port": 80}]});
        let object = created(&services, spec).unwrap();
        for ip in Spec::of(&object).cluster_ips() {
            assert!(seen.insert(ip.to_owned()), "{ip} twice");
        }
        assert!(seen.insert(object["spec"]["ports"][0]["nodePort"].to_string()));
    }
}

#[test]
fn node_ports_run_out_with_words() {
    let services = Services::default();
    let many: Vec<Value> = (1..=2_700).map(|port| json!({"name": format!("p{port}"), "port": port})).collect();
    created(&services, json!({"type": "NodePort", "ports": many})).unwrap();
    let error = created(&services, json!({"type": "NodePort", "ports": many})).unwrap_err();
    assert!(error.message.contains("range is full"), "{}", error.message);
}

#[test]
fn a_type_change_takes_its_fields_along() {
    let services = Services::default();
    let old = created(
        &services,
        json!({"type": "LoadBalancer", "ports": [{"port": 80}], "externalTrafficPolicy": "Local",
               "loadBalancerClass": "a/b"}),
    )
    .unwrap();
    let mut new = old.clone();
    new["spec"]["type"] = "ClusterIP".into();
    services.prepare_for_update(&mut new, &old, Part::Object);
    assert_eq!(services.validate(&new, Some(&old), Part::Object), []);
    for gone in ["healthCheckNodePort", "loadBalancerClass", "allocateLoadBalancerNodePorts", "externalTrafficPolicy"] {
        assert_eq!(new["spec"].get(gone), None, "{gone}");
    }
    assert_eq!(new["spec"]["ports"][0].get("nodePort"), None);
}
