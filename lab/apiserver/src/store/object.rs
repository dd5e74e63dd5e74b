//! One stored object: its value, its JSON and its version.

use bytes::Bytes;
use serde_json::Value;

/// A version of an object. Never changes once stored.
#[derive(Debug)]
pub(crate) struct Object {
    /// In the storage version, with `metadata.resourceVersion`.
    pub(crate) value: Value,
    /// The same, encoded.
    pub(crate) json: Bytes,
    /// `metadata.resourceVersion` as a number.
    pub(crate) revision: u64,
}

impl Object {
    /// Encodes `value` as version `revision`.
    pub(super) fn new(mut value: Value, revision: u64) -> Self {
        if let Some(Value::Object(meta)) = value.get_mut("metadata") {
            meta.insert("resourceVersion".into(), revision.to_string().into());
        }
        let json = Bytes::from(value.to_string());
        Self { value, json, revision }
    }

    /// What would have been stored, had the write not been a dry run or the object's last.
    pub(crate) fn unsaved(value: Value) -> Self {
        let json = Bytes::from(value.to_string());
        Self { value, json, revision: 0 }
    }

    /// The same content under another version, as a watcher sees an object that left its selection.
    pub(crate) fn at_revision(&self, revision: u64) -> Self {
        Self::new(self.value.clone(), revision)
    }
}

/// An object's key inside its collection: `namespace/name`, or `name` for cluster-scoped kinds. Keys are ordered as
/// in etcd, so `a-b/x` comes before `a/x`.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}
