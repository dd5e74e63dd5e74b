//! Server-side apply.

use serde_json::{Value, json};

use super::conflict::{Conflict, Conflicts};
use super::entry::{ManagerId, Managers, Operation, Owned, decode, encode, strip, without_identity};
use super::update::{record, take_from};
use super::{FieldSet, Write, compare, field_set, merge, remove, validate};
use crate::types::empty_object;

/// Who owns what was there before the first apply, if nobody did.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The manager that `kubectl apply --server-side` is, which inherits from client-side apply.
const KUBECTL: &str = "kubectl";

/// Where client-side apply keeps its last configuration.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Why an apply was refused. The live object is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// 400 BadRequest: the configuration is not of this kind, or holds managedFields.
    #[error("{0}")]
    BadRequest(String),
    /// 409 Conflict, with causes.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// 500 without reason: the configuration does not fit the kind's type (kube-apiserver answers so, too).
    #[error("{0}")]
    Internal(String),
}

/// Applies the configuration `patch` (with apiVersion, kind and metadata.name) to `live`.
///
/// `live` is the stored object, or [`empty_object`] when it does not exist. Returns the object as the manager wants it,
/// with its managedFields: to be decoded, defaulted, reset and validated like that of any other write. Where the
/// configuration has `metadata.uid` or `metadata.resourceVersion`, so has the result: a precondition for the caller.
/// With `force`, values that others own are taken over.
///
/// # Errors
/// See [`ApplyError`].
pub fn apply(write: &Write<'_>, live: &Value, patch: &Value, force: bool) -> Result<Value, ApplyError> {
    check_kind(write, patch)?;
    let mut managers =
        decode(live).map_err(|reason| ApplyError::Internal(format!("failed to decode managed fields: {reason}")))?;
    if patch.pointer("/metadata/managedFields").is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    validate(patch, write.ty).map_err(|reason| {
        let text = |name: &str| patch.pointer(name).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let kind = gvk(write.api_version, write.kind);
        ApplyError::Internal(format!("failed to create typed patch object ({namespace}/{name}; {kind}): {reason}"))
    })?;
    let mut live = live.clone();
    strip(&mut live);
    if managers.is_empty() {
        let empty = empty_object(write.api_version, write.kind);
        managers = record(&Write { manager: BEFORE_FIRST_APPLY, ..*write }, &empty, &live, managers);
    }
    let (mut object, managers) = match attempt(write, &live, patch, &managers, force) {
        // Fields that client-side apply set are kubectl's own, whatever manager it ran as.
        Err(conflicts) if write.manager == KUBECTL => {
            let inherited = last_applied_fields(write, &live).unwrap_or_default();
            let rest: Conflicts = conflicts
                .into_iter()
                .map(|(id, fields)| (id, fields.difference(&inherited)))
                .filter(|(_, fields)| !fields.is_empty())
                .collect();
            match Conflict::new(&rest) {
                Some(conflict) => return Err(conflict.into()),
                None => attempt(write, &live, patch, &managers, true),
            }
        }
        other => other,
    }
    .map_err(|conflicts| match Conflict::new(&conflicts) {
        Some(conflict) => ApplyError::from(conflict),
        None => ApplyError::Internal("conflicts without fields".to_owned()),
    })?;
    if write.manager == KUBECTL {
        refresh_last_applied(&mut object, patch);
    }
    encode(&mut object, &managers);
    Ok(object)
}

fn check_kind(write: &Write<'_>, patch: &Value) -> Result<(), ApplyError> {
    let text = |name: &str| patch.get(name).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version == write.api_version && kind == write.kind {
        Ok(())
    } else {
        Err(ApplyError::BadRequest(format!("invalid object type: {}", gvk(version, kind))))
    }
}

/// As Go prints a GroupVersionKind: `/v1, Kind=Service`.
fn gvk(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

/// Applies, or says what is in conflict.
fn attempt(
    write: &Write<'_>,
    live: &Value,
    patch: &Value,
    managers: &Managers,
    force: bool,
) -> Result<(Value, Managers), Conflicts> {
    let mut managers = managers.clone();
    let id = ManagerId::new(write.manager, Operation::Apply, write.api_version, write.subresource);
    let before = managers.remove(&id);
    let applied = Owned {
        fields: write.scope.filter(&field_set(patch, write.ty)),
        api_version: write.api_version.to_owned(),
        time: before.as_ref().and_then(|before| before.time.clone()),
    };
    managers.insert(id.clone(), applied);

    let merged = merge(live, patch, write.ty);
    let object = match before {
        Some(before) => prune(write, merged, &managers, &before.fields, &field_set(patch, write.ty)),
        None => merged,
    };

    let comparison = compare(live, &object, write.ty).filtered(|set| write.scope.filter(set));
    let changed = comparison.modified.union(&comparison.added);
    if !force {
        let conflicts: Conflicts = managers
            .iter()
            .filter(|(other, _)| **other != id)
            .map(|(other, owned)| (other.clone(), owned.fields.intersection(&changed)))
            .filter(|(_, fields)| !fields.is_empty())
            .collect();
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
    }
    take_from(&mut managers, Some(&id), &comparison);
    if let Some(owned) = managers.get_mut(&id) {
        owned.fields = without_identity(&owned.fields);
        // A manager that only joins the owners of what is there already has no time.
        if object != *live {
            owned.time = Some(write.now.to_owned());
        }
    }
    managers.retain(|_, owned| !owned.fields.is_empty());
    Ok((object, managers))
}

/// Takes out what the manager applied before, does not now, and nobody else owns.
fn prune(write: &Write<'_>, merged: Value, managers: &Managers, last: &FieldSet, applied: &FieldSet) -> Value {
    if last.is_empty() {
        return merged;
    }
    let ty = write.ty;
    let named = |set: &FieldSet| set.with_named_fields(ty);
    let last = named(last);
    let there = named(&field_set(&merged, ty));
    let kept = named(&field_set(&remove(&merged, &last, ty), ty));
    let owned = managers.values().fold(applied.clone(), |all, owned| all.union(&owned.fields));
    // First everything comes back that anybody owns, then everything that was not this manager's to remove.
    let pruned = remove(&merged, &there.difference(&kept.union(&named(&owned))), ty);
    let kept = named(&field_set(&pruned, ty));
    remove(&merged, &there.difference(&kept).intersection(&last), ty)
}

/// The fields that client-side apply set and that still are as it set them.
fn last_applied_fields(write: &Write<'_>, live: &Value) -> Option<FieldSet> {
    let text = live.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str()?;
    let last: Value = serde_json::from_str(text).ok()?;
    if last.get("apiVersion")?.as_str()? != write.api_version || validate(&last, write.ty).is_err() {
        return None;
    }
    let differs = compare(&last, live, write.ty);
    let fields = field_set(&last, write.ty);
    Some(fields.difference(&differs.modified).difference(&differs.added).difference(&differs.removed))
}

/// Keeps the annotation of client-side apply in step, so that one may go back to it.
fn refresh_last_applied(object: &mut Value, patch: &Value) {
    let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") else { return };
    let Some(annotation) = annotations.get_mut(LAST_APPLIED) else { return };
    let mut applied = patch.clone();
    if let Some(Value::Object(theirs)) = applied.pointer_mut("/metadata/annotations") {
        theirs.remove(LAST_APPLIED);
    }
    *annotation = json!(format!("{applied}\n"));
}
