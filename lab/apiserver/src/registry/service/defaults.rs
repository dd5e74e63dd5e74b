//! Defaults that are set whenever a Service is decoded, also through its status.

use serde_json::{Map, Value, json};

use super::spec::Spec;
use crate::meta::{map_of, section_mut};

/// How long a client sticks to an endpoint.
const AFFINITY_SECONDS: u32 = 10_800;

pub(super) fn set(object: &mut Value) {
    let spec = section_mut(object, "spec");
    spec.entry("sessionAffinity").or_insert_with(|| json!("None"));
    if spec.get("sessionAffinity") == Some(&json!("None")) {
        spec.remove("sessionAffinityConfig");
    }
    if spec.get("sessionAffinity") == Some(&json!("ClientIP")) {
        let config = spec.entry("sessionAffinityConfig").or_insert_with(|| json!({}));
        let client = map_of(config).entry("clientIP").or_insert_with(|| json!({}));
        map_of(client).entry("timeoutSeconds").or_insert_with(|| json!(AFFINITY_SECONDS));
    }
    spec.entry("type").or_insert_with(|| json!("ClusterIP"));
    ports(spec);
    if Spec::new(spec).is_external() {
        spec.entry("externalTrafficPolicy").or_insert_with(|| json!("Cluster"));
    }
    if Spec::new(spec).needs_cluster_ip() {
        spec.entry("internalTrafficPolicy").or_insert_with(|| json!("Cluster"));
    }
    if Spec::new(spec).is_load_balancer() {
        spec.entry("allocateLoadBalancerNodePorts").or_insert_with(|| json!(true));
        ip_mode(object);
    }
}

fn ports(spec: &mut Map<String, Value>) {
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        let port = map_of(port);
        port.entry("protocol").or_insert_with(|| json!("TCP"));
        let unset = port.get("targetPort").is_none_or(|target| *target == json!(0) || *target == json!(""));
        if unset {
            let number = port.get("port").cloned().unwrap_or_else(|| json!(0));
            port.insert("targetPort".into(), number);
        }
    }
}

/// An address is a VIP unless it is said to be something else.
fn ip_mode(object: &mut Value) {
    let ingress = object.pointer_mut("/status/loadBalancer/ingress").and_then(Value::as_array_mut);
    for entry in ingress.into_iter().flatten() {
        let entry = map_of(entry);
        if entry.contains_key("ip") {
            entry.entry("ipMode").or_insert_with(|| json!("VIP"));
        }
    }
}
