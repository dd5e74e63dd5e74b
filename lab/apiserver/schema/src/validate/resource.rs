//! Embedded resources: `apiVersion`, `kind` and `metadata` of objects inside objects.

use serde_json::Value;

use crate::cause::Cause;
use crate::node::{Additional, Node};
use crate::path::Path;

/// The fields of `metadata`, apart from free-form maps below them.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The fields of an entry of `metadata.ownerReferences`.
const OWNER: [&str; 6] = ["apiVersion", "blockOwnerDeletion", "controller", "kind", "name", "uid"];

/// The fields of an entry of `metadata.managedFields`.
const MANAGED: [&str; 7] = ["apiVersion", "fieldsType", "fieldsV1", "manager", "operation", "subresource", "time"];

/// Removes unknown fields of `metadata` in the object and in every embedded resource.
pub(crate) fn prune_metadata(
    node: &Node,
    value: &mut Value,
    path: &Path<'_>,
    is_resource: bool,
    unknown: &mut Vec<String>,
) {
    if is_resource && let Some(Value::Object(metadata)) = value.get_mut("metadata") {
        let at = path.field("metadata");
        retain(metadata, &METADATA, &at, unknown);
        for (list, known) in [("ownerReferences", &OWNER[..]), ("managedFields", &MANAGED[..])] {
            let list_at = at.field(list);
            let items = metadata.get_mut(list).and_then(Value::as_array_mut);
            for (index, item) in items.into_iter().flatten().enumerate() {
                if let Value::Object(fields) = item {
                    retain(fields, known, &list_at.index(index), unknown);
                }
            }
        }
    }
    each_child(node, value, path, &mut |child, value, at| prune_metadata(child, value, at, child.embedded, unknown));
}

fn retain(fields: &mut serde_json::Map<String, Value>, known: &[&str], at: &Path<'_>, unknown: &mut Vec<String>) {
    fields.retain(|name, _| {
        let keep = known.contains(&name.as_str());
        if !keep {
            unknown.push(at.field(name).to_string());
        }
        keep
    });
}

fn each_child(node: &Node, value: &mut Value, path: &Path<'_>, visit: &mut dyn FnMut(&Node, &mut Value, &Path<'_>)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if let Some(child) = node.child(name) {
                    visit(child, field, &path.field(name));
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = &node.items {
                for (index, item) in items.iter_mut().enumerate() {
                    visit(child, item, &path.index(index));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Checks that embedded resources say what they are.
pub(crate) fn check_embedded(node: &Node, value: &Value, at: &Path<'_>, faults: &mut Vec<Cause>) {
    if node.embedded && value.is_object() {
        for name in ["apiVersion", "kind"] {
            if value.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
                faults.push(Cause::required(at.field(name), "must not be empty"));
            }
        }
    }
    match value {
        Value::Object(fields) => {
            let free = matches!(node.additional, Additional::None | Additional::Any) && node.properties.is_empty();
            if free {
                return;
            }
            for (name, field) in fields {
                if let Some(child) = node.child(name) {
                    check_embedded(child, field, &at.field(name), faults);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = &node.items {
                for (index, item) in items.iter().enumerate() {
                    check_embedded(child, item, &at.index(index), faults);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
