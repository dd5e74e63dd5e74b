//! Who owns which field: `metadata.managedFields`, and server-side apply on top of it.
//!
//! ```text
//!  update: live ─┐
//!          new ──┴─ compare ─► the writer owns what it added or changed; others lose it
//!
//!  apply:  live ──┬─ merge ─► prune ─► compare ─► conflicts? ─► the writer owns exactly what it applied
//!          patch ─┘             │
//!                               └ what it applied before, not now, and nobody else owns
//! ```
//!
//! Ownership is per manager name, operation (`Apply` or `Update`) and subresource, for `Update` also per API version.
//! Conflicts arise only where a value would change; two managers may own one value as long as they agree on it.
//!
//! Times are handed in. The source of the rules is kube-apiserver's `managedfields` package; the error texts are its.

use crate::fields::FieldSet;
use crate::typed::{compare, field_set, merge, remove, validate};
use crate::types::Type;

mod apply;
mod conflict;
mod entry;
mod scope;
mod update;

pub use apply::{ApplyError, apply};
pub use conflict::{Cause, Conflict};
pub use scope::{Scope, builtin_scope, custom_resource_scope};
pub use update::{keep_timestamps, update};

/// Who writes what, where and when.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The kind's type.
    pub ty: &'a Type,
    /// API version of the request, e.g. `metallb.io/v1beta1`: that of the object, the path and the entry.
    pub api_version: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// E.g. `status`; None for the main resource.
    pub subresource: Option<&'a str>,
    /// `fieldManager` of the request, else what the User-Agent says before its first `/`.
    pub manager: &'a str,
    /// RFC 3339, in whole seconds, UTC: `2026-01-02T03:04:05Z`.
    pub now: &'a str,
    /// Which fields a write to this endpoint can change.
    pub scope: &'a Scope,
}

#[cfg(test)]
mod tests;
