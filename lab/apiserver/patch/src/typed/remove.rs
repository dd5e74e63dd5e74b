//! Takes fields out of an object.

use serde_json::Value;

use super::{Shape, item_step};
use crate::fields::{FieldSet, PathElement};
use crate::types::Type;

/// The object without the members of `set`. What an atomic value holds is not looked at: it goes whole or stays.
///
/// An object or list of which nothing is left becomes null, as in structured-merge-diff.
pub(crate) fn remove(value: &Value, set: &FieldSet, ty: &Type) -> Value {
    match (Shape::of(ty, Some(value)), value) {
        (Shape::Fields(_), Value::Object(fields)) if !fields.is_empty() => {
            let mut out = serde_json::Map::new();
            for (name, below) in fields {
                let step = PathElement::Field(name.clone());
                if set.has(&step) {
                    continue;
                }
                let kept = match set.below(&step) {
                    Some(subset) => remove(below, subset, ty.child(name).unwrap_or(&Type::Any)),
                    None => below.clone(),
                };
                out.insert(name.clone(), kept);
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        (Shape::Items(list), Value::Array(items)) if !items.is_empty() => {
            let mut out = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let Ok(step) = item_step(list, index, item) else {
                    out.push(item.clone());
                    continue;
                };
                if set.has(&step) {
                    continue;
                }
                out.push(match set.below(&step) {
                    Some(subset) => remove(item, subset, &list.items),
                    None => item.clone(),
                });
            }
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
        _ => value.clone(),
    }
}
