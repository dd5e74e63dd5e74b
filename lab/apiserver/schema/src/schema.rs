//! One version's schema, ready to use.

use serde_json::Value;

use crate::Cause;
use crate::cause::{NO_FIELD, Reason};
use crate::cel::RuleCost;
use crate::node::Node;
use crate::path::Path;
use crate::{cel, defaulting, parse, pruning, validate};

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
    root: Node,
    costs: Vec<RuleCost>,
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
        let at = Path::Prefix(at);
        let (root, faults) = parse::read(openapi, &at);
        let mut causes = faults.structural;
        if causes.is_empty() {
            parse::check_defaults(&root, &at, &mut causes);
        }
        let understood = causes.is_empty();
        causes.extend(faults.keywords);
        // Rules can only be understood where the shape is.
        let costs = if understood { cel::compile(&root, &at, &mut causes) } else { Vec::new() };
        if causes.is_empty() { Ok(Schema { source: openapi.clone(), root, costs }) } else { Err(causes) }
    }

    /// The schema as it was given.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The schema as a tree, for merging by list type and for field paths.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// What each CEL rule and message expression costs at most, by kube-apiserver's estimate: a
    /// schema is refused when one exceeds 10,000,000 or all together exceed 100,000,000.
    #[must_use]
    pub fn rule_costs(&self) -> &[RuleCost] {
        &self.costs
    }

    /// Sets absent fields to their defaults. A null of a field that is not nullable becomes the
    /// default, or is dropped where there is none.
    pub fn apply_defaults(&self, object: &mut Value) {
        defaulting::apply(&self.root, object);
    }

    /// Removes fields that the schema does not know; returns their paths, sorted, for
    /// `unknown field "spec.bogus"`. `apiVersion`, `kind` and known `metadata` stay.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        pruning::prune(&self.root, object, &Path::Root, true, &mut unknown);
        validate::prune_metadata(&self.root, object, &Path::Root, true, &mut unknown);
        unknown.sort_unstable();
        unknown
    }

    /// Checks types, formats, bounds, enumerations, required fields, embedded resources, sets and
    /// list-maps. With `old`, parts that did not change are not held against the new object.
    #[must_use]
    pub fn validate(&self, new: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        let (node, new_part, old_part, prefix) = match part {
            Part::Object => (Some(&self.root), Some(new), old, ""),
            Part::Status => {
                (self.root.child("status"), new.get("status"), old.and_then(|old| old.get("status")), "status")
            }
        };
        let (Some(node), Some(new_part)) = (node, new_part) else { return Vec::new() };
        let at = Path::Prefix(prefix);
        let mut causes = validate::values(node, new_part, old_part, prefix);
        validate::check_embedded(node, new_part, &at, &mut causes);
        validate::check_lists(node, new_part, &at, &mut causes);
        causes
    }

    /// Runs the CEL rules. Transition rules (`oldSelf`) run only where there is an old value.
    #[must_use]
    pub fn validate_rules(&self, new: &Value, old: Option<&Value>) -> Vec<Cause> {
        let mut causes = Vec::new();
        cel::run(&self.root, new, old, &mut causes);
        causes
    }

    /// [`validate`](Self::validate), then [`validate_rules`](Self::validate_rules) unless the
    /// first found something that rules must not see; one more cause then says so. This is what a
    /// write of a custom resource asks, after [`prune`](Self::prune) and
    /// [`apply_defaults`](Self::apply_defaults).
    #[must_use]
    pub fn check(&self, new: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        let mut causes = self.validate(new, old, part);
        if causes.iter().any(|cause| cause.reason.blocks_rules()) {
            let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                          errors to complete validation";
            causes.push(Cause::with_value(Reason::Invalid, NO_FIELD, &Value::Null, detail));
        } else {
            causes.extend(self.validate_rules(new, old));
        }
        causes
    }
}
