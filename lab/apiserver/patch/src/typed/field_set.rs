//! Which fields does an object set?

use serde_json::Value;

use super::{Shape, item_step};
use crate::fields::{FieldSet, PathElement};
use crate::types::Type;

/// The fields that a configuration sets: all leaves, list items, names of maps, and structs that are there but empty.
pub(crate) fn field_set(value: &Value, ty: &Type) -> FieldSet {
    let mut set = FieldSet::default();
    collect(value, ty, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, ty: &Type, path: &mut Vec<PathElement>, set: &mut FieldSet) {
    match Shape::of(ty, Some(value)) {
        Shape::Leaf => set.insert(path),
        Shape::Fields(_) => {
            for (name, below) in value.as_object().into_iter().flatten() {
                path.push(PathElement::Field(name.clone()));
                collect(below, ty.child(name).unwrap_or(&Type::Any), path, set);
                let empty = below.is_null() || below.as_object().is_some_and(serde_json::Map::is_empty);
                if empty || !ty.is_named_field(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        Shape::Items(list) => {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                if let Ok(step) = item_step(list, index, item) {
                    path.push(step);
                    collect(item, &list.items, path, set);
                    set.insert(path);
                    path.pop();
                }
            }
        }
    }
}
