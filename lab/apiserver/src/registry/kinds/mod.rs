//! What is special about the smaller built-in kinds, one file each.

mod configmap;
mod endpointslice;
mod event;
mod lease;
mod namespace;
mod node;
mod pod;
mod secret;
mod serviceaccount;
mod workload;

pub(super) use configmap::ConfigMaps;
pub(super) use endpointslice::EndpointSlices;
pub(super) use event::Events;
pub(super) use lease::Leases;
pub(super) use namespace::Namespaces;
pub(super) use node::Nodes;
pub(super) use pod::Pods;
pub(super) use secret::Secrets;
pub(super) use serviceaccount::ServiceAccounts;
pub(super) use workload::Workloads;

use serde_json::Value;

use super::Part;
use crate::meta::{map_of, section_mut};

/// A write of the object keeps the status it had.
fn keep_status(object: &mut Value, old: &Value, part: Part) {
    if part == Part::Object {
        match old.get("status") {
            Some(status) => map_of(object).insert("status".into(), status.clone()),
            None => map_of(object).remove("status"),
        };
    }
}

/// Counts the generation: 1 for a new object, one more for each change of anything but metadata and status.
fn count_generation(object: &mut Value, old: Option<&Value>) {
    let Some(old) = old else {
        section_mut(object, "metadata").insert("generation".into(), 1.into());
        return;
    };
    let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
    let differs = content(object).ne(content(old));
    section_mut(object, "metadata").insert("generation".into(), (generation + i64::from(differs)).into());
}

fn content(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(name, _)| !["metadata", "status"].contains(&name.as_str()))
}
