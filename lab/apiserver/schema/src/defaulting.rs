//! Defaults, and what becomes of nulls.

use serde_json::{Map, Value};

use crate::node::Node;

/// Sets defaults in `value`, then drops the nulls that no default replaced.
///
/// A null of a field that is not nullable counts as absent: the default takes its place. Where there
/// is no default the null goes. This is what kube-apiserver does for every custom resource it
/// decodes, from a request or from its store.
pub(crate) fn apply(node: &Node, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            set_missing(node, fields);
            for (name, field) in fields.iter_mut() {
                if let Some(child) = node.child(name) {
                    // Only map entries can still be null here: properties were seen to above.
                    replace_null(child, field);
                    apply(child, field);
                }
            }
            fields.retain(|name, field| {
                !(field.is_null()
                    && node.properties.get(name).is_some_and(|child| !child.nullable && child.default.is_none()))
            });
        }
        Value::Array(items) => {
            if let Some(item_node) = &node.items {
                for item in items {
                    replace_null(item_node, item);
                    apply(item_node, item);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn set_missing(node: &Node, fields: &mut Map<String, Value>) {
    for (name, child) in &node.properties {
        let Some(default) = &child.default else { continue };
        match fields.get(name) {
            None => {
                fields.insert(name.clone(), default.clone());
            }
            Some(Value::Null) if !child.nullable => {
                fields.insert(name.clone(), default.clone());
            }
            Some(_) => {}
        }
    }
}

fn replace_null(node: &Node, value: &mut Value) {
    if value.is_null()
        && !node.nullable
        && let Some(default) = &node.default
    {
        *value = default.clone();
    }
}
