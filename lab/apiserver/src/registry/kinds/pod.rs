//! Pods, as far as they are stored: their graceful deletion and some defaults.

use serde_json::{Value, json};

use herald_apiserver_schema::Cause;

use super::super::{Part, Strategy};
use super::{count_generation, keep_status};
use crate::meta::{map_of, section_mut, text};

/// The strategy of Pods.
#[derive(Debug)]
pub(in crate::registry) struct Pods;

impl Strategy for Pods {
    fn set_defaults(&self, object: &mut Value) {
        let spec = section_mut(object, "spec");
        for (field, value) in [
            ("restartPolicy", json!("Always")),
            ("terminationGracePeriodSeconds", json!(30)),
            ("dnsPolicy", json!("ClusterFirst")),
            ("securityContext", json!({})),
            ("schedulerName", json!("default-scheduler")),
            ("enableServiceLinks", json!(true)),
            ("serviceAccountName", json!("default")),
            ("preemptionPolicy", json!("PreemptLowerPriority")),
            ("priority", json!(0)),
        ] {
            spec.entry(field).or_insert(value);
        }
        let account = spec.get("serviceAccountName").cloned().unwrap_or_default();
        spec.entry("serviceAccount").or_insert(account);
        let lasting =
            |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
        spec.entry("tolerations").or_insert_with(|| {
            json!([lasting("node.kubernetes.io/not-ready"), lasting("node.kubernetes.io/unreachable")])
        });
        let containers = spec.get_mut("containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let tagged = text(container, "/image").rsplit('/').next().is_some_and(|image| image.contains(':'));
            let container = map_of(container);
            for (field, value) in [
                ("resources", json!({})),
                ("terminationMessagePath", json!("/dev/termination-log")),
                ("terminationMessagePolicy", json!("File")),
                ("imagePullPolicy", json!(if tagged { "IfNotPresent" } else { "Always" })),
            ] {
                container.entry(field).or_insert(value);
            }
        }
    }

    fn prepare_for_create(&self, object: &mut Value) {
        count_generation(object, None);
        map_of(object).insert("status".into(), json!({"phase": "Pending", "qosClass": "BestEffort"}));
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        keep_status(object, old, part);
        count_generation(object, Some(old));
    }

    fn validate(&self, object: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        let changed = |field: &str| {
            old.is_some_and(|old| text(old, field) != text(object, field) && !text(old, field).is_empty())
        };
        if part == Part::Object && changed("/spec/nodeName") {
            let words = "pod updates may not change fields other than `spec.containers[*].image`,\
                         `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions \
                         to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it \
                         was previously negative)";
            return vec![Cause::forbidden("spec", words)];
        }
        Vec::new()
    }

    fn graceful_seconds(&self, object: &Value) -> Option<i64> {
        if text(object, "/spec/nodeName").is_empty() {
            return Some(0); // no kubelet would end it
        }
        Some(object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30))
    }

    fn delete_returns_object(&self) -> bool {
        true
    }

    fn selectable_field(&self, object: &Value, field: &str) -> Option<String> {
        let known = [
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ];
        known.contains(&field).then(|| text(object, &format!("/{}", field.replace('.', "/"))).to_owned())
    }
}
