//! What is said about Services that are accepted.

use serde_json::Value;

use super::address::canonical;
use super::spec::Spec;
use crate::meta::text;

pub(super) fn of(service: &Value) -> Vec<String> {
    let spec = Spec::of(service);
    let mut warnings = Vec::new();
    let mut address = |field: String, value: &str| {
        if let Some(canonical) = canonical(value) {
            warnings.push(format!(
                "{field}: IPv6 address {value:?} should be in RFC 5952 canonical format ({canonical:?})"
            ));
        }
    };
    for (index, value) in spec.cluster_ips().into_iter().enumerate() {
        address(format!("spec.clusterIPs[{index}]"), value);
    }
    for (index, value) in spec.texts("externalIPs").into_iter().enumerate() {
        address(format!("spec.externalIPs[{index}]"), value);
    }
    address("spec.loadBalancerIP".to_owned(), spec.text("loadBalancerIP"));
    let ingress = service.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    for (index, entry) in ingress.into_iter().flatten().enumerate() {
        address(format!("status.loadBalancer.ingress[{index}]"), text(entry, "/ip"));
    }
    if !spec.texts("externalIPs").is_empty() {
        warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned());
    }
    if spec.text("trafficDistribution") == "PreferClose" {
        warnings.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned());
    }
    if spec.is_headless() {
        if !spec.text("loadBalancerIP").is_empty() {
            warnings.push("spec.loadBalancerIP is ignored when spec.clusterIP is \"None\"".to_owned());
        }
        if !spec.texts("externalIPs").is_empty() {
            warnings.push("spec.externalIPs is ignored when spec.clusterIP is \"None\"".to_owned());
        }
        if spec.text("sessionAffinity") != "None" {
            warnings.push("spec.SessionAffinity is ignored for headless services".to_owned());
        }
    }
    warnings
}
