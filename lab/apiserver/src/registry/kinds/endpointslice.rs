//! EndpointSlices.

use std::net::IpAddr;

use herald_apiserver_schema::{Cause, Reason};
use serde_json::{Value, json};

use super::super::{Part, Strategy};
use super::count_generation;
use crate::meta::{map_of, text};

const TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const MAX_ENDPOINTS: usize = 1_000;

/// The strategy of EndpointSlices.
#[derive(Debug)]
pub(in crate::registry) struct EndpointSlices;

impl Strategy for EndpointSlices {
    fn set_defaults(&self, object: &mut Value) {
        let ports = object.get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten() {
            let port = map_of(port);
            port.entry("name").or_insert_with(|| json!(""));
            port.entry("protocol").or_insert_with(|| json!("TCP"));
        }
    }

    fn prepare_for_create(&self, object: &mut Value) {
        count_generation(object, None);
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, _part: Part) {
        count_generation(object, Some(old));
    }

    fn validate(&self, object: &Value, old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let mut causes = Vec::new();
        let kind = text(object, "/addressType");
        if old.is_some_and(|old| text(old, "/addressType") != kind) {
            causes.push(Cause::invalid("addressType", &json!(kind), "field is immutable"));
            return causes;
        }
        if kind.is_empty() {
            causes.push(Cause::required("addressType", ""));
        } else if !TYPES.contains(&kind) {
            causes.push(Cause::not_supported("addressType", &json!(kind), &TYPES));
        }
        let items = |field: &str| object.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let endpoints = items("endpoints");
        if endpoints.len() > MAX_ENDPOINTS {
            let words = format!("must have at most {MAX_ENDPOINTS} items");
            causes.push(Cause::plain(Reason::TooMany, "endpoints", words));
        }
        for (index, endpoint) in endpoints.iter().enumerate() {
            causes.extend(addresses(&format!("endpoints[{index}].addresses"), endpoint, kind));
        }
        let mut names: Vec<&str> = Vec::new();
        for (index, port) in items("ports").iter().enumerate() {
            let name = text(port, "/name");
            if names.contains(&name) {
                causes.push(Cause::duplicate(format!("ports[{index}].name"), &json!(name)));
            }
            names.push(name);
            let protocol = text(port, "/protocol");
            if !PROTOCOLS.contains(&protocol) {
                let field = format!("ports[{index}].protocol");
                causes.push(Cause::not_supported(field, &json!(protocol), &PROTOCOLS));
            }
        }
        causes
    }
}

fn addresses(field: &str, endpoint: &Value, kind: &str) -> Vec<Cause> {
    let addresses = endpoint.get("addresses").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if addresses.is_empty() {
        return vec![Cause::required(field, "must contain at least 1 address")];
    }
    let mut causes = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let at = format!("{field}[{index}]");
        let parsed: Option<IpAddr> = address.as_str().and_then(|text| text.parse().ok());
        match (kind, parsed) {
            ("IPv4", None | Some(IpAddr::V6(_))) => {
                causes.push(Cause::invalid(field, address, "must be an IPv4 address"));
            }
            ("IPv6", None | Some(IpAddr::V4(_))) => {
                causes.push(Cause::invalid(field, address, "must be an IPv6 address"));
            }
            ("IPv4" | "IPv6", Some(ip)) if ip.is_loopback() => {
                let words = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
                causes.push(Cause::invalid(at, address, words));
            }
            ("IPv4" | "IPv6", Some(ip)) if ip.is_unspecified() => {
                let any = if ip.is_ipv4() { "0.0.0.0" } else { "::" };
                causes.push(Cause::invalid(at, address, format!("may not be unspecified ({any})")));
            }
            _ => {}
        }
    }
    causes
}
