//! What the server fills in and takes away before a definition is validated.

use serde_json::{Value, json};

use super::items;
use crate::meta::{map_of, section_mut, text, time_now};
use crate::registry::Part;

/// The finalizer that keeps a definition until its instances are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Defaults of `spec`.
pub(super) fn set(object: &mut Value) {
    let spec = section_mut(object, "spec");
    let conversion = spec.entry("conversion").or_insert(Value::Null);
    if conversion.is_null() {
        *conversion = json!({"strategy": "None"});
    }
    if let Some(service) = conversion.pointer_mut("/webhook/clientConfig/service").and_then(Value::as_object_mut) {
        service.entry("port").or_insert(json!(443));
    }
    if let Some(map) = conversion.as_object_mut()
        && map.get("webhook").is_some_and(Value::is_null)
    {
        map.remove("webhook");
    }
    if spec.get("preserveUnknownFields") == Some(&Value::Bool(false)) {
        spec.remove("preserveUnknownFields");
    }
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_empty = |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(str::is_empty);
        if is_empty(names.get("singular")) {
            names.insert("singular".into(), kind.to_lowercase().into());
        }
        if is_empty(names.get("listKind")) {
            names.insert("listKind".into(), format!("{kind}List").into());
        }
        names.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    }
}

/// A new definition: generation 1, a status that says nothing yet.
pub(super) fn prepare_for_create(object: &mut Value) {
    let stored: Vec<&Value> = storage_versions(object);
    let status = json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored});
    section_mut(object, "metadata").insert("generation".into(), json!(1));
    map_of(object).insert("status".into(), status);
}

/// A change: of `spec` it counts the generation, of the storage version it is remembered in status.
pub(super) fn prepare_for_update(object: &mut Value, old: &Value, part: Part) {
    if part == Part::Status {
        return;
    }
    if let Some(status) = old.get("status") {
        map_of(object).insert("status".into(), status.clone());
    }
    let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
    let generation = if object.get("spec") == old.get("spec") { generation } else { generation + 1 };
    section_mut(object, "metadata").insert("generation".into(), json!(generation));
    let new: Vec<Value> = storage_versions(object).into_iter().cloned().collect();
    let status = section_mut(object, "status");
    let stored = status.entry("storedVersions").or_insert(json!([]));
    if let Some(stored) = stored.as_array_mut() {
        for version in new {
            if !stored.contains(&version) {
                stored.push(version);
            }
        }
    }
}

fn storage_versions(object: &Value) -> Vec<&Value> {
    let versions = object.get("spec").map_or(&[][..], |spec| items(spec, "versions"));
    let storage = versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true)));
    storage.filter_map(|version| version.get("name")).collect()
}

/// Deletion begins: the definition stays until its instances are gone, and says so.
pub(super) fn begin_deletion(object: &mut Value) {
    let metadata = section_mut(object, "metadata");
    let finalizers = metadata.entry("finalizers").or_insert(json!([]));
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|finalizer| finalizer == CLEANUP)
    {
        finalizers.push(CLEANUP.into());
    }
    set_condition(
        object,
        "Terminating",
        "True",
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    );
}

/// Sets a condition in status; its transition time changes only with its status.
pub(super) fn set_condition(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = section_mut(object, "status").entry("conditions").or_insert(Value::Null);
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let mut condition = json!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": time_now(),
    });
    let Some(conditions) = conditions.as_array_mut() else { return };
    match conditions.iter_mut().find(|condition| text(condition, "/type") == kind) {
        None => conditions.push(condition),
        Some(old) => {
            if old.get("status") == condition.get("status")
                && let Some(time) = old.get("lastTransitionTime")
            {
                condition["lastTransitionTime"] = time.clone();
            }
            *old = condition;
        }
    }
}

/// Whether a condition has the status `True`.
pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    let status = object.get("status").map_or(&[][..], |status| items(status, "conditions"));
    status.iter().any(|condition| text(condition, "/type") == kind && text(condition, "/status") == "True")
}
