//! Namespaces, nodes, secrets, accounts, events, leases.

use serde_json::Value;

use super::{Printer, age, list, or_none, plain, size};
use crate::meta::{labels, name, text};
use crate::table::since;

pub(super) fn namespaces() -> Printer {
    (plain(&["Name", "Status", "Age"], &[]), |namespace| {
        vec![name(namespace).into(), text(namespace, "/status/phase").into(), age(namespace)]
    })
}

pub(super) fn nodes() -> Printer {
    let wide = ["Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"];
    (plain(&["Name", "Status", "Roles", "Age", "Version"], &wide), |node| {
        let info = |field: &str| match text(node, &format!("/status/nodeInfo/{field}")) {
            "" => Value::from("<unknown>"),
            given => given.into(),
        };
        vec![
            name(node).into(),
            node_status(node),
            node_roles(node),
            age(node),
            text(node, "/status/nodeInfo/kubeletVersion").into(),
            node_address(node, "InternalIP"),
            node_address(node, "ExternalIP"),
            info("osImage"),
            info("kernelVersion"),
            info("containerRuntimeVersion"),
        ]
    })
}

fn node_status(node: &Value) -> Value {
    let ready = list(node, "/status/conditions").iter().find(|condition| text(condition, "/type") == "Ready");
    let mut status = match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        status.push_str(",SchedulingDisabled");
    }
    status.into()
}

fn node_roles(node: &Value) -> Value {
    let mut roles: Vec<String> = labels(node)
        .iter()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role.to_owned()),
            None if key == "kubernetes.io/role" => value.as_str().map(str::to_owned),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    or_none(&roles)
}

fn node_address(node: &Value, kind: &str) -> Value {
    let address = list(node, "/status/addresses").iter().find(|address| text(address, "/type") == kind);
    address.map_or("<none>".into(), |address| text(address, "/address").into())
}

pub(super) fn secrets() -> Printer {
    (plain(&["Name", "Type", "Data", "Age"], &[]), |secret| {
        vec![name(secret).into(), text(secret, "/type").into(), size(secret, "data").into(), age(secret)]
    })
}

pub(super) fn config_maps() -> Printer {
    (plain(&["Name", "Data", "Age"], &[]), |map| {
        vec![name(map).into(), (size(map, "data") + size(map, "binaryData")).into(), age(map)]
    })
}

pub(super) fn service_accounts() -> Printer {
    (plain(&["Name", "Secrets", "Age"], &[]), |account| {
        vec![name(account).into(), size(account, "secrets").into(), age(account)]
    })
}

pub(super) fn leases() -> Printer {
    (plain(&["Name", "Holder", "Age"], &[]), |lease| {
        vec![name(lease).into(), text(lease, "/spec/holderIdentity").into(), age(lease)]
    })
}

pub(super) fn events() -> Printer {
    let mut columns = plain(&["Last Seen", "Type", "Reason", "Object"], &["Subobject", "Source"]);
    columns.extend(plain(&["Message"], &["First Seen", "Count", "Name"]));
    (columns, |event| {
        // One store, two forms: core names the fields differently from events.k8s.io.
        let either = |core: &str, other: &str| match text(event, core) {
            "" => text(event, other).to_owned(),
            given => given.to_owned(),
        };
        let mut first = either("/firstTimestamp", "/deprecatedFirstTimestamp");
        if first.is_empty() {
            first = text(event, "/eventTime").to_owned();
        }
        let mut last = either("/lastTimestamp", "/deprecatedLastTimestamp");
        if last.is_empty() {
            last.clone_from(&first);
        }
        let mut times =
            event.get("count").or_else(|| event.get("deprecatedCount")).and_then(Value::as_i64).unwrap_or(0);
        if let Some(series) = event.get("series").filter(|series| !series.is_null()) {
            times = series.get("count").and_then(Value::as_i64).unwrap_or(times);
            text(series, "/lastObservedTime").clone_into(&mut last);
        } else if times == 0 {
            times = 1;
        }
        let about = if event.get("involvedObject").is_some() { "/involvedObject" } else { "/regarding" };
        let kind = text(event, &format!("{about}/kind")).to_lowercase();
        let object = match text(event, &format!("{about}/name")) {
            "" => kind,
            name => format!("{kind}/{name}"),
        };
        vec![
            since(&last),
            text(event, "/type").into(),
            text(event, "/reason").into(),
            object.into(),
            text(event, &format!("{about}/fieldPath")).into(),
            source(event).into(),
            either("/message", "/note").trim().into(),
            since(&first),
            times.into(),
            name(event).into(),
        ]
    })
}

fn source(event: &Value) -> String {
    let source = if event.get("source").is_some() { "/source" } else { "/deprecatedSource" };
    let mut component = text(event, &format!("{source}/component"));
    if component.is_empty() {
        component = match text(event, "/reportingComponent") {
            "" => text(event, "/reportingController"),
            given => given,
        };
    }
    let host = match text(event, &format!("{source}/host")) {
        "" => text(event, "/reportingInstance"),
        host => host,
    };
    if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
}
