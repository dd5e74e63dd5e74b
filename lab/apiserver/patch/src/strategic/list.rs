//! Lists that merge: by key, or, of scalars, as sets.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{PATCH, StrategicError, bad_format, merge_object, taken, unknown_directive};
use crate::types::Type;

/// Merges the items of a patch into a list. Items of the patch keep its order; where the two orders do not say
/// otherwise, they stand before items that only the list has.
pub(super) fn merge(
    there: Vec<Value>,
    change: &[Value],
    key: Option<&str>,
    items: &Type,
) -> Result<Vec<Value>, StrategicError> {
    let Some(key) = key else {
        return Ok(merge_set(there, change));
    };
    let directives = Directives::read(change, key)?;
    if directives.replace {
        return Ok(directives.plain.into_iter().filter_map(taken).collect());
    }
    let server_order = Order::of(&there, Some(key));
    let mut merged: Vec<Value> = there;
    merged.retain(|item| !directives.deleted.iter().any(|gone| item.get(key) == Some(gone)));
    for item in &directives.plain {
        let wanted = key_of(item, key)?;
        let found = merged.iter_mut().find(|known| known.get(key) == Some(wanted));
        match (found, item) {
            (Some(Value::Object(known)), Value::Object(change)) => {
                *known = merge_object(std::mem::take(known), change, items)?;
            }
            _ => merged.extend(taken(item)),
        }
    }
    let patch_order = Order::of_refs(&directives.plain, Some(key));
    Ok(arrange(merged, &patch_order, &server_order, Some(key)))
}

/// A list of scalars with strategy merge is a set.
fn merge_set(there: Vec<Value>, change: &[Value]) -> Vec<Value> {
    let server_order = Order::of(&there, None);
    let mut seen = std::collections::BTreeSet::new();
    let both = there.into_iter().chain(change.iter().cloned()).filter(|item| seen.insert(item.to_string())).collect();
    arrange(both, &Order::of(change, None), &server_order, None)
}

/// What a patch list says beside its items.
struct Directives<'a> {
    /// `$patch: replace` stands somewhere in the list.
    replace: bool,
    /// Keys of items with `$patch: delete`.
    deleted: Vec<&'a Value>,
    /// Items without directive.
    plain: Vec<&'a Value>,
}

impl<'a> Directives<'a> {
    fn read(change: &'a [Value], key: &str) -> Result<Self, StrategicError> {
        let mut found = Self { replace: false, deleted: Vec::new(), plain: Vec::new() };
        for item in change {
            let Value::Object(fields) = item else {
                return Err(missing_key(item, key));
            };
            match fields.get(PATCH).map(|directive| (directive, directive.as_str())) {
                None => found.plain.push(item),
                Some((_, Some("replace"))) => found.replace = true,
                Some((_, Some("delete"))) => found.deleted.push(key_of(item, key)?),
                Some((_, Some("merge"))) => {
                    let text = "merging lists cannot yet be specified in the patch";
                    return Err(StrategicError::Internal(text.to_owned()));
                }
                Some((directive, _)) => return Err(unknown_directive(directive, fields)),
            }
        }
        Ok(found)
    }
}

fn key_of<'a>(item: &'a Value, key: &str) -> Result<&'a Value, StrategicError> {
    item.get(key).ok_or_else(|| missing_key(item, key))
}

fn missing_key(item: &Value, key: &str) -> StrategicError {
    StrategicError::Internal(format!("map: {item} does not contain declared merge key: {key}"))
}

/// Puts a merged list into the order that `$setElementOrder` asks for.
pub(super) fn reorder(merged: Vec<Value>, order: &Value, key: Option<&str>) -> Result<Vec<Value>, StrategicError> {
    let order = order.as_array().ok_or_else(|| bad_format("setElementOrder list"))?;
    let server_order = Order::of(&merged, key);
    Ok(arrange(merged, &Order::of(order, key), &server_order, key))
}

/// The items of a patch must stand in its `$setElementOrder`, in that order.
pub(super) fn check_order(change: &[Value], order: &Value, key: Option<&str>) -> Result<(), StrategicError> {
    let listed = order.as_array().ok_or_else(|| bad_format("setElementOrder list"))?;
    let order = Order::of(listed, key);
    let mut last = None;
    for item in change.iter().filter(|item| item.get(PATCH).is_none()) {
        let place = order.place(item, key);
        if place.is_none() || place < last {
            return Err(StrategicError::Internal(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                Value::from(change.to_vec()),
                Value::from(listed.clone()),
            )));
        }
        last = place;
    }
    Ok(())
}

/// Where items stand in a list, by key.
struct Order(BTreeMap<String, usize>);

impl Order {
    fn of(items: &[Value], key: Option<&str>) -> Self {
        Self::of_refs(&items.iter().collect::<Vec<_>>(), key)
    }

    fn of_refs(items: &[&Value], key: Option<&str>) -> Self {
        let mut places = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            places.entry(identity(item, key)).or_insert(index);
        }
        Self(places)
    }

    fn place(&self, item: &Value, key: Option<&str>) -> Option<usize> {
        self.0.get(&identity(item, key)).copied()
    }
}

fn identity(item: &Value, key: Option<&str>) -> String {
    let by = key.and_then(|key| item.get(key)).unwrap_or(item);
    by.to_string()
}

/// Interleaves the items that the patch names, in its order, with those that only the server has, in theirs: one of the
/// server's goes before the next of the patch's if it stood before it in the live list.
fn arrange(merged: Vec<Value>, patch: &Order, server: &Order, key: Option<&str>) -> Vec<Value> {
    let (mut ours, mut theirs): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| patch.place(item, key).is_some());
    ours.sort_by_key(|item| patch.place(item, key));
    theirs.sort_by_key(|item| server.place(item, key));
    let mut theirs = theirs.into_iter().peekable();
    let mut out = Vec::with_capacity(ours.len());
    for item in ours {
        if let Some(place) = server.place(&item, key) {
            while let Some(before) = theirs.next_if(|other| server.place(other, key).is_some_and(|p| p < place)) {
                out.push(before);
            }
        }
        out.push(item);
    }
    out.extend(theirs);
    out
}
