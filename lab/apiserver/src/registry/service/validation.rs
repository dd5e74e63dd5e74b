//! Validation of a Service's spec, in kube-apiserver's order and words.

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::address::{address_fault, range_fault, special_fault};
use super::families::related_fields;
use super::spec::{Spec, port_number, port_text};
use crate::meta::validation::{NameRule, is_label, label_causes, name_faults, qualified_name_faults};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const TRAFFIC: [&str; 2] = ["Cluster", "Local"];
const AFFINITIES: [&str; 2] = ["ClientIP", "None"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameNode", "PreferSameZone"];

/// Said of fields that only a load balancer has.
const ONLY_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";
const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";
const DAY: i64 = 86_400;

/// What is wrong with a changed Service.
pub(super) fn update(object: &Value, old: &Value) -> Vec<Cause> {
    let (new, before) = (Spec::of(object), Spec::of(old));
    let mut causes = Vec::new();
    let through_external_name = [new, before].iter().any(|spec| spec.kind() == "ExternalName");
    if !through_external_name {
        cluster_ips_kept(new, before, &mut causes);
        let families = (new.families(), before.families());
        if let ([first, ..], [first_before, ..]) = (families.0.as_slice(), families.1.as_slice())
            && first != first_before
        {
            let shown = json!(families.0);
            causes.push(Cause::invalid("spec.ipFamilies[0]", &shown, "may not change once set"));
        }
    }
    if new.is_load_balancer() && before.is_load_balancer() {
        let class = |spec: Spec<'_>| spec.get("loadBalancerClass").cloned().unwrap_or(Value::Null);
        if class(new) != class(before) {
            causes.push(Cause::invalid("spec.loadBalancerClass", &class(new), "may not change once set"));
        }
    }
    causes.extend(service(object));
    causes
}

fn cluster_ips_kept(new: Spec<'_>, before: Spec<'_>, causes: &mut Vec<Cause>) {
    let (now, then) = (new.cluster_ips(), before.cluster_ips());
    let shown = json!(now);
    for (index, was) in then.iter().enumerate() {
        let field = format!("spec.clusterIPs[{index}]");
        match now.get(index) {
            Some(is) if is == was => {}
            Some(_) => causes.push(Cause::invalid(field, &shown, "may not change once set")),
            None if index == 0 => causes.push(Cause::invalid(field, &shown, "primary clusterIP can not be unset")),
            None if new.policy() != Some("SingleStack") => {
                let words = "`ipFamilyPolicy` must be set to 'SingleStack' when releasing the secondary clusterIP";
                causes.push(Cause::invalid("spec.ipFamilyPolicy", &json!(new.policy()), words));
            }
            None => {}
        }
    }
}

/// What is wrong with a Service.
pub(super) fn service(object: &Value) -> Vec<Cause> {
    let spec = Spec::of(object);
    let mut causes = Vec::new();
    if spec.ports().is_empty() && !spec.is_headless() && spec.kind() != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    by_type(spec, &mut causes);
    ports(spec, &mut causes);
    if let Some(Value::Object(selector)) = spec.get("selector") {
        causes.extend(label_causes(selector, "spec.selector"));
    }
    session_affinity(spec, &mut causes);
    causes.extend(related_fields(spec));
    external_ips(spec, &mut causes);
    match spec.kind() {
        "" => causes.push(Cause::required("spec.type", "")),
        kind if !TYPES.contains(&kind) => causes.push(Cause::not_supported("spec.type", &json!(kind), &TYPES)),
        _ => {}
    }
    node_ports(spec, &mut causes);
    load_balancer(spec, &mut causes);
    traffic(spec, &mut causes);
    causes
}

fn by_type(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    match spec.kind() {
        kind @ ("LoadBalancer" | "NodePort") => {
            for (index, port) in spec.ports().iter().enumerate() {
                if kind == "LoadBalancer" && port_number(port, "port") == 10_250 {
                    let words = "may not expose port 10250 externally since it is used by kubelet";
                    causes.push(Cause::invalid(format!("spec.ports[{index}]"), &json!(10_250), words));
                }
            }
            if spec.is_headless() {
                let words = format!("may not be set to 'None' for {kind} services");
                causes.push(Cause::invalid("spec.clusterIPs[0]", &json!("None"), words));
            }
        }
        "ExternalName" => {
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if spec.get(field).is_some() {
                    let words = "may not be set for ExternalName services";
                    causes.push(Cause::forbidden(format!("spec.{field}"), words));
                }
            }
            let name = spec.text("externalName");
            if name.is_empty() {
                causes.push(Cause::required("spec.externalName", ""));
            }
            let bare = name.strip_suffix('.').unwrap_or(name);
            for fault in name_faults(bare, NameRule::Subdomain, false).into_iter().filter(|_| !bare.is_empty()) {
                causes.push(Cause::invalid("spec.externalName", &json!(bare), fault));
            }
        }
        _ => {}
    }
}

