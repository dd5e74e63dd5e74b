//! Custom resources: what their definition's schema says about a write.

use std::sync::Arc;

use herald_apiserver_schema::{Cause, Schema};
use serde_json::{Value, json};

use crate::api::Api;
use crate::meta::{map_of, section_mut, text};
use crate::registry::{Part, Strategy};
use crate::store::Object;

/// The strategy of one custom resource, by its storage version.
#[derive(Debug)]
pub(crate) struct Custom {
    /// The name of the definition.
    definition: String,
    schema: Option<Arc<Schema>>,
    has_status: bool,
}

impl Custom {
    /// From the name of the definition and the storage version's entry in `spec.versions`.
    pub(super) fn new(definition: &str, storage: &Value) -> Self {
        Self {
            definition: definition.to_owned(),
            schema: super::serve::schema(storage),
            has_status: storage.pointer("/subresources/status").is_some(),
        }
    }
}

impl Strategy for Custom {
    fn set_defaults(&self, object: &mut Value) {
        if let Some(schema) = &self.schema {
            // A version that is not the stored one may know fields that the stored one does not.
            schema.prune(object);
            schema.apply_defaults(object);
        }
    }

    fn prepare_for_create(&self, object: &mut Value) {
        if self.has_status {
            map_of(object).remove("status");
        }
        section_mut(object, "metadata").insert("generation".into(), json!(1));
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        if self.has_status && part == Part::Object {
            match old.get("status") {
                Some(status) => map_of(object).insert("status".into(), status.clone()),
                None => map_of(object).remove("status"),
            };
        }
        let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
        let changed = part == Part::Object && !self.same_content(object, old);
        section_mut(object, "metadata").insert("generation".into(), json!(generation + i64::from(changed)));
    }

    fn validate(&self, object: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        self.schema.as_ref().map(|schema| schema.check(object, old, part)).unwrap_or_default()
    }

    fn written(&self, api: &Api, _old: Option<&Object>, new: Option<&Object>) {
        if new.is_none() {
            super::lifecycle::instance_gone(api, &self.definition);
        }
    }

    fn is_custom(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}

impl Custom {
    /// Whether two objects differ at most in metadata (and in status, where that is a part of its own).
    fn same_content(&self, a: &Value, b: &Value) -> bool {
        let counts = |field: &str| field != "metadata" && !(field == "status" && self.has_status);
        let content = |object: &Value| -> Vec<(String, Value)> {
            let fields = object.as_object().into_iter().flatten();
            fields.filter(|(name, _)| counts(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        content(a) == content(b)
    }
}

/// What is wrong with the kind in a body: a custom resource's must be the resource's own.
pub(crate) fn check_kind(object: &Value, kind: &str) -> Option<Cause> {
    let given = text(object, "/kind");
    (given != kind).then(|| Cause::invalid("kind", &Value::from(given), format!("must be {kind}")))
}
