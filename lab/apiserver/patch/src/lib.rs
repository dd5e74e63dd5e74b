//! The ways a client may change an object without sending it whole.
//!
//! A kube-apiserver takes four kinds of PATCH and remembers who wrote which field. This crate is that part as pure
//! functions over [`serde_json::Value`]: no store, no clock, no HTTP.
//!
//! | Content-Type | function | needs types |
//! | --- | --- | --- |
//! | `application/json-patch+json` (RFC 6902) | [`json_patch`] | no |
//! | `application/merge-patch+json` (RFC 7386) | [`merge_patch`] | no |
//! | `application/strategic-merge-patch+json` | [`strategic_merge_patch`] | yes |
//! | `application/apply-patch+yaml` (server-side apply) | [`managed::apply`] | yes |
//!
//! Every other write (POST, PUT, the first three patches) goes through [`managed::update`], which records the writer in
//! `metadata.managedFields`.
//!
//! What a list means (one value, a set, or items found by key) is not in the JSON. It comes from a [`Type`]:
//! [`builtin`] has those of the served kinds, [`types::custom_resource`] derives one from the schema of a
//! CustomResourceDefinition.
//!
//! ```text
//!             patch ──┐                              ┌── fields   which fields? (sets of paths, fieldsV1)
//!   live object ──────┼─► json | merge | strategic ──┤
//!             Type ───┤                              └── managed  who owns them? conflicts, pruning
//!                     └─► managed::apply
//! ```

pub mod fields;
mod json;
pub mod managed;
mod merge;
mod strategic;
mod typed;
pub mod types;

pub use fields::{FieldSet, Path, PathElement};
pub use json::{JsonPatchError, json_patch};
pub use merge::merge_patch;
pub use strategic::{StrategicError, strategic_merge_patch};
pub use types::{Type, builtin, empty_object};
