//! Objects in the version and form that was asked for.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Value, json};

use super::Scope;
use crate::http::Form;
use crate::store::Object;

/// Shows objects in one version and form.
#[derive(Debug)]
pub(super) struct View<'a> {
    scope: &'a Scope,
    form: Form,
}

impl<'a> View<'a> {
    pub(super) fn new(scope: &'a Scope, form: Form) -> Self {
        Self { scope, form }
    }

    /// One object's JSON. What is stored is shared, not copied, when it is what was asked for.
    pub(super) fn object(&self, object: &Object) -> Bytes {
        let resource = &self.scope.resource;
        let version = &self.scope.target.version;
        match self.form {
            Form::Full if resource.is_stored_form(version) => object.json.clone(),
            Form::Full => encode(&resource.value_in(version, object)),
            Form::Partial => encode(&partial(&object.value)),
            Form::Table => encode(&resource.value_in(version, object)),
        }
    }

    /// A list's JSON.
    pub(super) fn list(&self, metadata: &Value, objects: &[std::sync::Arc<Object>]) -> Bytes {
        let resource = &self.scope.resource;
        let (kind, api_version) = match self.form {
            Form::Partial => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
            _ => (resource.list_kind.clone(), resource.api_version(&self.scope.target.version)),
        };
        let head = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata}).to_string();
        let mut out = BytesMut::with_capacity(objects.iter().map(|o| o.json.len() + 1).sum::<usize>() + 256);
        out.put_slice(head.trim_end_matches('}').as_bytes());
        out.clear();
        out.put_slice(&head.as_bytes()[..head.len() - 1]);
        out.put_slice(b",\"items\":[");
        for (at, object) in objects.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            out.put_slice(&self.object(object));
        }
        out.put_slice(b"]}");
        out.freeze()
    }
}

fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}

fn encode(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}
