//! The four kinds of PATCH.

use herald_apiserver_patch::{
    JsonPatchError, StrategicError, empty_object, json_patch, managed, merge_patch, strategic_merge_patch,
};
use serde_json::{Value, json};

use super::Writer;
use crate::error::{ApiError, Result};
use crate::http::Call;
use crate::rest::Scope;
use crate::store::Object;

/// A patch as it was sent.
#[derive(Debug)]
pub(super) enum Patch {
    /// RFC 6902.
    Json(Value),
    /// RFC 7386.
    Merge(Value),
    /// Strategic merge.
    Strategic(Value),
    /// Server-side apply.
    Apply(Value),
}

impl Patch {
    pub(super) fn read(scope: &Scope, call: &Call) -> Result<Self> {
        let custom = scope.resource.strategy.is_custom();
        let decoded = || {
            call.input.json().map_err(|error| ApiError::bad_request(format!("error decoding patch: {}", error.message)))
        };
        match call.input.content_type.as_str() {
            "application/json-patch+json" => Ok(Self::Json(decoded()?)),
            "application/merge-patch+json" => Ok(Self::Merge(decoded()?)),
            "application/strategic-merge-patch+json" if !custom => Ok(Self::Strategic(decoded()?)),
            "application/apply-patch+yaml" => Ok(Self::Apply(call.input.yaml()?)),
            "application/strategic-merge-patch+json" => Err(ApiError::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
            _ => Err(unsupported("415: Unsupported Media Type")),
        }
    }
}

fn unsupported(message: &str) -> ApiError {
    ApiError::new(415, "UnsupportedMediaType", message).with_details(json!({}))
}

impl Writer<'_> {
    /// The object that the patch makes of the live one: decoded, defaulted, owned, in the storage version.
    pub(super) fn patched(&mut self, patch: &Patch, old: Option<&Object>) -> Result<Value> {
        let resource = &self.scope.resource;
        let version = &self.scope.target.version;
        let live = match old {
            Some(old) => resource.value_in(version, old),
            None => empty_object(&resource.api_version(version), &resource.kind),
        };
        let mut object = match patch {
            Patch::Json(patch) => json_patch(&live, patch).map_err(refused)?,
            Patch::Merge(patch) => {
                let mut object = live;
                merge_patch(&mut object, patch);
                object
            }
            Patch::Strategic(patch) => strategic_merge_patch(&live, patch, self.ty()).map_err(|error| match error {
                StrategicError::BadRequest(why) => ApiError::bad_request(why),
                StrategicError::Internal(why) => ApiError::unknown(why),
            })?,
            Patch::Apply(configuration) => self.applied(&live, configuration)?,
        };
        self.decode_patched(&mut object, |object| match patch {
            Patch::Strategic(patch) => go_map(patch),
            _ => object.to_string(),
        })?;
        match patch {
            Patch::Apply(_) => Ok(self.defaulted(object)),
            _ => self.complete(object, old),
        }
    }

    fn applied(&self, live: &Value, configuration: &Value) -> Result<Value> {
        let api_version = self.scope.resource.api_version(&self.scope.target.version);
        let scope = self.managed_scope();
        let write = self.managed_write(&api_version, &scope);
        managed::apply(&write, live, configuration, self.options.force).map_err(|error| match error {
            managed::ApplyError::BadRequest(why) => ApiError::bad_request(why),
            managed::ApplyError::Internal(why) => ApiError::unknown(why),
            managed::ApplyError::Conflict(conflict) => {
                let causes: Vec<Value> = conflict
                    .causes
                    .iter()
                    .map(|cause| {
                        json!({"reason": "FieldManagerConflict", "message": cause.message, "field": cause.field})
                    })
                    .collect();
                ApiError::new(409, "Conflict", conflict.message).with_details(json!({"causes": causes}))
            }
        })
    }
}

fn refused(error: JsonPatchError) -> ApiError {
    match error {
        JsonPatchError::Malformed(_) => ApiError::bad_request(error.to_string()),
        JsonPatchError::TooLarge(_) => ApiError::new(413, "RequestEntityTooLarge", error.to_string()),
        _ => ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
            .with_details(json!({})),
    }
}

/// A value as Go's `%v` prints it.
fn go_map(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{}", go_map(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_map).collect();
            format!("[{}]", items.join(" "))
        }
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
