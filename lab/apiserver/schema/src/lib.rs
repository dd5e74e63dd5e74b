//! Structural schemas of custom resources: what kube-apiserver does with
//! `spec.versions[].schema.openAPIV3Schema`, pure over [`serde_json::Value`].
//!
//! ```text
//!  CRD ──Schema::parse──▶ Schema            refused CRDs: Vec<Cause>
//!
//!  body ─▶ prune ─▶ apply_defaults ─▶ check ─▶ stored
//!          │         │                  ├─ validate        types, formats, bounds, list keys
//!          │         │                  └─ validate_rules  x-kubernetes-validations (CEL)
//!          │         └ defaults; null of a defaulted field is replaced, other nulls dropped
//!          └ unknown fields removed and named
//! ```
//!
//! Messages, reasons and fields are kube-apiserver's, so that people and tests read the same words
//! here as on a cluster.

mod cause;
mod cel;
mod defaulting;
mod node;
mod parse;
mod path;
mod pruning;
mod schema;
mod strict;
mod validate;

pub use cause::{Cause, Reason, quote, summary};
pub use cel::{Rule, RuleCost};
pub use node::{Additional, Bounds, Junctor, ListType, Node, Type};
pub use path::Path;
pub use schema::{Part, Schema};
pub use strict::{duplicate_fields, field_warnings, strict_decoding_error};
