//! Objects in the version and form that was asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Value, json};

use super::Scope;
use crate::error::{ApiError, Result};
use crate::http::{Call, Form, Negotiated};
use crate::meta::map_of;
use crate::store::Object;
use crate::table::{Columns, Include};

/// Shows objects in one version and form.
#[derive(Debug)]
pub(super) struct View {
    form: Form,
    include: Include,
    columns: Option<Columns>,
    /// A watch gives the headings of a table once.
    headings_given: AtomicBool,
}

impl View {
    /// The view that a call asks for; `list` when it is answered with a list.
    ///
    /// # Errors
    /// 406 when the form cannot be given.
    pub(super) fn of_call(scope: &Scope, call: &Call, list: bool) -> Result<Self> {
        let form = Negotiated::from_headers(&call.headers).form()?;
        let what = match form {
            Form::Partial if list => Some(("PartialObjectMetadata", "a list")),
            Form::PartialList if !list && call.info.verb != "watch" => {
                Some(("PartialObjectMetadataList", "not a list"))
            }
            _ => None,
        };
        if let Some((requested, what)) = what {
            let package = if scope.resource.group.is_empty() { "core" } else { "v1" };
            return Err(ApiError::new(
                406,
                "NotAcceptable",
                format!(
                    "you requested {requested}, but the requested object is {what} (*{package}.{})",
                    if list { &scope.resource.list_kind } else { &scope.resource.kind }
                ),
            ));
        }
        let include = call.query.get("includeObject").unwrap_or_default();
        let include = Include::parse(include)
            .ok_or_else(|| ApiError::bad_request(format!("unrecognized includeObject value: {include:?}")))?;
        let columns = (form == Form::Table).then(|| Columns::of(&scope.resource, &scope.target.version));
        Ok(Self { form, include, columns, headings_given: AtomicBool::new(false) })
    }

    /// Whether watch events show objects just as they are stored.
    pub(super) fn is_stored_form(&self, scope: &Scope) -> bool {
        self.form == Form::Full && scope.resource.is_stored_form(&scope.target.version)
    }

    /// One object's JSON. What is stored is shared, not copied, when it is what was asked for.
    pub(super) fn object(&self, scope: &Scope, object: &Object) -> Bytes {
        if self.is_stored_form(scope) && object.revision != 0 {
            return object.json.clone();
        }
        let value = scope.resource.value_in(&scope.target.version, object);
        match (&self.columns, self.form) {
            (Some(columns), _) => {
                let headings = !self.headings_given.swap(true, Ordering::Relaxed);
                encode(&columns.single(&value, self.include, headings))
            }
            (None, Form::Partial | Form::PartialList) => encode(&partial(&value)),
            _ => encode(&value),
        }
    }

    /// A list's JSON.
    pub(super) fn list(&self, scope: &Scope, metadata: Value, objects: &[Arc<Object>]) -> Bytes {
        let resource = &scope.resource;
        if let Some(columns) = &self.columns {
            let version = &scope.target.version;
            let values: Vec<Value> = objects.iter().map(|object| resource.value_in(version, object)).collect();
            return encode(&columns.table(&values, metadata, self.include, true));
        }
        let (kind, api_version) = match self.form {
            Form::PartialList => ("PartialObjectMetadataList", "meta.k8s.io/v1".to_owned()),
            _ => (resource.list_kind.as_str(), resource.api_version(&scope.target.version)),
        };
        let head = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata}).to_string();
        let mut out = BytesMut::with_capacity(objects.iter().map(|o| o.json.len() + 1).sum::<usize>() + 256);
        out.put_slice(&head.as_bytes()[..head.len() - 1]);
        out.put_slice(b",\"items\":[");
        for (at, object) in objects.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            self.item(scope, object, &mut out);
        }
        out.put_slice(b"]}");
        out.freeze()
    }

    /// An item of a list. Items of built-in kinds do not repeat what the list says of their type.
    fn item(&self, scope: &Scope, object: &Object, out: &mut BytesMut) {
        if self.form != Form::Full || scope.resource.strategy.is_custom() {
            out.put_slice(&self.object(scope, object));
        } else if self.is_stored_form(scope) {
            let (open, rest) = object.json_without_type();
            out.put_slice(open);
            out.put_slice(&rest);
        } else {
            let mut value = scope.resource.value_in(&scope.target.version, object);
            let fields = map_of(&mut value);
            fields.remove("apiVersion");
            fields.remove("kind");
            out.put_slice(&encode(&value));
        }
    }

    /// The object of a bookmark.
    pub(super) fn bookmark(&self, scope: &Scope, revision: u64, initial_events_end: bool) -> Value {
        let resource = &scope.resource;
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if initial_events_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let kind = match self.form {
            Form::Partial | Form::PartialList => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            }),
            Form::Full | Form::Table => json!({
                "kind": resource.kind, "apiVersion": resource.api_version(&scope.target.version),
            }),
        };
        let mut object = kind;
        object["metadata"] = metadata;
        match &self.columns {
            Some(columns) => columns.single(&object, self.include, false),
            None => object,
        }
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
