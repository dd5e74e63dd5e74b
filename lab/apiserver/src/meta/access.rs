//! Reading and writing parts of objects.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// `object[field]` as a map; an empty one when it is absent or something else.
pub(crate) fn section<'a>(object: &'a Value, field: &str) -> &'a Map<String, Value> {
    object.get(field).and_then(Value::as_object).unwrap_or(&EMPTY)
}

/// `object[field]` as a map that can be changed; made when it is absent or something else.
///
/// An `object` that is no map becomes one.
pub(crate) fn section_mut<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    map_of(map_of(object).entry(field).or_insert(Value::Null))
}

/// The value as a map; anything else is replaced by an empty one.
pub(crate) fn map_of(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map just above"),
    }
}

/// The text at a JSON pointer, empty when there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// `metadata.labels`.
pub(crate) fn labels(object: &Value) -> &Map<String, Value> {
    object.pointer("/metadata/labels").and_then(Value::as_object).unwrap_or(&EMPTY)
}

/// `metadata.annotations`.
pub(crate) fn annotations(object: &Value) -> &Map<String, Value> {
    object.pointer("/metadata/annotations").and_then(Value::as_object).unwrap_or(&EMPTY)
}
