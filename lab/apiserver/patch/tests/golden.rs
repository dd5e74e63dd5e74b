//! Replays the writes of recordings of a real kube-apiserver through the pure functions.
//!
//! The server around them is the least that the recordings need: decoding fills in what Kubernetes fills in for the
//! objects at hand, and each endpoint keeps what it may not change. What is compared: the answers' managedFields, spec,
//! status, labels, and the messages of refused applies.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashMap;

use herald_apiserver_patch::managed::{ApplyError, Scope, Write, builtin_scope, custom_resource_scope};
use herald_apiserver_patch::{
    Type, builtin, empty_object, json_patch, managed, merge_patch, strategic_merge_patch, types,
};
use serde_json::{Value, json};

const NOW: &str = "2026-01-02T03:04:05Z";

struct Kind {
    ty: Type,
    api_version: String,
    kind: String,
    custom: bool,
}

#[derive(Default)]
struct Server {
    kinds: HashMap<String, Kind>,
    objects: HashMap<String, Value>,
    compared: usize,
    refused: usize,
}

impl Server {
    fn new() -> Self {
        let mut server = Self::default();
        for (plural, version, kind) in [("services", "v1", "Service"), ("leases", "coordination.k8s.io/v1", "Lease")] {
            let ty = builtin(version, kind).expect(kind).clone();
            server
                .kinds
                .insert(plural.to_owned(), Kind { ty, api_version: version.into(), kind: kind.into(), custom: false });
        }
        server
    }

    fn step(&mut self, step: &Value) {
        let (method, body) = (text(step, "/method"), &step["body"]);
        if body["kind"] == "CustomResourceDefinition" {
            let version = &body["spec"]["versions"][0];
            let kind = Kind {
                ty: types::custom_resource(&version["schema"]["openAPIV3Schema"]),
                api_version: format!("{}/{}", text(body, "/spec/group"), text(version, "/name")),
                kind: text(body, "/spec/names/kind").to_owned(),
                custom: true,
            };
            self.kinds.insert(text(body, "/spec/names/plural").to_owned(), kind);
            return;
        }
        let mut parts = text(step, "/path").split('/').skip_while(|part| !self.kinds.contains_key(*part));
        let (Some(plural), sent_name, subresource) = (parts.next(), parts.next(), parts.next()) else { return };
        let name = sent_name.unwrap_or_else(|| text(body, "/metadata/name"));
        let key = format!("{plural}/{name}");
        let live = self.objects.get(&key).cloned();
        let expected = &step["expect"]["body"];
        let status = step["expect"]["status"].as_u64().unwrap_or_default();
        let from_fields = text(expected, "/message").starts_with("Apply failed")
            || text(expected, "/message").starts_with("failed to create typed")
            || ["metadata.managedFields must be nil", "invalid object type: /, Kind="]
                .contains(&text(expected, "/message"));
        if !matches!(method, "POST" | "PUT" | "PATCH") || (status > 201 && !from_fields) {
            return;
        }
        let label = text(step, "/name");
        match (self.write(plural, subresource, step, live.as_ref()), status) {
            (Ok(new), 200 | 201) => {
                assert_same(label, &new, expected, step["expect"]["compareManagedFields"] == true);
                self.compared += 1;
                if step["query"]["dryRun"].is_null() {
                    self.objects.insert(key, new);
                }
            }
            (Err(error), _) => {
                assert_eq!(error.to_string(), text(expected, "/message"), "{label}");
                if let ApplyError::Conflict(conflict) = &error {
                    let causes: Vec<Value> = conflict
                        .causes
                        .iter()
                        .map(|cause| json!({"reason": "FieldManagerConflict", "message": cause.message, "field": cause.field}))
                        .collect();
                    assert_eq!(Value::from(causes), expected["details"]["causes"], "{label}");
                }
                self.refused += 1;
            }
            (Ok(new), _) => panic!("{label}: not refused: {new}"),
        }
    }

    fn write(
        &self,
        plural: &str,
        subresource: Option<&str>,
        step: &Value,
        live: Option<&Value>,
    ) -> Result<Value, ApplyError> {
        let kind = &self.kinds[plural];
        let scope: Scope =
            if kind.custom { custom_resource_scope(true, subresource) } else { builtin_scope(&kind.kind, subresource) };
        let manager = step["query"]["fieldManager"].as_str().unwrap_or("unknown");
        let write = Write {
            ty: &kind.ty,
            api_version: &kind.api_version,
            kind: &kind.kind,
            subresource,
            manager,
            now: NOW,
            scope: &scope,
        };
        let empty = if kind.custom {
            json!({"apiVersion": kind.api_version, "kind": kind.kind})
        } else {
            empty_object(&kind.api_version, &kind.kind)
        };
        let before = live.unwrap_or(&empty);
        let raw = step["rawBody"].as_str().map(yaml_body);
        let body = raw.as_ref().unwrap_or(&step["body"]);
        let mut new = match text(step, "/headers/Content-Type") {
            "application/apply-patch+yaml" => {
                let mut new = managed::apply(&write, before, body, step["query"]["force"] == "true")?;
                decode(&mut new, &kind.kind);
                new
            }
            patch => {
                let mut new = match patch {
                    "application/merge-patch+json" => {
                        let mut new = before.clone();
                        merge_patch(&mut new, body);
                        new
                    }
                    "application/strategic-merge-patch+json" => {
                        strategic_merge_patch(before, body, &kind.ty).expect("applies")
                    }
                    "application/json-patch+json" => json_patch(before, body).expect("applies"),
                    _ => body.clone(),
                };
                decode(&mut new, &kind.kind);
                managed::update(&write, before, &mut new);
                new
            }
        };
        reset(&mut new, before, subresource, kind.custom);
        if let Some(live) = live {
            managed::keep_timestamps(live, &mut new);
        }
        new["metadata"]["uid"] = "uid".into();
        Ok(new)
    }
}

