//! JSON patch, RFC 6902, with pointers of RFC 6901.

use serde_json::Value;

/// How many operations one patch may hold; kube-apiserver's limit.
const MAX_OPERATIONS: usize = 10_000;

/// Why a JSON patch was not applied. The document is untouched.
///
/// kube-apiserver answers 400 to [`Malformed`](Self::Malformed), 413 to [`TooLarge`](Self::TooLarge) and 422, without
/// saying why, to the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonPatchError {
    /// The patch is not a list of operations.
    #[error("error decoding patch: {0}")]
    Malformed(String),
    /// The patch holds more than 10,000 operations.
    #[error("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooLarge(usize),
    /// A `test` operation found another value.
    #[error("testing path {path} failed: the value there is another one")]
    TestFailed {
        /// The pointer as sent.
        path: String,
    },
    /// A pointer names nothing, or nothing that the operation can work on.
    #[error("{op} operation does not apply: no such place: {path}")]
    MissingPath {
        /// The operation as sent.
        op: String,
        /// The pointer as sent.
        path: String,
    },
    /// An operation is unknown or lacks `path`, `from` or `value`.
    #[error("operation {index} of the patch is not valid: {reason}")]
    BadOperation {
        /// Position in the patch, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Applies a JSON patch (RFC 6902) and returns the changed document; all operations or none.
///
/// # Errors
/// See [`JsonPatchError`].
pub fn json_patch(document: &Value, patch: &Value) -> Result<Value, JsonPatchError> {
    let Value::Array(operations) = patch else {
        let kind = kind_name(patch);
        return Err(JsonPatchError::Malformed(format!(
            "json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp"
        )));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(JsonPatchError::TooLarge(operations.len()));
    }
    let mut result = document.clone();
    for (index, operation) in operations.iter().enumerate() {
        apply_one(&mut result, index, operation)?;
    }
    Ok(result)
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn apply_one(document: &mut Value, index: usize, operation: &Value) -> Result<(), JsonPatchError> {
    let bad = |reason: String| JsonPatchError::BadOperation { index, reason };
    let text = |name: &str| {
        operation.get(name).and_then(Value::as_str).ok_or_else(|| bad(format!("it has no text in `{name}`")))
    };
    let value = || operation.get("value").cloned().ok_or_else(|| bad("it has no `value`".to_owned()));
    let op = text("op")?;
    let path = text("path")?;
    let missing = |path: &str| JsonPatchError::MissingPath { op: op.to_owned(), path: path.to_owned() };
    match op {
        "add" => add(document, path, value()?).ok_or_else(|| missing(path)),
        "remove" => remove(document, path).map(drop).ok_or_else(|| missing(path)),
        "replace" => {
            let slot = pointer_mut(document, path).ok_or_else(|| missing(path))?;
            *slot = value()?;
            Ok(())
        }
        "move" => {
            let from = text("from")?;
            // RFC 6902 §4.4: a value cannot move into itself.
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return Err(missing(path));
            }
            let moved = remove(document, from).ok_or_else(|| missing(from))?;
            add(document, path, moved).ok_or_else(|| missing(path))
        }
        "copy" => {
            let from = text("from")?;
            let copied = document.pointer(from).cloned().ok_or_else(|| missing(from))?;
            add(document, path, copied).ok_or_else(|| missing(path))
        }
        "test" => match (document.pointer(path), operation.get("value").unwrap_or(&Value::Null)) {
            (Some(found), wanted) if equal(found, wanted) => Ok(()),
            // As evanphx/json-patch does: a missing place equals null.
            (None, Value::Null) => Ok(()),
            _ => Err(JsonPatchError::TestFailed { path: path.to_owned() }),
        },
        other => Err(bad(format!("there is no operation {other:?}"))),
    }
}

/// RFC 6902 §4.6: numbers are equal when their values are, whatever their form.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

/// Splits a pointer into the place's parent and the last, unescaped token. None for the whole document.
fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

/// RFC 6901 §4: digits without a leading zero.
fn list_index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|b| b.is_ascii_digit()));
    if plain { token.parse().ok() } else { None }
}

fn pointer_mut<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    if path.is_empty() || path.starts_with('/') { document.pointer_mut(path) } else { None }
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *document = value;
        return Some(());
    }
    let (parent, token) = split(path)?;
    match pointer_mut(document, parent)? {
        Value::Object(fields) => {
            fields.insert(token, value);
        }
        Value::Array(items) => {
            let index = if token == "-" { items.len() } else { list_index(&token)? };
            if index > items.len() {
                return None;
            }
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (parent, token) = split(path)?;
    match pointer_mut(document, parent)? {
        Value::Object(fields) => fields.remove(&token),
        Value::Array(items) => {
            let index = list_index(&token).filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
