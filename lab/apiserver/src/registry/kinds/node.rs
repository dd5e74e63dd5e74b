//! Nodes.

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::super::{Part, Strategy};
use super::keep_status;
use crate::meta::{section_mut, text};

const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// The strategy of Nodes.
#[derive(Debug)]
pub(in crate::registry) struct Nodes;

impl Strategy for Nodes {
    fn set_defaults(&self, object: &mut Value) {
        let spec = section_mut(object, "spec");
        if let (Some(range), None) = (spec.get("podCIDR").cloned(), spec.get("podCIDRs")) {
            spec.insert("podCIDRs".into(), json!([range]));
        }
    }

    fn prepare_for_create(&self, object: &mut Value) {
        // Admission (TaintNodesByCondition) does this.
        let taints = section_mut(object, "spec").entry("taints").or_insert_with(|| json!([]));
        if let Value::Array(taints) = taints
            && !taints.iter().any(|taint| text(taint, "/key") == NOT_READY)
        {
            taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
        }
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        keep_status(object, old, part);
    }

    fn validate(&self, object: &Value, old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let Some(old) = old else { return Vec::new() };
        let (now, before) = (text(object, "/spec/providerID"), text(old, "/spec/providerID"));
        if before.is_empty() || now == before {
            return Vec::new();
        }
        let words = "node updates may not change providerID except from \"\" to valid";
        vec![Cause::forbidden("spec.providerID", words)]
    }

    fn selectable_field(&self, object: &Value, field: &str) -> Option<String> {
        (field == "spec.unschedulable").then(|| {
            let unschedulable = object.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false);
            unschedulable.to_string()
        })
    }
}
