//! Objects seen through their [`Type`]: the operations that server-side apply is made of.
//!
//! These follow sigs.k8s.io/structured-merge-diff, which kube-apiserver uses: what is a field of its own, what is one
//! value, and when two list items are the same item.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::PathElement;
use crate::types::{List, ListKind, Type};

mod compare;
mod field_set;
mod merge;
mod remove;
mod validate;

pub(crate) use compare::{Comparison, compare};
pub(crate) use field_set::field_set;
pub(crate) use merge::merge;
pub(crate) use remove::remove;
pub(crate) use validate::validate;

/// The step by which an item of a set or map list is found.
///
/// # Errors
/// A text if the item has no identity: a key is missing that has no default, or a set holds something else than
/// scalars.
pub(crate) fn item_step(list: &List, index: usize, item: &Value) -> Result<PathElement, String> {
    match &list.kind {
        ListKind::Atomic => Ok(PathElement::Index(index)),
        ListKind::Set if item.is_object() || item.is_array() => {
            Err("associative lists without keys must hold scalars only".to_owned())
        }
        ListKind::Set => Ok(PathElement::Value(item.to_string())),
        ListKind::Map(keys) => {
            let Value::Object(fields) = item else {
                return Err("associative list with keys may not have non-map elements".to_owned());
            };
            let mut found = BTreeMap::new();
            for key in keys {
                let value = fields.get(key).or_else(|| key_default(&list.items, key)).ok_or_else(|| {
                    format!(
                        "associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
                    )
                })?;
                found.insert(key.clone(), value.to_string());
            }
            Ok(PathElement::Key(found))
        }
    }
}

fn key_default<'a>(items: &'a Type, key: &str) -> Option<&'a Value> {
    match items {
        Type::Struct(of) => of.fields.get(key)?.default.as_ref(),
        _ => None,
    }
}

/// How a value is taken apart: a type of [`Type::Any`] is what its value looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape<'a> {
    /// One value: a scalar, or anything atomic.
    Leaf,
    /// An object of several fields; children by [`Type::child`].
    Fields(&'a Type),
    /// A set or map list.
    Items(&'a List),
}

impl<'a> Shape<'a> {
    /// The shape of `value` (`None` or null: whatever the type says) under `ty`.
    pub(crate) fn of(ty: &'a Type, value: Option<&Value>) -> Self {
        match ty {
            Type::Scalar(_) => Self::Leaf,
            Type::Struct(of) if of.atomic => Self::Leaf,
            Type::Map(of) if of.atomic => Self::Leaf,
            Type::Struct(_) | Type::Map(_) => Self::Fields(ty),
            Type::List(list) if list.kind == ListKind::Atomic => Self::Leaf,
            Type::List(list) => Self::Items(list),
            Type::Any if value.is_some_and(Value::is_object) => Self::Fields(ty),
            Type::Any => Self::Leaf,
        }
    }
}

/// Nothing in it: absent, null, `{}` or `[]`.
pub(crate) fn is_hollow(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

#[cfg(test)]
pub(crate) mod tests;
