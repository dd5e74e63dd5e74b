//! JSON values as CEL values, by the types their schema gives them.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use kube_cel::cel::Value as CelValue;
use kube_cel::cel::objects::{Key, Map};
use serde_json::{Number, Value};

use crate::node::{Additional, Node, Type};

/// A value as `self`. Field names are escaped where CEL could not select them; keys of maps are data
/// and stay as they are.
pub(crate) fn to_cel(value: &Value, node: Option<&Node>) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(truth) => CelValue::Bool(*truth),
        Value::Number(number) => number_to_cel(number, node),
        Value::String(text) => text_to_cel(text, node),
        Value::Array(items) => {
            let child = node.and_then(|node| node.items.as_deref());
            CelValue::List(Arc::new(items.iter().map(|item| to_cel(item, child)).collect()))
        }
        Value::Object(fields) => {
            let is_map = node.is_some_and(|node| !matches!(node.additional, Additional::None));
            let mut map = HashMap::with_capacity(fields.len());
            for (name, field) in fields {
                let child = node.and_then(|node| node.child(name));
                let key = if is_map { name.clone() } else { escape(name) };
                map.insert(Key::String(Arc::new(key)), to_cel(field, child));
            }
            CelValue::Map(Map { map: Arc::new(map) })
        }
    }
}

fn number_to_cel(number: &Number, node: Option<&Node>) -> CelValue {
    let is_float = node.is_some_and(|node| node.ty == Some(Type::Number));
    match number.as_i64() {
        Some(whole) if !is_float => CelValue::Int(whole),
        _ => {
            let float = number.as_f64().unwrap_or(f64::NAN);
            let is_integer = node.is_some_and(|node| node.ty == Some(Type::Integer));
            // 3.0 is a valid integer, and an int to CEL.
            match format!("{float:.0}").parse() {
                Ok(whole) if is_integer && float.fract() == 0.0 => CelValue::Int(whole),
                _ => CelValue::Float(float),
            }
        }
    }
}

fn text_to_cel(text: &str, node: Option<&Node>) -> CelValue {
    let format = node
        .filter(|node| node.ty == Some(Type::String) && !node.int_or_string)
        .and_then(|node| node.bounds.format.as_deref());
    let typed = match format {
        Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).ok().map(CelValue::Timestamp),
        Some("date") => {
            chrono::DateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")).ok().map(CelValue::Timestamp)
        }
        Some("duration") => {
            super::duration::parse(text).map(|nanos| CelValue::Duration(chrono::Duration::nanoseconds(nanos)))
        }
        Some("byte") => {
            base64::engine::general_purpose::STANDARD.decode(text).ok().map(|bytes| CelValue::Bytes(Arc::new(bytes)))
        }
        _ => None,
    };
    typed.unwrap_or_else(|| CelValue::String(Arc::new(text.to_owned())))
}

/// Words that CEL's grammar keeps for itself.
const RESERVED: [&str; 20] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// A field name as rules write it: `namespace` is `__namespace__`, `a.b` is `a__dot__b`.
pub(crate) fn escape(name: &str) -> String {
    if RESERVED.contains(&name) || name == "while" {
        return format!("__{name}__");
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            _ if rest.starts_with("__") => {
                out.push_str("__underscores__");
                2
            }
            '.' => {
                out.push_str("__dot__");
                1
            }
            '-' => {
                out.push_str("__dash__");
                1
            }
            '/' => {
                out.push_str("__slash__");
                1
            }
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}
