//! The bodies of our patches.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::allocate::{ServiceChange, StatusWrite};
use crate::compile::Counters;
use crate::lead::Epoch;
use crate::watch::names;

#[cfg(test)]
mod tests;

/// The strategic-merge patch of `services/status` for a change.
///
/// It carries the resourceVersion that was decided on, so that the API server refuses it if the
/// Service has changed meanwhile. A list of addresses is always whole: the server replaces it.
/// Conditions are merged by type, so those of others stay.
pub(super) fn service(change: &ServiceChange, resource_version: &str, now: Timestamp) -> Value {
    let mut metadata = Map::from_iter([("resourceVersion".to_owned(), json!(resource_version))]);
    let mut annotations = Map::new();
    if let Some(pool) = &change.pool {
        annotations.insert(names::FROM_POOL.to_owned(), json!(pool.as_deref()));
    }
    if let Some(epoch) = &change.epoch {
        annotations.insert(names::EPOCH.to_owned(), json!(epoch.as_ref().map(Epoch::as_str)));
    }
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    let mut status = Map::new();
    if let Some(addresses) = &change.ingress {
        let ingress: Vec<_> = addresses.iter().map(|address| json!({ "ip": address, "ipMode": "VIP" })).collect();
        let ingress = if ingress.is_empty() { Value::Null } else { ingress.into() };
        status.insert("loadBalancer".to_owned(), json!({ "ingress": ingress }));
    }
    if let Some(change) = &change.condition {
        let condition = &change.condition;
        let mut patch = json!({
            "type": names::ALLOCATED,
            "status": if condition.status { "True" } else { "False" },
            "reason": condition.reason,
            "message": condition.message,
        });
        if change.transition
            && let Some(patch) = patch.as_object_mut()
        {
            patch.insert("lastTransitionTime".to_owned(), json!(seconds(now)));
        }
        status.insert("conditions".to_owned(), json!([patch]));
    }
    let mut patch = Map::from_iter([("metadata".to_owned(), Value::Object(metadata))]);
    if !status.is_empty() {
        patch.insert("status".to_owned(), Value::Object(status));
    }
    Value::Object(patch)
}

/// The strategic-merge patch of `services/status` that takes our marks off a Service that is no
/// LoadBalancer any more. Its addresses are gone with the type.
pub(super) fn unmark(resource_version: &str) -> Value {
    json!({
        "metadata": { "resourceVersion": resource_version, "annotations": { names::FROM_POOL: null, names::EPOCH: null } },
        "status": { "conditions": [{ "type": names::ALLOCATED, "$patch": "delete" }] },
    })
}

/// The merge patch of a configuration object's status.
pub(super) fn status(write: &StatusWrite, now: Timestamp) -> Value {
    let mut status = Map::new();
    if let Some(Counters { assigned_v4, assigned_v6, available_v4, available_v6 }) = write.counters {
        for (name, count) in [
            ("assignedIPv4", assigned_v4),
            ("assignedIPv6", assigned_v6),
            ("availableIPv4", available_v4),
            ("availableIPv6", available_v6),
        ] {
            status.insert(name.to_owned(), json!(count));
        }
    }
    let conditions = herald_crds::border::conditions(&write.verdict, &write.before, now);
    status.insert("conditions".to_owned(), json!(conditions));
    json!({ "status": status })
}

/// The server keeps times of conditions in seconds.
fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
    whole.to_string()
}
