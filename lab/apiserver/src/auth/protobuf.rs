//! Reads the few protobuf bodies that kubectl sends where JSON would do: reviews and token requests.
//!
//! `kubectl auth can-i` and `kubectl create token` prefer protobuf for what they send; what they are answered may be
//! JSON. A body is the four bytes `k8s\0` and a `runtime.Unknown`: apiVersion and kind, then the object's own bytes. Of
//! those, only the fields in the tables below are read; field numbers are from `k8s.io/api/*/v1/generated.proto`.

use serde_json::{Map, Value};

const MAGIC: &[u8] = b"k8s\0";

/// A field that is read.
struct Field {
    number: u64,
    name: &'static str,
    shape: Shape,
}

enum Shape {
    Text,
    Texts,
    Number,
    Message(&'static [Field]),
}

const fn text(number: u64, name: &'static str) -> Field {
    Field { number, name, shape: Shape::Text }
}

const fn texts(number: u64, name: &'static str) -> Field {
    Field { number, name, shape: Shape::Texts }
}

const fn message(number: u64, name: &'static str, fields: &'static [Field]) -> Field {
    Field { number, name, shape: Shape::Message(fields) }
}

const RESOURCE: &[Field] = &[
    text(1, "namespace"),
    text(2, "verb"),
    text(3, "group"),
    text(4, "version"),
    text(5, "resource"),
    text(6, "subresource"),
    text(7, "name"),
];
const PATH: &[Field] = &[text(1, "path"), text(2, "verb")];
const RESOURCE_FIELD: Field = message(1, "resourceAttributes", RESOURCE);
const PATH_FIELD: Field = message(2, "nonResourceAttributes", PATH);
const METADATA: Field = message(1, "metadata", &[text(1, "name"), text(3, "namespace")]);

const SELF_ACCESS: &[Field] = &[METADATA, message(2, "spec", &[RESOURCE_FIELD, PATH_FIELD])];
const ACCESS: &[Field] =
    &[METADATA, message(2, "spec", &[RESOURCE_FIELD, PATH_FIELD, text(3, "user"), texts(4, "groups"), text(6, "uid")])];
const SELF_RULES: &[Field] = &[METADATA, message(2, "spec", &[text(1, "namespace")])];
const TOKEN_REVIEW: &[Field] = &[METADATA, message(2, "spec", &[text(1, "token"), texts(2, "audiences")])];
const BOUND: &[Field] = &[text(1, "kind"), text(2, "apiVersion"), text(3, "name"), text(4, "uid")];
const TOKEN_REQUEST: &[Field] = &[
    METADATA,
    message(
        2,
        "spec",
        &[
            texts(1, "audiences"),
            message(3, "boundObjectRef", BOUND),
            Field { number: 4, name: "expirationSeconds", shape: Shape::Number },
        ],
    ),
];
const UNKNOWN: &[Field] = &[message(1, "typeMeta", &[text(1, "apiVersion"), text(2, "kind")])];

/// The JSON form of a protobuf body; None if it is none, is damaged, or is of a kind that is not read here.
pub(crate) fn decode(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(MAGIC)?;
    let envelope = read(body, UNKNOWN)?;
    let kind = envelope.pointer("/typeMeta/kind")?.as_str()?;
    let fields = match kind {
        "SelfSubjectAccessReview" => SELF_ACCESS,
        "SubjectAccessReview" | "LocalSubjectAccessReview" => ACCESS,
        "SelfSubjectRulesReview" => SELF_RULES,
        "SelfSubjectReview" => &[METADATA],
        "TokenReview" => TOKEN_REVIEW,
        "TokenRequest" => TOKEN_REQUEST,
        _ => return None,
    };
    let raw = Items(body).find_map(|item| match item {
        Some((2, Item::Bytes(raw))) => Some(raw),
        _ => None,
    });
    let mut object = read(raw.unwrap_or_default(), fields)?;
    if let Value::Object(object) = &mut object {
        object.insert("apiVersion".to_owned(), envelope.pointer("/typeMeta/apiVersion")?.clone());
        object.insert("kind".to_owned(), kind.into());
    }
    Some(object)
}

/// A message as a JSON object. Empty texts are left out, as in JSON.
fn read(bytes: &[u8], fields: &[Field]) -> Option<Value> {
    let mut object = Map::new();
    for item in Items(bytes) {
        let (number, item) = item?;
        let Some(field) = fields.iter().find(|field| field.number == number) else { continue };
        match (&field.shape, item) {
            (Shape::Text, Item::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).ok()?;
                if !text.is_empty() {
                    object.insert(field.name.to_owned(), text.into());
                }
            }
            (Shape::Texts, Item::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).ok()?;
                let list = object.entry(field.name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut()?.push(text.into());
            }
            (Shape::Number, Item::Number(number)) => {
                object.insert(field.name.to_owned(), number.into());
            }
            (Shape::Message(fields), Item::Bytes(bytes)) => {
                object.insert(field.name.to_owned(), read(bytes, fields)?);
            }
            _ => return None,
        }
    }
    Some(Value::Object(object))
}

/// The value of one field on the wire.
enum Item<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed width, which no field here has.
    Fixed,
}

/// The fields of a message, in order; ends after an item of None if the bytes are no message.
struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Option<(u64, Item<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let item = self.item();
        if item.is_none() {
            self.0 = &[];
        }
        Some(item)
    }
}

impl<'a> Items<'a> {
    fn item(&mut self) -> Option<(u64, Item<'a>)> {
        let tag = self.varint()?;
        let item = match tag & 7 {
            0 => Item::Number(self.varint()?),
            1 => self.take(8).map(|_| Item::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Item::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Item::Fixed)?,
            _ => return None,
        };
        Some((tag >> 3, item))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, b"authorization.k8s.io/v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw), field(3, b""), field(4, b"")].concat()
    }

    #[test]
    fn a_review() {
        let attributes = [field(1, b"ns"), field(2, b"patch"), field(3, b""), field(5, b"services")].concat();
        let raw = [field(1, &field(1, b"")), field(2, &field(1, &attributes)), field(3, &[8, 0])].concat();
        assert_eq!(
            decode(&body("SelfSubjectAccessReview", &raw)),
            Some(json!({
                "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {},
                "spec": {"resourceAttributes": {"namespace": "ns", "verb": "patch", "resource": "services"}},
            }))
        );
    }

    #[test]
    fn numbers_and_lists() {
        let spec = [field(1, b"a"), field(1, b"b"), vec![4 << 3, 0x90, 0x1c]].concat();
        let read = decode(&body("TokenRequest", &field(2, &spec))).unwrap();
        assert_eq!(read["spec"], json!({"audiences": ["a", "b"], "expirationSeconds": 3600}));
    }

    #[test]
    fn damaged_bodies_are_refused() {
        let good = body("SelfSubjectRulesReview", &field(2, &field(1, b"ns")));
        assert!(decode(&good).is_some());
        for end in 0..good.len() {
            let _ = decode(&good[..end]);
        }
        assert_eq!(decode(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(decode(b"{}"), None);
        assert_eq!(decode(&body("Pod", b"")), None);
        assert_eq!(decode(&body("SelfSubjectRulesReview", &[2 << 3 | 2, 99])), None);
    }
}
