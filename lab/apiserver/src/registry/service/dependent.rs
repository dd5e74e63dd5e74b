//! Fields that lose their meaning when the type changes. They go by themselves if the server may have set them and the
//! client did not touch them; else validation refuses them.

use serde_json::{Map, Value, json};

use super::spec::{Spec, port_number};
use crate::meta::{map_of, section_mut};

pub(super) fn drop_fields(object: &mut Value, old: &Value) {
    let before = Spec::of(old);
    let left_load_balancer = before.is_load_balancer() && !Spec::of(object).is_load_balancer();
    let spec = section_mut(object, "spec");
    if before.needs_cluster_ip() && !Spec::new(spec).needs_cluster_ip() {
        if Spec::new(spec).cluster_ips() == before.cluster_ips() {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        remove_if_same(spec, before, "ipFamilies");
        remove_if_same(spec, before, "ipFamilyPolicy");
    }
    if before.may_have_node_ports() && !Spec::new(spec).may_have_node_ports() && same_node_ports(spec, before) {
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten() {
            map_of(port).remove("nodePort");
        }
    }
    if before.needs_health_check_node_port() && !Spec::new(spec).needs_health_check_node_port() {
        remove_if_same(spec, before, "healthCheckNodePort");
    }
    if left_load_balancer {
        remove_if_same(spec, before, "allocateLoadBalancerNodePorts");
        remove_if_same(spec, before, "loadBalancerClass");
    }
    if before.is_external() && !Spec::new(spec).is_external() {
        remove_if_same(spec, before, "externalTrafficPolicy");
    }
    if left_load_balancer {
        section_mut(object, "status").insert("loadBalancer".into(), json!({}));
    }
}

fn remove_if_same(spec: &mut Map<String, Value>, before: Spec<'_>, field: &str) {
    if spec.get(field) == before.get(field) {
        spec.remove(field);
    }
}

fn same_node_ports(spec: &Map<String, Value>, before: Spec<'_>) -> bool {
    let numbers = |spec: Spec<'_>| -> Vec<i64> {
        let mut numbers: Vec<i64> = spec.ports().iter().map(|port| port_number(port, "nodePort")).collect();
        numbers.sort_unstable();
        numbers
    };
    numbers(Spec::new(spec)) == numbers(before)
}
