//! Strategic merge patch: a merge patch that knows which lists merge, by which key.
//!
//! Objects merge as in RFC 7386. A list whose field has patch strategy `merge` merges item by item (see
//! [`crate::types::PatchStrategy`]); any other list is replaced. What a merge cannot say is said by directives in the
//! patch:
//!
//! | directive | in | meaning |
//! | --- | --- | --- |
//! | `$patch: replace` | object, list item | the rest of it replaces what is there |
//! | `$patch: delete` | object, list item with its key | removes the content, the item |
//! | `$retainKeys: [a, b]` | object | removes all fields but these |
//! | `$deleteFromPrimitiveList/field: [x]` | beside `field` | removes these values |
//! | `$setElementOrder/field: [...]` | beside `field` | the order in which the patch's items shall stand |
//!
//! The rules, and the texts, are those of k8s.io/apimachinery's `strategicpatch`.

use serde_json::{Map, Value};

use crate::types::{Field, Type};

mod list;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// Why a strategic merge patch was refused. The document is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    /// 400: the patch, or a directive in it, has the wrong form.
    #[error("{0}")]
    BadRequest(String),
    /// 500 (as kube-apiserver answers): an item lacks its key, a directive is unknown, an order contradicts itself.
    #[error("{0}")]
    Internal(String),
}

/// Applies a strategic merge patch to an object of a built-in kind and returns the result.
///
/// Fields that `ty` does not know merge as in RFC 7386; decoding drops or refuses them.
///
/// # Errors
/// See [`StrategicError`].
pub fn strategic_merge_patch(document: &Value, patch: &Value, ty: &Type) -> Result<Value, StrategicError> {
    let Value::Object(changes) = patch else {
        return Err(StrategicError::BadRequest("the patch is no object".to_owned()));
    };
    let fields = document.as_object().cloned().unwrap_or_default();
    merge_object(fields, changes, ty).map(Value::Object)
}

type Fields = Map<String, Value>;

fn merge_object(mut fields: Fields, changes: &Fields, ty: &Type) -> Result<Fields, StrategicError> {
    if let Some(directive) = changes.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => Ok(without_directive(changes)),
            Some("delete") => Ok(Fields::new()),
            _ => Err(unknown_directive(directive, changes)),
        };
    }
    if let Some(keep) = changes.get(RETAIN_KEYS) {
        retain(&mut fields, changes, keep)?;
    }
    for (name, values) in changes {
        if let Some(field) = name.strip_prefix(DELETE_FROM) {
            let values = values.as_array().ok_or_else(|| bad_format("primitive list"))?;
            if let Some(Value::Array(items)) = fields.get_mut(field) {
                items.retain(|item| !values.contains(item));
            }
        }
    }
    for (name, change) in changes.iter().filter(|(name, _)| !is_directive(name)) {
        let order = changes.get(&format!("{SET_ORDER}{name}"));
        merge_field(&mut fields, name, change, order, ty)?;
    }
    // An order alone re-sorts what is there.
    for (name, order) in changes {
        if let Some(field) = name.strip_prefix(SET_ORDER).filter(|field| !changes.contains_key(*field))
            && let Some(Value::Array(items)) = fields.get_mut(field)
        {
            *items = list::reorder(std::mem::take(items), order, merge_key(ty, field))?;
        }
    }
    Ok(fields)
}

fn merge_field(
    fields: &mut Fields,
    name: &str,
    change: &Value,
    order: Option<&Value>,
    ty: &Type,
) -> Result<(), StrategicError> {
    if change.is_null() {
        fields.remove(name);
        return Ok(());
    }
    let child = ty.child(name).unwrap_or(&Type::Any);
    let merged = match (fields.remove(name), change) {
        (Some(Value::Object(there)), Value::Object(change)) => Value::Object(merge_object(there, change, child)?),
        (Some(Value::Array(there)), Value::Array(change)) => {
            let strategy = struct_field(ty, name).map(|field| &field.patch).filter(|patch| patch.merge);
            match strategy {
                Some(strategy) => {
                    let key = strategy.key.as_deref();
                    let merged = list::merge(there, change, key, child.items())?;
                    Value::Array(match order {
                        Some(order) => {
                            list::check_order(change, order, key)?;
                            list::reorder(merged, order, key)?
                        }
                        None => merged,
                    })
                }
                None => Value::Array(change.clone()),
            }
        }
        // New, or of another form: taken as it stands.
        (_, change) => match taken(change) {
            Some(value) => value,
            None => return Ok(()),
        },
    };
    fields.insert(name.to_owned(), merged);
    Ok(())
}

fn struct_field<'a>(ty: &'a Type, name: &str) -> Option<&'a Field> {
    match ty {
        Type::Struct(of) => of.fields.get(name),
        _ => None,
    }
}

fn merge_key<'a>(ty: &'a Type, name: &str) -> Option<&'a str> {
    struct_field(ty, name)?.patch.key.as_deref()
}

fn is_directive(name: &str) -> bool {
    name == RETAIN_KEYS || name.starts_with(DELETE_FROM) || name.starts_with(SET_ORDER)
}

fn without_directive(changes: &Fields) -> Fields {
    let mut fields = changes.clone();
    fields.remove(PATCH);
    fields
}

/// `$retainKeys`: all fields but these go; the patch may not set others.
fn retain(fields: &mut Fields, changes: &Fields, keep: &Value) -> Result<(), StrategicError> {
    let keep = keep.as_array().ok_or_else(|| bad_format("retainKeys"))?;
    let kept = |name: &str| keep.iter().any(|item| item.as_str() == Some(name));
    let stray = changes.iter().any(|(name, change)| !change.is_null() && !is_directive(name) && !kept(name));
    if stray {
        return Err(bad_format("retainKeys"));
    }
    fields.retain(|name, _| kept(name));
    Ok(())
}

/// A value of the patch as it goes into the object when nothing is there to merge with: without nulls and directives.
/// None for what is only a directive.
fn taken(value: &Value) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            if fields.contains_key(PATCH) {
                return None;
            }
            let plain = fields.iter().filter(|(name, below)| !below.is_null() && !is_directive(name));
            Some(Value::Object(plain.filter_map(|(name, below)| Some((name.clone(), taken(below)?))).collect()))
        }
        Value::Array(items) => Some(Value::Array(items.iter().filter_map(taken).collect())),
        other => Some(other.clone()),
    }
}

fn bad_format(of: &str) -> StrategicError {
    StrategicError::BadRequest(format!("invalid patch format of {of}"))
}

fn unknown_directive(directive: &Value, changes: &Fields) -> StrategicError {
    let shown = directive.as_str().map_or_else(|| directive.to_string(), str::to_owned);
    StrategicError::Internal(format!("unknown patch type: {shown} in map: {}", Value::Object(changes.clone())))
}

#[cfg(test)]
mod tests;
