//! Pruning: fields that the schema does not know are removed, and named.

use serde_json::Value;

use crate::node::{Additional, Node};
use crate::path::Path;

/// Fields that every Kubernetes object has, known without being in the schema.
const IMPLICIT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Removes unknown fields from `value` and adds their paths to `unknown`.
///
/// `is_resource`: the value is a whole Kubernetes object, so that [`IMPLICIT`] fields stay.
pub(crate) fn prune(node: &Node, value: &mut Value, path: &Path<'_>, is_resource: bool, unknown: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| {
                let at = path.field(name);
                if is_resource && IMPLICIT.contains(&name.as_str()) {
                    return true; // metadata has rules of its own
                }
                match (node.properties.get(name), &node.additional) {
                    (Some(child), _) => prune(child, field, &at, child.embedded, unknown),
                    (None, Additional::Schema(child)) => prune(child, field, &at, child.embedded, unknown),
                    (None, Additional::Any) => {}
                    (None, Additional::None) => {
                        if !node.preserve_unknown {
                            unknown.push(at.to_string());
                        }
                        return node.preserve_unknown;
                    }
                }
                true
            });
        }
        Value::Array(items) => {
            if let Some(child) = &node.items {
                for (index, item) in items.iter_mut().enumerate() {
                    prune(child, item, &path.index(index), child.embedded, unknown);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