fn ports(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    let several = spec.ports().len() > 1;
    let mut names: Vec<&str> = Vec::new();
    for (index, port) in spec.ports().iter().enumerate() {
        let field = |name: &str| format!("spec.ports[{index}].{name}");
        let name = port_text(port, "name");
        if name.is_empty() {
            if several {
                causes.push(Cause::required(field("name"), ""));
            }
        } else {
            for fault in name_faults(name, NameRule::Label, false) {
                causes.push(Cause::invalid(field("name"), &json!(name), fault));
            }
            if names.contains(&name) {
                causes.push(Cause::duplicate(field("name"), &json!(name)));
            }
            names.push(name);
        }
        port_in_range(field("port"), &json!(port_number(port, "port")), causes);
        let protocol = port_text(port, "protocol");
        if !PROTOCOLS.contains(&protocol) {
            causes.push(Cause::not_supported(field("protocol"), &json!(protocol), &PROTOCOLS));
        }
        match port.get("targetPort") {
            Some(Value::String(name)) => {
                if let Some(fault) = port_name_fault(name) {
                    causes.push(Cause::invalid(field("targetPort"), &json!(name), fault));
                }
            }
            Some(number) => port_in_range(field("targetPort"), number, causes),
            None => {}
        }
        if let Some(Value::String(protocol)) = port.get("appProtocol") {
            for fault in qualified_name_faults(protocol) {
                causes.push(Cause::invalid(field("appProtocol"), &json!(protocol), fault));
            }
        }
    }
}

fn port_in_range(field: String, number: &Value, causes: &mut Vec<Cause>) {
    if !number.as_i64().is_some_and(|number| (1..=65_535).contains(&number)) {
        causes.push(Cause::invalid(field, number, PORT_RANGE));
    }
}

fn port_name_fault(name: &str) -> Option<&'static str> {
    if name.len() > 15 {
        return Some("must be no more than 15 characters");
    }
    if !is_label(name) {
        return Some("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if name.contains("--") {
        return Some("must not contain consecutive hyphens");
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Some("must contain at least one letter (a-z)");
    }
    None
}

fn session_affinity(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    let affinity = spec.text("sessionAffinity");
    if !AFFINITIES.contains(&affinity) {
        causes.push(Cause::not_supported("spec.sessionAffinity", &json!(affinity), &AFFINITIES));
    }
    let config = "spec.sessionAffinityConfig";
    match (affinity, spec.get("sessionAffinityConfig")) {
        ("ClientIP", Some(given)) => {
            let seconds = given.pointer("/clientIP/timeoutSeconds").cloned().unwrap_or_else(|| json!(0));
            if !seconds.as_i64().is_some_and(|seconds| 0 < seconds && seconds <= DAY) {
                let words = "must be greater than 0 and less than 86400";
                causes.push(Cause::invalid(format!("{config}.clientIP.timeoutSeconds"), &seconds, words));
            }
        }
        ("None", Some(_)) => {
            causes.push(Cause::forbidden(config, "must not be set when session affinity is None"));
        }
        _ => {}
    }
}

fn external_ips(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    for (index, address) in spec.texts("externalIPs").into_iter().enumerate() {
        if let Some(fault) = address_fault(address).or_else(|| special_fault(address)) {
            causes.push(Cause::invalid(format!("spec.externalIPs[{index}]"), &json!(address), fault));
        }
    }
}

