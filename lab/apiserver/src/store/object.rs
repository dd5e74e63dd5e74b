//! One stored object: its value, its JSON and its version.

use bytes::Bytes;
use serde_json::Value;

/// A version of an object. Never changes once stored.
#[derive(Debug)]
pub(crate) struct Object {
    /// In the storage version, with `metadata.resourceVersion`.
    pub(crate) value: Value,
    /// The same, encoded; `apiVersion` and `kind` come first.
    pub(crate) json: Bytes,
    /// Where, in `json`, what follows them begins.
    rest_at: usize,
    /// `metadata.resourceVersion` as a number.
    pub(crate) revision: u64,
}

impl Object {
    /// Encodes `value` as version `revision`.
    pub(super) fn new(mut value: Value, revision: u64) -> Self {
        if let Some(Value::Object(meta)) = value.get_mut("metadata") {
            meta.insert("resourceVersion".into(), revision.to_string().into());
        }
        Self::encode(value, revision)
    }

    /// What would have been stored, had the write not been a dry run or the object's last.
    pub(crate) fn unsaved(value: Value) -> Self {
        Self::encode(value, 0)
    }

    fn encode(value: Value, revision: u64) -> Self {
        let (json, rest_at) = encode(&value);
        Self { value, json, rest_at, revision }
    }

    /// The object as an item of a list of its kind: without `apiVersion` and `kind`.
    pub(crate) fn json_without_type(&self) -> (&'static [u8], Bytes) {
        (b"{", self.json.slice(self.rest_at..))
    }

    /// The same content under another version, as a watcher sees an object that left its selection.
    pub(crate) fn at_revision(&self, revision: u64) -> Self {
        Self::new(self.value.clone(), revision)
    }
}

/// Encodes an object with its type first; returns where the rest begins.
fn encode(value: &Value) -> (Bytes, usize) {
    const TYPE: [&str; 2] = ["apiVersion", "kind"];
    let Value::Object(fields) = value else { return (Bytes::from(value.to_string()), 0) };
    let mut json = String::from("{");
    let push = |json: &mut String, name: &str, value: &Value| {
        if !json.ends_with('{') {
            json.push(',');
        }
        json.push_str(&Value::from(name).to_string());
        json.push(':');
        json.push_str(&value.to_string());
    };
    for name in TYPE {
        if let Some(value) = fields.get(name) {
            push(&mut json, name, value);
        }
    }
    let typed = json.len();
    for (name, value) in fields.iter().filter(|(name, _)| !TYPE.contains(&name.as_str())) {
        push(&mut json, name, value);
    }
    json.push('}');
    // Behind the comma, if there is one.
    let rest_at = if json.as_bytes().get(typed) == Some(&b',') { typed + 1 } else { typed };
    (Bytes::from(json), rest_at)
}

/// An object's key inside its collection: `namespace/name`, or `name` for cluster-scoped kinds. Keys are ordered as
/// in etcd, so `a-b/x` comes before `a/x`.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}
