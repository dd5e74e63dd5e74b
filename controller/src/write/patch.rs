//! The bodies of our patches.

use herald_crds::{ConfigurationState, ConfigurationStateFields};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::allocate::{AnnouncedWrite, ConditionChange, Outlook, ServiceChange, StatusWrite};
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
    if change.reallocated {
        annotations.insert(names::REALLOCATE.to_owned(), Value::Null);
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
        status.insert("conditions".to_owned(), json!([condition(names::ALLOCATED, change, now)]));
    }
    let mut patch = Map::from_iter([("metadata".to_owned(), Value::Object(metadata))]);
    if !status.is_empty() {
        patch.insert("status".to_owned(), Value::Object(status));
    }
    Value::Object(patch)
}

/// The strategic-merge patch of `services/status` for the condition `metallb.io/Announced`.
pub(super) fn announced(write: &AnnouncedWrite, now: Timestamp) -> Value {
    let condition = match &write.change {
        Some(change) => condition(names::ANNOUNCED, change, now),
        None => json!({ "type": names::ANNOUNCED, "$patch": "delete" }),
    };
    json!({
        "metadata": { "resourceVersion": write.resource_version },
        "status": { "conditions": [condition] },
    })
}

fn condition(type_: &str, change: &ConditionChange, now: Timestamp) -> Value {
    let condition = &change.condition;
    let mut patch = json!({
        "type": type_,
        "status": if condition.status { "True" } else { "False" },
        "reason": condition.reason,
        "message": condition.message,
    });
    if change.transition {
        patch["lastTransitionTime"] = json!(seconds(now));
    }
    patch
}

/// The strategic-merge patch of `services/status` that takes our marks off a Service that is no
/// LoadBalancer any more. Its addresses are gone with the type.
pub(super) fn unmark(resource_version: &str) -> Value {
    json!({
        "metadata": { "resourceVersion": resource_version, "annotations": { names::FROM_POOL: null, names::EPOCH: null } },
        "status": { "conditions": [
            { "type": names::ALLOCATED, "$patch": "delete" },
            { "type": names::ANNOUNCED, "$patch": "delete" },
        ] },
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

/// Our ConfigurationState, without a status.
///
/// It has no owner: it outlives every pod, and which Deployment runs the controller is not known. (MetalLB makes its
/// pod the owner, so the object is deleted and created again with each pod.)
pub(super) fn new_state() -> ConfigurationState {
    let mut state = ConfigurationState::new(names::CONTROLLER, ConfigurationStateFields {});
    state.metadata.labels = Some([(names::COMPONENT.to_owned(), names::CONTROLLER.to_owned())].into());
    state
}

/// The merge patch of its status. `before`: its conditions, of which others may have some.
pub(super) fn state(outlook: &Outlook, before: &[Condition], now: Timestamp) -> Value {
    let status = if outlook.status { "True" } else { "False" };
    let (ours, others): (Vec<_>, Vec<_>) = before.iter().partition(|one| one.type_ == names::POOLS_VALID);
    let since = ours.first().filter(|one| one.status == status).map(|one| one.last_transition_time.0);
    let mut conditions = vec![json!({
        "type": names::POOLS_VALID,
        "status": status,
        "reason": outlook.reason,
        "message": outlook.message,
        "lastTransitionTime": seconds(since.unwrap_or(now)),
    })];
    conditions.extend(others.into_iter().map(|one| json!(one)));
    let summary = Some(&outlook.summary).filter(|summary| !summary.is_empty());
    json!({ "status": { "result": outlook.result, "errorSummary": summary, "conditions": conditions } })
}

/// The server keeps times of conditions in seconds.
fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
    whole.to_string()
}
