//! Sets hold no value twice, list-maps no key twice.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::cause::Cause;
use crate::node::{ListType, Node};
use crate::path::Path;

/// Checks every list below `value`.
pub(crate) fn check(node: &Node, value: &Value, at: &Path<'_>, faults: &mut Vec<Cause>) {
    match value {
        Value::Array(items) => {
            match node.list_type {
                ListType::Set => check_set(items, at, faults),
                ListType::Map => check_keys(node, items, at, faults),
                ListType::Atomic => {}
            }
            if let Some(child) = &node.items {
                for (index, item) in items.iter().enumerate() {
                    check(child, item, &at.index(index), faults);
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                match node.properties.get(name) {
                    Some(child) => check(child, field, &at.field(name), faults),
                    None => {
                        if let Some(child) = node.child(name) {
                            check(child, field, &at.key(name), faults);
                        }
                    }
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_set(items: &[Value], at: &Path<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    let mut reported = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let text = item.to_string();
        if !seen.insert(text.clone()) && reported.insert(text) {
            faults.push(Cause::duplicate(at.index(index), item));
        }
    }
}

fn check_keys(node: &Node, items: &[Value], at: &Path<'_>, faults: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    let mut reported = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let Some(values) = node.item_key(item) else { continue };
        let key: Map<String, Value> = node
            .list_map_keys
            .iter()
            .zip(values)
            .filter_map(|(name, value)| Some((name.clone(), value?.clone())))
            .collect();
        let key = Value::Object(key);
        let text = key.to_string();
        if !seen.insert(text.clone()) && reported.insert(text) {
            faults.push(Cause::duplicate(at.index(index), &key));
        }
    }
}
