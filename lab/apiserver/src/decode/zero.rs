//! Which empty values Go writes and which it leaves out.
//!
//! JSON made from Go structs leaves out a field that is empty (`omitempty`), unless it is a pointer, which is left out
//! only when it is absent; some fields are always there. The type tables do not say which is which: this does.

use serde_json::{Map, Value, json};

/// How a time is written.
pub(super) enum Time {
    /// `metav1.Time`.
    Seconds,
    /// `metav1.MicroTime`.
    Micros,
}

/// Whether a field of this name holds a time.
pub(super) fn time_of(field: &str) -> Option<Time> {
    match field {
        "acquireTime" | "renewTime" | "eventTime" | "lastObservedTime" => Some(Time::Micros),
        "creationTimestamp"
        | "deletionTimestamp"
        | "lastTransitionTime"
        | "lastHeartbeatTime"
        | "lastProbeTime"
        | "lastUpdateTime"
        | "firstTimestamp"
        | "lastTimestamp"
        | "deprecatedFirstTimestamp"
        | "deprecatedLastTimestamp"
        | "timeAdded"
        | "startTime" => Some(Time::Seconds),
        _ => None,
    }
}

/// Whether values at this place are bytes, written in base64.
pub(super) fn is_bytes(kind: &str, pattern: &str) -> bool {
    matches!((kind, pattern), ("Secret", "data.{}") | ("ConfigMap", "binaryData.{}"))
}

/// Zeroes of these are left out: they are no pointers. All other numbers and truth values are taken for pointers.
const NO_POINTERS: &[&str] = &[
    "count",
    "deprecatedCount",
    "generation",
    "healthCheckNodePort",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "nodePort",
    "observedGeneration",
    "publishNotReadyAddresses",
    "unschedulable",
];

/// Texts that stay though they are empty: they are pointers.
const POINTERS: &[(&str, &str)] = &[("Lease", "spec.holderIdentity"), ("EndpointSlice", "ports[].name")];

/// What Go always writes, below lists; the rest is in `empty_object`.
fn always(kind: &str, pattern: &str) -> &'static [(&'static str, Kept)] {
    match (kind, pattern) {
        ("Service", "status.conditions[]") => CONDITION,
        ("Service", "spec.ports[]" | "status.loadBalancer.ingress[].ports[]") => &[("port", Kept::Zero)],
        ("Service", "spec.sessionAffinityConfig.clientIP") => &[],
        ("Node", "status.conditions[]") => {
            &[("lastHeartbeatTime", Kept::Null), ("lastTransitionTime", Kept::Null), ("status", Kept::Empty)]
        }
        ("Node", "spec.taints[]") => &[("effect", Kept::Empty), ("key", Kept::Empty)],
        ("Pod", "status.conditions[]") => {
            &[("lastProbeTime", Kept::Null), ("lastTransitionTime", Kept::Null), ("status", Kept::Empty)]
        }
        ("Pod", "spec.containers[]" | "spec.initContainers[]") => &[("resources", Kept::Struct)],
        ("EndpointSlice", "endpoints[]") => &[("addresses", Kept::Null), ("conditions", Kept::Struct)],
        ("CustomResourceDefinition", "status.conditions[]") => &[("lastTransitionTime", Kept::Null)],
        (_, "metadata.ownerReferences[]") => {
            &[("apiVersion", Kept::Empty), ("kind", Kept::Empty), ("name", Kept::Empty), ("uid", Kept::Empty)]
        }
        _ => &[],
    }
}

const CONDITION: &[(&str, Kept)] = &[
    ("lastTransitionTime", Kept::Null),
    ("message", Kept::Empty),
    ("reason", Kept::Empty),
    ("status", Kept::Empty),
    ("type", Kept::Empty),
];

/// What stands where nothing was given.
#[derive(Clone, Copy)]
enum Kept {
    Null,
    Empty,
    Zero,
    Struct,
}

impl Kept {
    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Empty => json!(""),
            Self::Zero => json!(0),
            Self::Struct => json!({}),
        }
    }
}

/// Leaves out what Go leaves out. Empty objects stay: a struct is never empty, and an empty map is told apart by
/// having been given at all.
pub(super) fn drop_empty(kind: &str, pattern: &str, map: &mut Map<String, Value>) {
    let at = |name: &str| if pattern.is_empty() { name.to_owned() } else { format!("{pattern}.{name}") };
    let kept = always(kind, pattern);
    map.retain(|name, value| {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty() && !POINTERS.contains(&(kind, at(name).as_str())),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty() && is_map(name),
            Value::Bool(is) => !*is && NO_POINTERS.contains(&name.as_str()),
            Value::Number(number) => number.as_i64() == Some(0) && NO_POINTERS.contains(&name.as_str()),
        };
        !empty || (!value.is_null() && kept.iter().any(|(field, _)| field == name))
    });
}

/// Fields that are maps, and so are left out when empty.
fn is_map(field: &str) -> bool {
    matches!(
        field,
        "annotations"
            | "labels"
            | "matchLabels"
            | "selector"
            | "nodeSelector"
            | "data"
            | "binaryData"
            | "stringData"
            | "capacity"
            | "allocatable"
    )
}

/// Adds what Go always writes.
pub(super) fn add_always(kind: &str, pattern: &str, map: &mut Map<String, Value>) {
    for (field, kept) in always(kind, pattern) {
        map.entry(*field).or_insert_with(|| kept.value());
    }
}

/// Fills `object` up with what an object always has.
pub(super) fn fill(always: &Value, object: &mut Value) {
    let (Value::Object(always), Value::Object(object)) = (always, object) else { return };
    for (name, value) in always {
        match object.get_mut(name) {
            Some(Value::Null) | None => {
                object.insert(name.clone(), value.clone());
            }
            Some(there) => fill(value, there),
        }
    }
}
