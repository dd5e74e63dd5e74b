//! Reads the protobuf bodies that kubectl sends where JSON would do.
//!
//! `kubectl create namespace`, `kubectl create token`, `kubectl auth can-i` and their like prefer protobuf for what they
//! send; what they are answered may be JSON. A body is the four bytes `k8s\0` and a `runtime.Unknown`: apiVersion and
//! kind, then the object's own bytes, whose fields [`messages`] names for the kinds that kubectl makes by itself.

mod messages;
mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use messages::{Field, Shape, UNKNOWN, message_of};
use wire::{Item, Items};

/// What a protobuf body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// It is no message, or ends too early.
    #[error("the protobuf body is damaged")]
    Damaged,
    /// Of a kind that is not read here.
    #[error("{0} is not read from protobuf, only from JSON and YAML")]
    Kind(String),
}

/// The JSON form of a protobuf body.
pub(super) fn decode(body: &[u8]) -> Result<Value, Unreadable> {
    let body = body.strip_prefix(MAGIC).ok_or(Unreadable::Damaged)?;
    let envelope = read(body, UNKNOWN).ok_or(Unreadable::Damaged)?;
    let of = |name: &str| envelope.pointer(&format!("/typeMeta/{name}")).cloned().unwrap_or_default();
    let kind = of("kind");
    let fields = kind.as_str().and_then(message_of).ok_or_else(|| Unreadable::Kind(kind.to_string()))?;
    let mut raw: &[u8] = &[];
    for item in Items(body) {
        if let (2, Item::Bytes(bytes)) = item.ok_or(Unreadable::Damaged)? {
            raw = bytes;
        }
    }
    let mut object = read(raw, fields).ok_or(Unreadable::Damaged)?;
    if let Value::Object(object) = &mut object {
        object.insert("apiVersion".to_owned(), of("apiVersion"));
        object.insert("kind".to_owned(), kind);
    }
    Ok(object)
}

/// A message as a JSON object, as Go would write it: what is empty is left out, but for optional fields that are set.
fn read(bytes: &[u8], fields: &[Field]) -> Option<Value> {
    let mut object = Map::new();
    for item in Items(bytes) {
        let (number, item) = item?;
        let Some(field) = fields.iter().find(|field| field.number == number) else { continue };
        match (&field.shape, item) {
            (Shape::Text, Item::Bytes(bytes)) => {
                if !bytes.is_empty() {
                    object.insert(field.name.to_owned(), text(bytes)?);
                }
            }
            (Shape::Number | Shape::OptionalNumber, Item::Number(number)) => {
                // int32 and int64 are written as two's complement.
                let number = number.cast_signed();
                if number != 0 || matches!(field.shape, Shape::OptionalNumber) {
                    object.insert(field.name.to_owned(), number.into());
                }
            }
            (Shape::Flag | Shape::OptionalFlag, Item::Number(number)) => {
                if number != 0 || matches!(field.shape, Shape::OptionalFlag) {
                    object.insert(field.name.to_owned(), (number != 0).into());
                }
            }
            (Shape::Message(fields), Item::Bytes(bytes)) => {
                object.insert(field.name.to_owned(), read(bytes, fields)?);
            }
            (Shape::IntOrString, Item::Bytes(bytes)) => {
                if let Some(value) = int_or_string(bytes)? {
                    object.insert(field.name.to_owned(), value);
                }
            }
            (Shape::Texts, Item::Bytes(bytes)) => push(&mut object, field.name, text(bytes)?),
            (Shape::Messages(fields), Item::Bytes(bytes)) => push(&mut object, field.name, read(bytes, fields)?),
            (Shape::TextMap | Shape::BytesMap, Item::Bytes(bytes)) => {
                let (key, value) = entry(bytes, matches!(field.shape, Shape::BytesMap))?;
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                map.as_object_mut()?.insert(key, value);
            }
            _ => return None,
        }
    }
    Some(Value::Object(object))
}

fn push(object: &mut Map<String, Value>, name: &str, value: Value) {
    if let Value::Array(items) = object.entry(name).or_insert_with(|| json!([])) {
        items.push(value);
    }
}

fn text(bytes: &[u8]) -> Option<Value> {
    std::str::from_utf8(bytes).ok().map(Value::from)
}

/// One entry of a map: key and value are fields 1 and 2 of a message.
fn entry(bytes: &[u8], in_base64: bool) -> Option<(String, Value)> {
    let (mut key, mut value) = (String::new(), Value::from(""));
    for item in Items(bytes) {
        match item? {
            (1, Item::Bytes(bytes)) => key = std::str::from_utf8(bytes).ok()?.to_owned(),
            (2, Item::Bytes(bytes)) if in_base64 => value = BASE64.encode(bytes).into(),
            (2, Item::Bytes(bytes)) => value = text(bytes)?,
            _ => return None,
        }
    }
    Some((key, value))
}

/// `util.intstr.IntOrString`: type (0 number, 1 text), number, text. None inside: not set.
fn int_or_string(bytes: &[u8]) -> Option<Option<Value>> {
    let (mut is_text, mut number, mut shown) = (false, 0, Value::from(""));
    for item in Items(bytes) {
        match item? {
            (1, Item::Number(kind)) => is_text = kind == 1,
            (2, Item::Number(value)) => number = value.cast_signed(),
            (3, Item::Bytes(bytes)) => shown = text(bytes)?,
            _ => return None,
        }
    }
    Some(match (is_text, number) {
        (true, _) => Some(shown),
        (false, 0) => None,
        (false, number) => Some(number.into()),
    })
}

#[cfg(test)]
mod tests;
