//! Services and what stands behind them.

use serde_json::Value;

use super::{Printer, age, labels, list, or_none, plain, text_or_none};
use crate::meta::{name, text};

pub(super) fn services() -> Printer {
    (plain(&["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"], &["Selector"]), |service| {
        vec![
            name(service).into(),
            text(service, "/spec/type").into(),
            text_or_none(service, "/spec/clusterIP"),
            external_addresses(service),
            service_ports(service),
            age(service),
            labels(service.pointer("/spec/selector")),
        ]
    })
}

fn external_addresses(service: &Value) -> Value {
    let mut addresses: Vec<String> = Vec::new();
    match text(service, "/spec/type") {
        "ExternalName" => return text(service, "/spec/externalName").into(),
        "LoadBalancer" => {
            for ingress in list(service, "/status/loadBalancer/ingress") {
                let shown = match text(ingress, "/ip") {
                    "" => text(ingress, "/hostname"),
                    ip => ip,
                };
                addresses.push(shown.to_owned());
            }
            let own = list(service, "/spec/externalIPs").iter().filter_map(Value::as_str).map(str::to_owned);
            addresses.extend(own);
            if addresses.is_empty() {
                return "<pending>".into();
            }
        }
        _ => {
            let own = list(service, "/spec/externalIPs").iter().filter_map(Value::as_str).map(str::to_owned);
            addresses.extend(own);
        }
    }
    or_none(&addresses)
}

fn service_ports(service: &Value) -> Value {
    let ports: Vec<String> = list(service, "/spec/ports")
        .iter()
        .map(|port| {
            let number = port.get("port").cloned().unwrap_or_default();
            let protocol = text(port, "/protocol");
            match port.get("nodePort").and_then(Value::as_i64) {
                Some(node_port) if node_port > 0 => format!("{number}:{node_port}/{protocol}"),
                _ => format!("{number}/{protocol}"),
            }
        })
        .collect();
    or_none(&ports)
}

/// How many addresses or ports are shown before `+ N more...`.
const SHOWN: usize = 3;

pub(super) fn endpoints() -> Printer {
    (plain(&["Name", "Endpoints", "Age"], &[]), |endpoints| {
        let mut shown: Vec<String> = Vec::new();
        for subset in list(endpoints, "/subsets") {
            let addresses: Vec<&str> = list(subset, "/addresses").iter().map(|address| text(address, "/ip")).collect();
            let ports = list(subset, "/ports");
            if ports.is_empty() {
                shown.extend(addresses.iter().map(|address| (*address).to_owned()));
            }
            for port in ports {
                let port = port.get("port").cloned().unwrap_or_default();
                shown.extend(addresses.iter().map(|address| match address.contains(':') {
                    true => format!("[{address}]:{port}"),
                    false => format!("{address}:{port}"),
                }));
            }
        }
        vec![name(endpoints).into(), shortened(&shown, "<none>"), age(endpoints)]
    })
}

pub(super) fn endpoint_slices() -> Printer {
    (plain(&["Name", "AddressType", "Ports", "Endpoints", "Age"], &[]), |slice| {
        let ports: Vec<String> = list(slice, "/ports")
            .iter()
            .map(|port| port.get("port").filter(|port| !port.is_null()).map_or("*".to_owned(), Value::to_string))
            .collect();
        let addresses: Vec<String> = list(slice, "/endpoints")
            .iter()
            .flat_map(|endpoint| list(endpoint, "/addresses"))
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        vec![
            name(slice).into(),
            text(slice, "/addressType").into(),
            shortened(&ports, "<unset>"),
            shortened(&addresses, "<unset>"),
            age(slice),
        ]
    })
}

fn shortened(texts: &[String], none: &str) -> Value {
    match texts {
        [] => none.into(),
        texts if texts.len() > SHOWN => {
            format!("{} + {} more...", texts[..SHOWN].join(","), texts.len() - SHOWN).into()
        }
        texts => texts.join(",").into(),
    }
}
