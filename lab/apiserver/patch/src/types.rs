//! What the lists and maps of a kind mean.
//!
//! JSON does not say whether `["a","b"]` is one value that is replaced as a whole, a set, or a list of items that are
//! found by key; nor whether `{}` is a struct with known fields or a map with the user's names. A [`Type`] says it, for
//! one kind in one version:
//!
//! - [`builtin`]: the kinds that Kubernetes defines, from the compact tables next to this file;
//! - [`custom_resource`]: the kinds of a CustomResourceDefinition, from its structural schema;
//! - [`untyped`]: any other kind (maps merge, lists are one value).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

mod builtin;
mod custom;
mod table;

pub use builtin::{builtin, empty_object, object_meta, untyped};
pub use custom::custom_resource;

/// What one JSON value means.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// A text, number or truth value.
    Scalar(Scalar),
    /// An object whose field names are known.
    Struct(Struct),
    /// An object whose names are data, as labels are.
    Map(Map),
    /// A list.
    List(List),
    /// Not described: objects merge name by name, lists are one value (`x-kubernetes-preserve-unknown-fields`).
    Any,
}

/// Which scalars are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    String,
    /// Integer or floating-point number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Any of them, as in `IntOrString` and `Quantity`.
    Untyped,
}

/// An object with known fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Struct {
    /// The fields by name.
    pub fields: BTreeMap<String, Field>,
    /// What fields that are not named hold; None refuses them.
    pub others: Option<Arc<Type>>,
    /// One value with one owner (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
}

/// A field of a [`Struct`].
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it holds.
    pub ty: Arc<Type>,
    /// The value that a list item without this field is found by.
    pub default: Option<Value>,
    /// How a strategic merge patch changes it.
    pub patch: PatchStrategy,
}

impl Field {
    /// A field without default and without a patch strategy of its own.
    #[must_use]
    pub fn new(ty: Arc<Type>) -> Self {
        Self { ty, default: None, patch: PatchStrategy::default() }
    }
}

/// The Go struct tags `patchStrategy` and `patchMergeKey`: strategic merge knows lists by these, not by [`ListKind`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatchStrategy {
    /// Lists: merge (by `key`, or as a set without one) instead of replacing.
    pub merge: bool,
    /// The field by which items are found.
    pub key: Option<String>,
    /// `$retainKeys` is expected: of a union, the new member clears the others.
    pub retain_keys: bool,
}

/// An object whose names are data.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// What each name holds.
    pub values: Arc<Type>,
    /// One value with one owner.
    pub atomic: bool,
}

/// A list.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// What the items are.
    pub items: Arc<Type>,
    /// How items are told apart (`x-kubernetes-list-type`).
    pub kind: ListKind,
}

/// `x-kubernetes-list-type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// One value with one owner.
    Atomic,
    /// Each item is its own identity.
    Set,
    /// Items are found by these fields (`x-kubernetes-list-map-keys`).
    Map(Vec<String>),
}

impl Type {
    /// The type below a field or map name; None if the name is not allowed here.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Type> {
        match self {
            Self::Struct(of) => of.fields.get(name).map(|field| &*field.ty).or(of.others.as_deref()),
            Self::Map(of) => Some(&of.values),
            Self::Any => Some(&Self::Any),
            Self::Scalar(_) | Self::List(_) => None,
        }
    }

    /// The type of a list's items.
    #[must_use]
    pub fn items(&self) -> &Type {
        match self {
            Self::List(list) => &list.items,
            _ => &Self::Any,
        }
    }

    /// Is `name` a field of a struct, as opposed to a name in a map?
    #[must_use]
    pub fn is_named_field(&self, name: &str) -> bool {
        matches!(self, Self::Struct(of) if of.fields.contains_key(name))
    }
}
