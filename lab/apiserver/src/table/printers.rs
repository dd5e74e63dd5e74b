//! The columns of built-in kinds, as kubectl's users know them.

mod core;
mod network;
mod rbac;
mod workload;

use serde_json::Value;

use super::{Column, since};
use crate::meta::{name, text};

/// Headings and cells of one kind.
type Printer = (Vec<Column>, fn(&Value) -> Vec<Value>);

/// How objects of a kind are printed; name and creation time for kinds without columns of their own.
pub(super) fn of(group: &str, kind: &str) -> Printer {
    match (group, kind) {
        ("", "Service") => network::services(),
        ("", "Endpoints") => network::endpoints(),
        ("discovery.k8s.io", "EndpointSlice") => network::endpoint_slices(),
        ("", "Namespace") => core::namespaces(),
        ("", "Node") => core::nodes(),
        ("", "Secret") => core::secrets(),
        ("", "ConfigMap") => core::config_maps(),
        ("", "ServiceAccount") => core::service_accounts(),
        ("" | "events.k8s.io", "Event") => core::events(),
        ("coordination.k8s.io", "Lease") => core::leases(),
        ("", "Pod") => workload::pods(),
        ("apps", "Deployment") => workload::deployments(),
        ("apps", "DaemonSet") => workload::daemon_sets(),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => rbac::bindings(),
        _ => created(),
    }
}

fn created() -> Printer {
    (vec![Column::new("Name"), Column::of("Created At", "date")], |object| {
        vec![name(object).into(), text(object, "/metadata/creationTimestamp").into()]
    })
}

fn plain(names: &[&str], wide: &[&str]) -> Vec<Column> {
    names.iter().map(|name| Column::new(name)).chain(wide.iter().map(|name| Column::wide(name))).collect()
}

fn age(object: &Value) -> Value {
    since(text(object, "/metadata/creationTimestamp"))
}

/// The items at a JSON pointer.
fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The number at a JSON pointer, 0 when there is none.
fn count(object: &Value, pointer: &str) -> Value {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0).into()
}

/// The text at a JSON pointer, or `<none>`.
fn text_or_none(object: &Value, pointer: &str) -> Value {
    match text(object, pointer) {
        "" => "<none>".into(),
        given => given.into(),
    }
}

/// How many entries a list or map has.
fn size(object: &Value, field: &str) -> usize {
    match object.get(field) {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(fields)) => fields.len(),
        _ => 0,
    }
}

/// `a=b,c=d`, or `<none>`.
fn labels(map: Option<&Value>) -> Value {
    let pairs: Vec<String> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    or_none(&pairs)
}

/// Joined by commas, or `<none>`.
fn or_none(texts: &[String]) -> Value {
    if texts.is_empty() { "<none>".into() } else { texts.join(",").into() }
}

/// A label selector with matchLabels and matchExpressions, as text.
fn selector(selector: Option<&Value>) -> Value {
    let Some(selector) = selector else { return "<none>".into() };
    let mut parts: Vec<String> = Vec::new();
    if let Some(labels) = selector.get("matchLabels").and_then(Value::as_object) {
        parts.extend(labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in list(selector, "/matchExpressions") {
        let key = text(expression, "/key");
        let values: Vec<&str> = list(expression, "/values").iter().filter_map(Value::as_str).collect();
        parts.push(match text(expression, "/operator") {
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            "In" => format!("{key} in ({})", values.join(",")),
            other => format!("{key} {} ({})", other.to_lowercase(), values.join(",")),
        });
    }
    or_none(&parts)
}
