//! Namespaces: their name is a label, and they go in two steps.

use serde_json::{Value, json};

use super::super::{Part, Strategy, has_deletion_timestamp, has_finalizers};
use super::keep_status;
use crate::meta::validation::NameRule;
use crate::meta::{map_of, name, section_mut, text};

const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The strategy of Namespaces.
#[derive(Debug)]
pub(in crate::registry) struct Namespaces;

impl Strategy for Namespaces {
    fn set_defaults(&self, object: &mut Value) {
        let name = name(object).to_owned();
        if name.is_empty() {
            return;
        }
        let labels = section_mut(object, "metadata").entry("labels").or_insert_with(|| json!({}));
        map_of(labels).insert(NAME_LABEL.into(), name.into());
    }

    fn prepare_for_create(&self, object: &mut Value) {
        self.set_defaults(object); // the name may have been generated
        map_of(object).insert("status".into(), json!({"phase": "Active"}));
        let finalizers = section_mut(object, "spec").entry("finalizers").or_insert_with(|| json!([]));
        if let Value::Array(list) = finalizers
            && !list.iter().any(|finalizer| finalizer == "kubernetes")
        {
            list.push(json!("kubernetes"));
        }
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        keep_status(object, old, part);
        // Only the finalize subresource changes these.
        let spec = old.get("spec").cloned().unwrap_or_else(|| json!({}));
        map_of(object).insert("spec".into(), spec);
    }

    fn begin_deletion(&self, object: &mut Value) {
        section_mut(object, "status").insert("phase".into(), "Terminating".into());
    }

    fn is_finished(&self, object: &Value) -> bool {
        let held = object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        has_deletion_timestamp(object) && !has_finalizers(object) && !held
    }

    fn deletes_in_its_own_way(&self) -> bool {
        true
    }

    fn delete_returns_object(&self) -> bool {
        true
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn selectable_field(&self, object: &Value, field: &str) -> Option<String> {
        match field {
            "status.phase" => Some(text(object, "/status/phase").to_owned()),
            "name" => Some(name(object).to_owned()),
            _ => None,
        }
    }
}