/// The one recorded body in YAML.
fn yaml_body(raw: &str) -> Value {
    assert!(raw.contains("name: yaml"), "{raw}");
    json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": {"name": "yaml"},
        "spec": {"addresses": ["192.0.2.128/25"], "autoAssign": false}})
}

/// What decoding and defaulting do to the objects of these recordings.
fn decode(object: &mut Value, kind: &str) {
    let mut default = |pointer: &str, name: &str, value: Value| {
        if let Some(Value::Object(fields)) = object.pointer_mut(pointer)
            && fields.get(name).is_none_or(Value::is_null)
        {
            fields.insert(name.to_owned(), value);
        }
    };
    match kind {
        "Service" => {
            for (name, value) in [
                ("sessionAffinity", "None"),
                ("externalTrafficPolicy", "Cluster"),
                ("internalTrafficPolicy", "Cluster"),
            ] {
                default("/spec", name, value.into());
            }
            default("/spec", "allocateLoadBalancerNodePorts", true.into());
            default("/spec/ports/0", "targetPort", 80.into());
            default("", "status", json!({}));
            default("/status", "loadBalancer", json!({}));
            for index in 0..3 {
                default(&format!("/status/loadBalancer/ingress/{index}"), "ipMode", "VIP".into());
            }
        }
        "IPAddressPool" => {
            default("/spec", "autoAssign", true.into());
            default("/spec", "avoidBuggyIPs", false.into());
            default("/spec", "mode", "L2".into());
            default("/spec", "serviceAllocation", json!({"priority": 50}));
        }
        "Lease" => {
            let utc = text(object, "/spec/renewTime").replace("T02:00:05.000000+02:00", "T00:00:05.000000Z");
            if !utc.is_empty() {
                object["spec"]["renewTime"] = utc.into();
            }
        }
        _ => {}
    }
    if let Some(Value::Object(status)) = object.get_mut("status") {
        status.retain(|name, value| !value.is_null() && name != "colour");
    }
    if let Some(Value::Object(meta)) = object.get_mut("metadata") {
        meta.retain(|_, value| !value.is_null());
    }
    // Go writes a condition's fields also when they are empty.
    for condition in object.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        if let (Value::Object(condition), "Service") = (condition, kind) {
            for name in ["lastTransitionTime", "message", "reason", "status"] {
                let empty = if name == "lastTransitionTime" { Value::Null } else { "".into() };
                condition.entry(name).or_insert(empty);
            }
        }
    }
}

/// What an endpoint may not change comes from the old object.
fn reset(new: &mut Value, old: &Value, subresource: Option<&str>, custom: bool) {
    let part = if subresource == Some("status") { "spec" } else { "status" };
    if custom && subresource == Some("status") {
        let managers = new["metadata"]["managedFields"].take();
        new["metadata"] = old["metadata"].clone();
        new["metadata"]["managedFields"] = managers;
    }
    match (old.get(part), new.as_object_mut()) {
        (Some(kept), Some(fields)) => drop(fields.insert(part.to_owned(), kept.clone())),
        (None, Some(fields)) => drop(fields.remove(part)),
        _ => {}
    }
}

fn assert_same(label: &str, new: &Value, expected: &Value, owners: bool) {
    let entries = |object: &Value| {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let mut entries: Vec<String> = entries
            .into_iter()
            .map(|mut entry| {
                if !entry["time"].is_null() {
                    entry["time"] = "at some time".into();
                }
                entry.to_string()
            })
            .collect();
        entries.sort();
        entries
    };
    if owners {
        assert_eq!(entries(new), entries(expected), "{label}");
    }
    assert_eq!(new["status"], expected["status"], "{label}");
    assert_eq!(new["metadata"]["labels"], expected["metadata"]["labels"], "{label}");
    assert_eq!(new["metadata"]["annotations"], expected["metadata"]["annotations"], "{label}");
    for (name, value) in expected["spec"].as_object().into_iter().flatten() {
        let allocated = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "ports"].contains(&name.as_str());
        assert!(allocated || new["spec"][name] == *value, "{label}: {name}: {} is not {value}", new["spec"][name]);
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Replays a file; returns how many answers were compared, and how many refusals.
fn replay(file: &str) -> (usize, usize) {
    let recording: Value = serde_json::from_str(file).expect("a recording is JSON");
    let mut server = Server::new();
    for step in recording["steps"].as_array().expect("steps") {
        server.step(step);
    }
    (server.compared, server.refused)
}

#[test]
fn service_status_by_patches() {
    assert_eq!(replay(include_str!("../../tests/golden/status-03b-patch.json")), (20, 0));
}

#[test]
fn service_status_by_apply() {
    assert_eq!(replay(include_str!("../../tests/golden/status-03c-apply.json")), (13, 7));
}

#[test]
fn custom_resource_status() {
    assert_eq!(replay(include_str!("../../tests/golden/crd-05c-status.json")), (9, 1));
}

#[test]
fn custom_resource_by_apply() {
    assert_eq!(replay(include_str!("../../tests/golden/crd-05d-apply.json")), (10, 4));
}

#[test]
fn leases() {
    let (compared, refused) = replay(include_str!("../../tests/golden/leases-07.json"));
    assert!(compared > 5 && refused == 1, "{compared} compared, {refused} refused");
}
