//! Typed decoding of built-in kinds: what kube-apiserver does when it reads JSON into Go structs and writes it again.
//!
//! ```text
//! what a client sent ─▶ unknown fields out (and named) ─▶ types checked ─▶ nulls and empty values out
//!                       times and base64 read            fields that Go always writes in
//! ```
//!
//! After this an object looks exactly as if kube-apiserver had written it, so that "nothing changed" can be seen by
//! comparing values, and every later step may trust the types.

mod base64;
mod time;
mod zero;

#[cfg(test)]
mod tests;

use herald_apiserver_patch::types::{Scalar, Struct, Type};
use serde_json::{Map, Value};

pub(crate) use time::{microtime, time};

/// What decoding found besides the object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Paths of the fields that the kind does not know, sorted; they have been taken out.
    pub(crate) unknown: Vec<String>,
}

/// Decodes an object of a built-in kind in place.
///
/// # Errors
/// What cannot be read, in the words that follow `Service in version "v1" cannot be handled as a Service: `.
pub(crate) fn decode(ty: &Type, api_version: &str, kind: &str, object: &mut Value) -> Result<Decoded, String> {
    let mut decoder = Decoder { kind, pattern: String::new(), path: String::new(), unknown: Vec::new() };
    decoder.value(ty, object)?;
    zero::fill(&herald_apiserver_patch::empty_object(api_version, kind), object);
    decoder.unknown.sort_unstable();
    Ok(Decoded { unknown: decoder.unknown })
}

/// Adds what an object of a kind always has, after a conversion.
pub(crate) fn fill_always(api_version: &str, kind: &str, object: &mut Value) {
    zero::fill(&herald_apiserver_patch::empty_object(api_version, kind), object);
}

/// Decodes `metadata` of a custom resource in place; the rest is its schema's affair.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_metadata(kind: &str, object: &mut Value) -> Result<Decoded, String> {
    let Some(metadata) = object.get_mut("metadata") else { return Ok(Decoded::default()) };
    let mut decoder = Decoder { kind, pattern: "metadata".into(), path: "metadata".into(), unknown: Vec::new() };
    decoder.value(&herald_apiserver_patch::types::object_meta(), metadata)?;
    decoder.unknown.sort_unstable();
    Ok(Decoded { unknown: decoder.unknown })
}

struct Decoder<'a> {
    kind: &'a str,
    /// Where we are, with `[]` for every index: `spec.ports[]`.
    pattern: String,
    /// Where we are, exactly: `spec.ports[3]`.
    path: String,
    unknown: Vec<String>,
}

impl Decoder<'_> {
    fn value(&mut self, ty: &Type, value: &mut Value) -> Result<(), String> {
        match (ty, value) {
            (_, Value::Null) | (Type::Any, _) => Ok(()),
            (Type::Struct(of), Value::Object(map)) => self.structure(of, map),
            (Type::Map(of), Value::Object(map)) => {
                for (key, value) in map.iter_mut() {
                    let mark = self.enter(key, "{}");
                    self.value(&of.values, value)?;
                    if zero::is_bytes(self.kind, &self.pattern) {
                        base64::check(value)?;
                    }
                    self.leave(mark);
                }
                Ok(())
            }
            (Type::List(of), Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let mark = (self.pattern.len(), self.path.len());
                    self.pattern.push_str("[]");
                    self.path.push_str(&format!("[{index}]"));
                    self.value(&of.items, item)?;
                    self.leave(mark);
                }
                Ok(())
            }
            (Type::Scalar(want), got) => self.scalar(*want, got),
            (Type::Struct(_) | Type::Map(_), got) => Err(self.mismatch(got, "object")),
            (Type::List(_), got) => Err(self.mismatch(got, "list")),
        }
    }

    fn structure(&mut self, of: &Struct, map: &mut Map<String, Value>) -> Result<(), String> {
        if of.others.is_none() {
            map.retain(|name, _| {
                let known = of.fields.contains_key(name);
                if !known {
                    let dot = if self.path.is_empty() { "" } else { "." };
                    self.unknown.push(format!("{}{dot}{name}", self.path));
                }
                known
            });
        }
        for (name, value) in map.iter_mut() {
            let Some(field) = of.fields.get(name) else { continue };
            let mark = self.enter(name, name);
            self.value(&field.ty, value)?;
            self.leave(mark);
        }
        zero::drop_empty(self.kind, &self.pattern, map);
        zero::add_always(self.kind, &self.pattern, map);
        Ok(())
    }

    fn scalar(&mut self, want: Scalar, value: &mut Value) -> Result<(), String> {
        let fits = match want {
            Scalar::String => value.is_string(),
            Scalar::Number => value.is_i64() || value.is_u64(),
            Scalar::Boolean => value.is_boolean(),
            Scalar::Untyped => value.is_string() || value.is_number() || value.is_boolean(),
        };
        if !fits {
            let want = match want {
                Scalar::String | Scalar::Untyped => "string",
                Scalar::Number => "int32",
                Scalar::Boolean => "bool",
            };
            return Err(self.mismatch(value, want));
        }
        let name = self.pattern.rsplit('.').next().unwrap_or_default();
        if let Value::String(text) = value {
            let read = match zero::time_of(name) {
                Some(zero::Time::Seconds) => time(text)?,
                Some(zero::Time::Micros) => microtime(text)?,
                None => return Ok(()),
            };
            *text = read;
        }
        Ok(())
    }

    fn mismatch(&self, got: &Value, want: &str) -> String {
        let got = match got {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let field = self.pattern.replace("[]", "");
        format!("json: cannot unmarshal {got} into Go struct field {}.{field} of type {want}", self.kind)
    }

    fn enter(&mut self, name: &str, pattern: &str) -> (usize, usize) {
        let mark = (self.pattern.len(), self.path.len());
        if !self.path.is_empty() {
            self.pattern.push('.');
            self.path.push('.');
        }
        self.pattern.push_str(pattern);
        self.path.push_str(name);
        mark
    }

    fn leave(&mut self, (pattern, path): (usize, usize)) {
        self.pattern.truncate(pattern);
        self.path.truncate(path);
    }
}