fn node_ports(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    for (index, port) in spec.ports().iter().enumerate() {
        if spec.kind() == "ClusterIP" && port_number(port, "nodePort") != 0 {
            let field = format!("spec.ports[{index}].nodePort");
            causes.push(Cause::forbidden(field, "may not be used when `type` is 'ClusterIP'"));
        }
    }
    let mut seen: Vec<(&str, i64)> = Vec::new();
    for (index, port) in spec.ports().iter().enumerate() {
        let node_port = port_number(port, "nodePort");
        let key = (port_text(port, "protocol"), node_port);
        if node_port != 0 && seen.contains(&key) {
            causes.push(Cause::duplicate(format!("spec.ports[{index}].nodePort"), &json!(node_port)));
        }
        seen.push(key);
    }
    let mut seen: Vec<(&str, i64)> = Vec::new();
    for (index, port) in spec.ports().iter().enumerate() {
        let key = (port_text(port, "protocol"), port_number(port, "port"));
        if seen.contains(&key) {
            // As Go prints the key it looks by.
            let message = format!(
                "Duplicate value: {{\"Name\":\"\",\"Protocol\":{:?},\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\
                 \"NodePort\":0}}",
                key.0, key.1
            );
            let field = format!("spec.ports[{index}]");
            causes.push(Cause { message, ..Cause::duplicate(field, &Value::Null) });
        }
        seen.push(key);
    }
}

fn load_balancer(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    let ranges = spec.texts("loadBalancerSourceRanges");
    // kube-apiserver writes the field with a capital here.
    let field = "spec.LoadBalancerSourceRanges";
    if !ranges.is_empty() && !spec.is_load_balancer() {
        causes.push(Cause::forbidden(field, ONLY_LOAD_BALANCER));
    }
    for (index, range) in ranges.into_iter().enumerate() {
        if let Some(fault) = range_fault(range) {
            causes.push(Cause::invalid(format!("{field}[{index}]"), &json!(range), fault));
        }
    }
    if !spec.is_load_balancer() && spec.get("allocateLoadBalancerNodePorts").is_some() {
        causes.push(Cause::forbidden("spec.allocateLoadBalancerNodePorts", ONLY_LOAD_BALANCER));
    }
}

fn traffic(spec: Spec<'_>, causes: &mut Vec<Cause>) {
    let external = spec.text("externalTrafficPolicy");
    let field = "spec.externalTrafficPolicy";
    if spec.is_external() {
        if !TRAFFIC.contains(&external) {
            causes.push(Cause::not_supported(field, &json!(external), &TRAFFIC));
        }
    } else if !external.is_empty() {
        let words = "may only be set for externally-accessible services";
        causes.push(Cause::invalid(field, &json!(external), words));
    }
    let port = spec.health_check_node_port();
    if spec.needs_health_check_node_port() {
        port_in_range("spec.healthCheckNodePort".to_owned(), &json!(port), causes);
    } else if port != 0 {
        let words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        causes.push(Cause::invalid("spec.healthCheckNodePort", &json!(port), words));
    }
    let internal = spec.text("internalTrafficPolicy");
    if spec.needs_cluster_ip() && !TRAFFIC.contains(&internal) {
        causes.push(Cause::not_supported("spec.internalTrafficPolicy", &json!(internal), &TRAFFIC));
    }
    let distribution = spec.text("trafficDistribution");
    if !distribution.is_empty() && !DISTRIBUTIONS.contains(&distribution) {
        causes.push(Cause::not_supported("spec.trafficDistribution", &json!(distribution), &DISTRIBUTIONS));
    }
    let Some(Value::String(class)) = spec.get("loadBalancerClass") else { return };
    if spec.is_load_balancer() {
        for fault in qualified_name_faults(class) {
            causes.push(Cause::invalid("spec.loadBalancerClass", &json!(class), fault));
        }
    } else {
        causes.push(Cause::forbidden("spec.loadBalancerClass", ONLY_LOAD_BALANCER));
    }
}
