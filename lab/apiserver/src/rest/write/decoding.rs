//! From bytes to an object of the right kind.

use herald_apiserver_schema::{Cause, duplicate_fields, field_warnings, strict_decoding_error};
use serde_json::Value;

use super::Writer;
use crate::crd::check_kind;
use crate::decode::{decode, decode_metadata};
use crate::error::{About, ApiError, Result};
use crate::meta::{map_of, text};
use crate::rest::Scope;
use crate::rest::options::FieldValidation;

impl Writer<'_> {
    /// The body of a POST or PUT: an object in the version asked for.
    pub(super) fn decode_body(&mut self) -> Result<Value> {
        let kind = &self.scope.resource.kind;
        let mut object = self.call.input.document().map_err(|error| match error.code {
            400 => ApiError::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; \
                 json parse error: {} ({})",
                error.message,
                shown(&self.call.input.bytes)
            )),
            _ => error,
        })?;
        if !object.is_object() {
            return Err(ApiError::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
                 error: json: cannot unmarshal into Go value of type struct ({})",
                shown(&self.call.input.bytes)
            )));
        }
        self.check_kind(&object)?;
        if self.scope.resource.strategy.is_custom()
            && let Some(cause) = check_kind(&object, kind)
        {
            let about = About { kind: text(&object, "/kind"), ..self.scope.resource.about() };
            return Err(ApiError::invalid(about, text(&object, "/metadata/name"), &[cause]));
        }
        let unknown = decode_object(self.scope, &mut object).map_err(|why| self.cannot_be_handled(&why))?;
        let duplicate = self.duplicates();
        if self.options.validation == FieldValidation::Strict
            && let Some(why) = strict_decoding_error(&unknown, &duplicate)
        {
            return Err(self.cannot_be_handled(&why));
        }
        self.warn(&unknown, &duplicate);
        Ok(object)
    }

    /// An object that a patch made, in the version asked for. `patch` is how it is shown when it is refused.
    pub(super) fn decode_patched(&mut self, object: &mut Value, patch: impl FnOnce(&Value) -> String) -> Result<()> {
        let before = if self.options.validation == FieldValidation::Strict { Some(object.clone()) } else { None };
        let unknown = decode_object(self.scope, object).map_err(|why| self.patch_refused(&why, None))?;
        let duplicate = self.duplicates();
        if let Some(before) = before
            && let Some(why) = strict_decoding_error(&unknown, &duplicate)
        {
            return Err(self.patch_refused(&why, Some(patch(&before))));
        }
        self.warn(&unknown, &duplicate);
        Ok(())
    }

    fn patch_refused(&self, why: &str, patch: Option<String>) -> ApiError {
        let Some(patch) = patch else { return self.cannot_be_handled(why) };
        let nothing = About { group: "", resource: "", kind: "" };
        ApiError::invalid(nothing, "", &[Cause::invalid("patch", &Value::String(patch), why)])
    }

    fn duplicates(&self) -> Vec<String> {
        if self.options.validation == FieldValidation::Ignore {
            Vec::new()
        } else {
            duplicate_fields(&self.call.input.bytes)
        }
    }

    fn warn(&mut self, unknown: &[String], duplicate: &[String]) {
        if self.options.validation == FieldValidation::Warn {
            for warning in field_warnings(unknown, duplicate) {
                if !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
        }
    }

    /// The body may leave kind and apiVersion out (of a built-in kind), but not contradict the path.
    fn check_kind(&self, object: &Value) -> Result<()> {
        let resource = &self.scope.resource;
        let wanted = resource.api_version(&self.scope.target.version);
        let (api_version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        if resource.strategy.is_custom() {
            return self.check_custom_kind(api_version, kind, &wanted);
        }
        if !api_version.is_empty() && api_version != wanted {
            let version = api_version.rsplit('/').next().unwrap_or_default();
            return Err(ApiError::bad_request(format!(
                "{kind} in version {version:?} cannot be handled as a {}: no kind {kind:?} is registered for version \
                 {api_version:?} in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
                resource.kind
            )));
        }
        if !kind.is_empty() && kind != resource.kind {
            if let Some(ty) = herald_apiserver_patch::builtin(&wanted, kind)
                && let Err(why) = decode(ty, &wanted, kind, &mut object.clone())
            {
                return Err(ApiError::bad_request(format!(
                    "{kind} in version {:?} cannot be handled as a {}: {why}",
                    self.scope.target.version, resource.kind
                )));
            }
            return Err(ApiError::bad_request(format!(
                "{kind} in version {:?} cannot be handled as a {}: converting ({kind}) to ({}): unknown conversion",
                self.scope.target.version, resource.kind, resource.kind
            )));
        }
        Ok(())
    }

    fn check_custom_kind(&self, api_version: &str, kind: &str, wanted: &str) -> Result<()> {
        let resource = &self.scope.resource;
        if api_version.is_empty() || kind.is_empty() {
            let missing = if kind.is_empty() { "Kind" } else { "apiVersion" };
            return Err(ApiError::bad_request(format!(
                "the object provided is unrecognized (must be of type {}): Object '{missing}' is missing in '{}'",
                resource.kind,
                String::from_utf8_lossy(&self.call.input.bytes)
            )));
        }
        if api_version != wanted {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({api_version}) does not match the expected API version ({wanted})"
            )));
        }
        Ok(())
    }

    fn cannot_be_handled(&self, why: &str) -> ApiError {
        let kind = &self.scope.resource.kind;
        let version = &self.scope.target.version;
        ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    }

    /// A PUT must name the object, though the path does so too.
    pub(super) fn check_has_name(&self, object: &Value) -> Result<()> {
        if !text(object, "/metadata/name").is_empty() {
            return Ok(());
        }
        Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            self.scope.target.name
        )))
    }

    /// The object's name must be that of the path, its namespace too.
    pub(super) fn check_name(&self, object: &Value) -> Result<()> {
        let target = &self.scope.target;
        let name = text(object, "/metadata/name");
        if !name.is_empty() && name != target.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                target.name
            )));
        }
        let namespace = text(object, "/metadata/namespace");
        if self.scope.resource.namespaced && !namespace.is_empty() && namespace != target.namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        Ok(())
    }
}

/// Decodes an object in the version asked for; returns the unknown fields.
fn decode_object(scope: &Scope, object: &mut Value) -> Result<Vec<String>, String> {
    let resource = &scope.resource;
    let version = &scope.target.version;
    let api_version = resource.api_version(version);
    let map = map_of(object);
    map.insert("apiVersion".into(), api_version.clone().into());
    map.insert("kind".into(), resource.kind.clone().into());
    if !resource.strategy.is_custom() {
        return Ok(decode(resource.ty(version), &api_version, &resource.kind, object)?.unknown);
    }
    let mut unknown = decode_metadata(&resource.kind, object)?.unknown;
    if let Some(schema) = resource.version(version).and_then(|v| v.schema.as_ref()) {
        unknown.extend(schema.prune(object));
    }
    unknown.sort_unstable();
    Ok(unknown)
}

/// The body as an error shows it.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok("") => "<empty>".to_owned(),
        Ok(text) if text.starts_with('{') => text.to_owned(),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
