//! Defaults must themselves fit the schema they stand in.

use serde_json::Value;

use crate::Cause;
use crate::defaulting;
use crate::node::{Additional, Node};
use crate::path::Path;
use crate::pruning;
use crate::validate;

/// Checks every default below `node`.
///
/// A default is completed by the defaults below it before it is looked at, as it would be in an
/// object.
pub(crate) fn check_defaults(node: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    if let Some(default) = &node.default {
        check_one(node, default, &at.field("default"), faults);
    }
    let properties = at.field("properties");
    for (name, child) in &node.properties {
        check_defaults(child, &properties.key(name), faults);
    }
    if let Some(items) = &node.items {
        check_defaults(items, &at.field("items"), faults);
    }
    if let Additional::Schema(child) = &node.additional {
        check_defaults(child, &at.field("additionalProperties"), faults);
    }
}

fn check_one(node: &Node, default: &Value, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let mut completed = default.clone();
    let mut unknown = Vec::new();
    pruning::prune(node, &mut completed, &Path::Root, node.embedded, &mut unknown);
    if !unknown.is_empty() {
        let detail = format!("must not have fields that the schema does not specify: {}", unknown.join(", "));
        faults.push(Cause::invalid(at, default, detail));
        return;
    }
    defaulting::apply(node, &mut completed);
    faults.extend(validate::values(node, &completed, None, &at.to_string()));
}
