//! Events: one collection under two groups, whose fields have different names.
//!
//! They are stored as core events. `events.k8s.io` has `note` for `message`, `regarding` for `involvedObject`,
//! `reportingController` for `reportingComponent`, and the older fields with `deprecated` before them.

use herald_apiserver_schema::Cause;
use serde_json::{Map, Value, json};

use super::super::{Part, Strategy};
use crate::meta::validation::qualified_name_faults;
use crate::meta::{map_of, namespace, text};

/// Field names: events.k8s.io, core.
const RENAMED: [(&str, &str); 7] = [
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// The strategy of Events in one of the two groups.
#[derive(Debug)]
pub(in crate::registry) struct Events {
    /// Whether this is `events.k8s.io`.
    pub(in crate::registry) new_group: bool,
}

impl Strategy for Events {
    fn converts(&self) -> bool {
        self.new_group
    }

    fn to_storage(&self, _version: &str, object: &mut Value) {
        if self.new_group {
            let map = map_of(object);
            rename(map, |(new, core)| (new, core));
            map.insert("apiVersion".into(), json!("v1"));
            crate::decode::fill_always("v1", "Event", object);
        }
    }

    fn to_served(&self, _version: &str, object: &mut Value) {
        let map = map_of(object);
        if self.new_group {
            rename(map, |(new, core)| (core, new));
            map.insert("apiVersion".into(), json!("events.k8s.io/v1"));
            for field in ["reportingController", "reportingInstance"] {
                if map.get(field) == Some(&json!("")) {
                    map.remove(field);
                }
            }
        }
    }

    fn validate(&self, object: &Value, old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let given = |field: &str| text(object, &format!("/{field}"));
        let mut causes = Vec::new();
        let is_new = self.new_group || !given("eventTime").is_empty();
        let about = text(object, "/involvedObject/namespace");
        // Cluster-scoped objects have their events in the default namespace.
        let fits = if about.is_empty() {
            namespace(object) == "default"
        } else {
            about == namespace(object) || self.new_group
        };
        if !fits {
            let words = "does not match event.namespace";
            causes.push(Cause::invalid("involvedObject.namespace", &json!(about), words));
            if !self.new_group {
                return causes;
            }
        }
        if is_new && old.is_none() {
            causes.extend(self.new_fields(object));
        }
        if let Some(old) = old.filter(|old| is_new && !text(old, "/eventTime").is_empty()) {
            causes.extend(changes(object, old));
        }
        causes
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn selectable_field(&self, object: &Value, field: &str) -> Option<String> {
        let at = |pointer: &str| Some(text(object, pointer).to_owned());
        let reference = if self.new_group { "regarding." } else { "involvedObject." };
        if let Some(part) = field.strip_prefix(reference) {
            let known = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
            return known.contains(&part).then(|| text(object, &format!("/involvedObject/{part}")).to_owned());
        }
        match field {
            "reason" => at("/reason"),
            "type" => at("/type"),
            "reportingComponent" if !self.new_group => at("/reportingComponent"),
            "reportingController" if self.new_group => at("/reportingComponent"),
            "source" if !self.new_group => match text(object, "/source/component") {
                "" => at("/reportingComponent"),
                component => Some(component.to_owned()),
            },
            _ => None,
        }
    }
}

impl Events {
    /// What events of the newer sort must have.
    fn new_fields(&self, object: &Value) -> Vec<Cause> {
        let mut causes = Vec::new();
        let given = |field: &str| text(object, &format!("/{field}"));
        let reporter_field = if self.new_group { "reportingController" } else { "reportingComponent" };
        let required = |field: &str, causes: &mut Vec<Cause>| {
            if given(field).is_empty() {
                causes.push(Cause::required(field, ""));
            }
        };
        if self.new_group {
            required("eventTime", &mut causes);
        }
        let reporter = given("reportingComponent");
        if reporter.is_empty() {
            causes.push(Cause::required(reporter_field, ""));
        }
        for fault in qualified_name_faults(reporter) {
            causes.push(Cause::invalid(reporter_field, &json!(reporter), fault));
        }
        required("reportingInstance", &mut causes);
        required("action", &mut causes);
        if self.new_group || given("reason").is_empty() {
            required("reason", &mut causes);
        }
        for (field, limit) in [("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024)] {
            if given(field).len() > limit {
                let words = format!("can have at most {limit} characters");
                causes.push(Cause::invalid(field, &json!(""), words));
            }
        }
        let kind = given("type");
        if !["Normal", "Warning"].contains(&kind) {
            causes.push(Cause::invalid("type", &json!(""), format!("has invalid value: {kind}")));
        }
        causes
    }
}

/// What may not change: everything but the series, and metadata.
fn changes(object: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if object.pointer("/series/count").and_then(Value::as_i64).is_some_and(|count| count < 2) {
        causes.push(Cause::invalid("series.count", &json!(""), "should be at least 2"));
    }
    let fixed = [
        "involvedObject",
        "reason",
        "message",
        "source",
        "firstTimestamp",
        "lastTimestamp",
        "count",
        "reason",
        "type",
        "eventTime",
        "action",
        "related",
        "reportingComponent",
        "reportingInstance",
    ];
    for field in fixed {
        if object.get(field) != old.get(field) {
            let now = object.get(field).unwrap_or(&Value::Null);
            causes.push(Cause::invalid(field, now, "field is immutable"));
        }
    }
    causes
}

fn rename(
    map: &mut Map<String, Value>,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    for pair in RENAMED {
        let (from, to) = direction(pair);
        if let Some(value) = map.remove(from) {
            map.insert(to.into(), value);
        }
    }
}
