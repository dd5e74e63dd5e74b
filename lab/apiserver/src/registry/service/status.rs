//! Validation of a Service's status.

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::address::{Family, address_fault};
use super::spec::Spec;
use crate::meta::text;
use crate::meta::validation::{NameRule, name_faults};

/// What is wrong with `status.loadBalancer`. Conditions are not looked at.
pub(super) fn validate(object: &Value) -> Vec<Cause> {
    let field = "status.loadBalancer.ingress";
    let ingress =
        object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if ingress.is_empty() {
        return Vec::new();
    }
    if !Spec::of(object).is_load_balancer() {
        return vec![Cause::forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")];
    }
    ingress.iter().enumerate().flat_map(|(index, entry)| entry_causes(&format!("{field}[{index}]"), entry)).collect()
}

fn entry_causes(field: &str, entry: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let address = text(entry, "/ip");
    if !address.is_empty()
        && let Some(fault) = address_fault(address)
    {
        causes.push(Cause::invalid(format!("{field}.ip"), &json!(address), fault));
    }
    let mode_field = format!("{field}.ipMode");
    match entry.get("ipMode").and_then(Value::as_str) {
        None if !address.is_empty() => {
            causes.push(Cause::required(mode_field, "must be specified when `ip` is set"));
        }
        Some(_) if address.is_empty() => {
            causes.push(Cause::forbidden(mode_field, "may not be specified when `ip` is not set"));
        }
        Some(mode) if !["Proxy", "VIP"].contains(&mode) => {
            causes.push(Cause::not_supported(mode_field, &json!(mode), &["Proxy", "VIP"]));
        }
        _ => {}
    }
    let host = text(entry, "/hostname");
    if !host.is_empty() {
        let host_field = format!("{field}.hostname");
        for fault in name_faults(host, NameRule::Subdomain, false) {
            causes.push(Cause::invalid(&host_field, &json!(host), fault));
        }
        if Family::of(host).is_some() {
            causes.push(Cause::invalid(&host_field, &json!(host), "must be a DNS name, not an IP address"));
        }
    }
    causes
}
