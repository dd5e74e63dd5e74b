//! Ownership after a write that is no apply: POST, PUT and the other patches.

use serde_json::Value;

use super::entry::{ManagerId, Managers, Operation, Owned, decode, encode, strip, without_identity};
use super::{Write, compare};
use crate::typed::Comparison;

/// How many entries of operation Update are kept; the oldest beyond become one.
const MAX_UPDATERS: usize = 10;

/// The entry that the oldest updaters become.
const ANCIENT: &str = "ancient-changes";

/// Records in `new.metadata.managedFields` that `write` turned `live` into `new`.
///
/// `live` is the stored object, or [`crate::empty_object`] for a create. `new` is the object as the client wants it,
/// decoded and defaulted, before the server sets fields of its own accord (those have no owner).
/// `new.metadata.managedFields` may be what the client sent: entries are taken over (on the main resource), `[{}]`
/// drops all ownership, and nothing, `[]` or what cannot be read keeps that of `live`.
///
/// Objects without any entry that exist already are not tracked.
pub fn update(write: &Write<'_>, live: &Value, new: &mut Value) {
    let managers = starting_point(write, live, new);
    strip(new);
    let exists = live.pointer("/metadata/uid").and_then(Value::as_str).is_some_and(|uid| !uid.is_empty());
    let managers = if managers.is_empty() && exists { managers } else { record(write, live, new, managers) };
    encode(new, &managers);
}

fn starting_point(write: &Write<'_>, live: &Value, new: &Value) -> Managers {
    let of_live = || decode(live).unwrap_or_default();
    if write.subresource.is_some() {
        return of_live();
    }
    let sent = new.pointer("/metadata/managedFields").and_then(Value::as_array);
    if let Some([Value::Object(only)]) = sent.map(Vec::as_slice)
        && only.is_empty()
    {
        return Managers::new();
    }
    match decode(new) {
        Ok(managers) if !managers.is_empty() => managers,
        _ => of_live(),
    }
}

/// The owners after `new` replaced `live`. Neither may hold managedFields that differ.
pub(super) fn record(write: &Write<'_>, live: &Value, new: &Value, mut managers: Managers) -> Managers {
    let mut live = live.clone();
    strip(&mut live);
    let comparison = compare(&live, new, write.ty).filtered(|set| write.scope.filter(set));
    take_from(&mut managers, None, &comparison);
    let taken = without_identity(&comparison.modified.union(&comparison.added));
    if !taken.is_empty() {
        let id = ManagerId::new(write.manager, Operation::Update, write.api_version, write.subresource);
        let fields = match managers.get(&id) {
            Some(before) => before.fields.union(&taken),
            None => taken,
        };
        let owned = Owned { fields, api_version: write.api_version.to_owned(), time: Some(write.now.to_owned()) };
        managers.insert(id, owned);
    }
    merge_ancient(managers)
}

/// Takes what changed, and what is gone, from all managers but `writer`. Who owns nothing any more is dropped.
pub(super) fn take_from(managers: &mut Managers, writer: Option<&ManagerId>, comparison: &Comparison) {
    let changed = comparison.modified.union(&comparison.added);
    for (id, owned) in managers.iter_mut() {
        if Some(id) != writer {
            owned.fields = owned.fields.difference(&changed).difference(&comparison.removed);
        }
    }
    managers.retain(|_, owned| !owned.fields.is_empty());
}

/// Merges the oldest updaters, per API version, until few enough are left.
fn merge_ancient(mut managers: Managers) -> Managers {
    let mut updaters: Vec<ManagerId> =
        managers.keys().filter(|id| id.operation == Operation::Update).cloned().collect();
    let mut excess = updaters.len().saturating_sub(MAX_UPDATERS);
    if excess == 0 {
        return managers;
    }
    updaters.sort_by_key(|id| (managers.get(id).and_then(|owned| owned.time.clone()), id.clone()));
    let mut first: std::collections::BTreeMap<String, ManagerId> = std::collections::BTreeMap::new();
    for id in updaters {
        if excess == 0 {
            break;
        }
        let Some(bucket_of) = first.get(&id.api_version).cloned() else {
            first.insert(id.api_version.clone(), id);
            continue;
        };
        let bucket = ManagerId::new(ANCIENT, Operation::Update, &id.api_version, None);
        if bucket_of != bucket {
            if let Some(owned) = managers.remove(&bucket_of) {
                managers.insert(bucket.clone(), owned);
            }
            first.insert(id.api_version.clone(), bucket.clone());
        }
        if let (Some(merged), Some(owned)) = (managers.remove(&id), managers.get_mut(&bucket)) {
            owned.fields = owned.fields.union(&merged.fields);
            owned.time = merged.time;
        }
        excess -= 1;
    }
    managers
}

/// Puts the old timestamps of `managedFields` back if nothing else changed, so that a write that changes nothing is
/// seen as such. Call it on the object as it would be stored.
pub fn keep_timestamps(old: &Value, new: &mut Value) {
    let entries = |object: &Value| object.pointer("/metadata/managedFields").cloned();
    let (Some(before), Some(after)) = (entries(old), entries(new)) else { return };
    if timeless(&before) != timeless(&after) {
        return;
    }
    let (mut rest_before, mut rest_after) = (old.clone(), new.clone());
    strip(&mut rest_before);
    strip(&mut rest_after);
    if rest_before == rest_after
        && let Some(place) = new.pointer_mut("/metadata/managedFields")
    {
        *place = before;
    }
}

/// The entries without their times, in an order that does not depend on them.
fn timeless(entries: &Value) -> Vec<String> {
    let mut texts: Vec<String> = entries
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let mut entry = entry.clone();
            if let Value::Object(fields) = &mut entry {
                fields.remove("time");
            }
            entry.to_string()
        })
        .collect();
    texts.sort_unstable();
    texts
}
