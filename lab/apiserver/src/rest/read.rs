//! Get and list.

use serde_json::json;

use super::Scope;
use super::form::View;
use super::options::ListOptions;
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call, Negotiated};
use crate::meta::labels;
use crate::store::Object;

pub(super) fn get(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let form = Negotiated::from_headers(&call.headers).form()?;
    let object = api
        .store
        .get(&scope.resource.collection, &scope.key())
        .ok_or_else(|| ApiError::not_found(scope.resource.about(), &scope.target.name))?;
    Ok(Answer::json_bytes(200, View::new(scope, form).object(&object)))
}

pub(super) fn list(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let form = Negotiated::from_headers(&call.headers).form()?;
    let options = ListOptions::parse(&call.query)?;
    let mut snapshot = api.store.list(&scope.resource.collection, &scope.prefix());
    snapshot.objects.retain(|object| selected(scope, &options, object));
    let metadata = json!({"resourceVersion": snapshot.revision.to_string()});
    let json = View::new(scope, form).list(&metadata, &snapshot.objects);
    Ok(Answer::json_bytes(200, json))
}

/// Whether an object is in the selection.
pub(super) fn selected(scope: &Scope, options: &ListOptions, object: &Object) -> bool {
    let value = &object.value;
    let version = &scope.target.version;
    (options.labels.is_empty() || options.labels.matches(labels(value)))
        && (options.fields.is_empty()
            || options
                .fields
                .matches(|field| scope.resource.selectable_field(version, value, field).unwrap_or_default()))
}
