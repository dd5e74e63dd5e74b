//! Writes: create, update and patch.
//!
//! All of them are one pipeline; they differ in how the new object comes about.
//!
//! ```text
//! POST   body ───────────────┐
//! PUT    body ───────────────┤                                     ┌─ create: system fields, prepare, validate, allocate
//! PATCH  live ∘ patch ───────┼─▶ decode ─▶ default ─▶ who owns it ─┤
//! APPLY  live ∪ configuration┘                                     └─ replace: preconditions, prepare, validate, allocate
//! ```
//!
//! An update reads the object, makes the new one and writes it on the condition that nobody else came between; if
//! somebody did, it starts anew.

mod decoding;
mod finalize;
mod patching;
mod storing;

use std::sync::Arc;

use herald_apiserver_patch::managed;
use herald_apiserver_patch::types::Type;
use serde_json::Value;

use super::Scope;
use super::form::View;
use super::options::{Operation, WriteOptions};
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call, Negotiated};
use crate::meta::time_now;
use crate::registry::Part;
use crate::store::Object;
use patching::Patch;

pub(super) async fn create(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    if scope.resource.namespaced && scope.target.namespace.is_empty() || !scope.target.name.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let mut writer = Writer::new(api, scope, call, Operation::Create)?;
    let object = writer.decode_body()?;
    let object = writer.complete(object, None)?;
    let stored = writer.insert(object).await?;
    writer.answer(201, &stored)
}

pub(super) async fn update(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    if scope.target.name.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let mut writer = Writer::new(api, scope, call, Operation::Update)?;
    if scope.target.subresource == "finalize" {
        let object = writer.finalize().await?;
        return writer.answer(200, &object);
    }
    let body = writer.decode_body()?;
    writer.check_has_name(&body)?;
    writer.check_name(&body)?;
    loop {
        let old = writer.live();
        storing::check_uid(&writer, &body, old.as_deref())?;
        let Some(old) = old else {
            if !scope.resource.strategy.creates_on_update() {
                return Err(ApiError::not_found(scope.resource.about(), &scope.target.name));
            }
            let object = writer.complete(body, None)?;
            let stored = writer.insert_named(object).await?;
            return writer.answer(201, &stored);
        };
        storing::check_revision(&writer, &body, &old)?;
        let object = writer.complete(body.clone(), Some(&old))?;
        if let Some(stored) = writer.replace(&old, object).await? {
            return writer.answer(200, &stored);
        }
    }
}

pub(super) async fn patch(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    if scope.target.name.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let patch = Patch::read(scope, call)?;
    let mut writer = Writer::new(api, scope, call, Operation::Patch)?;
    writer.options.check_patch(matches!(patch, Patch::Apply(_)))?;
    loop {
        let old = writer.live();
        match &old {
            None if !matches!(patch, Patch::Apply(_)) => {
                return Err(ApiError::not_found(scope.resource.about(), &scope.target.name));
            }
            None => {
                let object = writer.patched(&patch, None)?;
                writer.check_name(&object)?;
                storing::check_applied_uid(&writer, &object)?;
                let stored = writer.insert_named(object).await?;
                return writer.answer(201, &stored);
            }
            Some(old) => {
                let object = writer.patched(&patch, Some(old))?;
                writer.check_name(&object)?;
                storing::check_patched_revision(&writer, &object, old)?;
                if let Some(stored) = writer.replace(old, object).await? {
                    return writer.answer(200, &stored);
                }
            }
        }
    }
}

/// One write while it is served.
pub(super) struct Writer<'a> {
    api: &'a Api,
    scope: &'a Scope,
    call: &'a Call,
    options: WriteOptions,
    warnings: Vec<String>,
    now: String,
}

impl<'a> Writer<'a> {
    fn new(api: &'a Api, scope: &'a Scope, call: &'a Call, operation: Operation) -> Result<Self> {
        Negotiated::from_headers(&call.headers).form()?;
        let options = WriteOptions::parse(&call.query, operation)?;
        let mut warnings = Vec::new();
        if let Some(version) = scope.resource.version(&scope.target.version) {
            warnings.extend(version.warning.clone());
        }
        Ok(Self { api, scope, call, options, warnings, now: time_now() })
    }

    /// The object as it is stored.
    fn live(&self) -> Option<Arc<Object>> {
        self.api.store.get(&self.scope.resource.collection, &self.scope.key())
    }

    /// What the kind's lists and fields mean, in the version asked for.
    fn ty(&self) -> &'a Type {
        self.scope.resource.ty(&self.scope.target.version)
    }

    /// From an object in the version asked for to one that can be stored: defaults, and who owns what.
    fn complete(&self, object: Value, old: Option<&Object>) -> Result<Value> {
        let object = self.defaulted(object);
        Ok(self.owned(object, old))
    }

    /// Into the storage version, with defaults.
    fn defaulted(&self, mut object: Value) -> Value {
        let resource = &self.scope.resource;
        resource.to_storage(&self.scope.target.version, &mut object);
        resource.strategy.set_defaults(&mut object);
        object
    }

    /// Records in managedFields what this write (which is no apply) changes.
    fn owned(&self, mut object: Value, old: Option<&Object>) -> Value {
        let resource = &self.scope.resource;
        let version = &self.scope.target.version;
        let api_version = resource.api_version(version);
        let scope = self.managed_scope();
        let write = self.managed_write(&api_version, &scope);
        let live = match old {
            Some(old) => resource.value_in(version, old),
            None => herald_apiserver_patch::empty_object(&api_version, &resource.kind),
        };
        if resource.is_stored_form(version) {
            managed::update(&write, &live, &mut object);
            return object;
        }
        let mut shown = object.clone();
        resource.to_version(version, &mut shown);
        managed::update(&write, &live, &mut shown);
        let managed = shown.pointer_mut("/metadata/managedFields").map(Value::take);
        storing::set_metadata(&mut object, "managedFields", managed);
        object
    }

    fn managed_write<'b>(&'b self, api_version: &'b str, scope: &'b managed::Scope) -> managed::Write<'b> {
        managed::Write {
            ty: self.ty(),
            api_version,
            kind: &self.scope.resource.kind,
            subresource: Some(self.scope.target.subresource.as_str()).filter(|s| !s.is_empty()),
            manager: self.manager(),
            now: &self.now,
            scope,
        }
    }

    fn managed_scope(&self) -> managed::Scope {
        let resource = &self.scope.resource;
        let subresource = Some(self.scope.target.subresource.as_str()).filter(|s| !s.is_empty());
        if resource.strategy.is_custom() {
            managed::custom_resource_scope(resource.has_status(&self.scope.target.version), subresource)
        } else {
            managed::builtin_scope(&resource.kind, subresource)
        }
    }

    /// `fieldManager`, else what the User-Agent says before its first slash.
    fn manager(&self) -> &str {
        if let Some(manager) = &self.options.field_manager {
            return manager;
        }
        let agent = self.call.headers.get(::http::header::USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        match agent.split('/').next().unwrap_or_default() {
            "" => "unknown",
            program => program,
        }
    }

    fn answer(&self, status: u16, object: &Object) -> Result<Answer> {
        let view = View::of_call(self.scope, self.call, false)?;
        Ok(Answer::json_bytes(status, view.object(self.scope, object)).warnings(&self.warnings))
    }

    fn is_status(&self) -> bool {
        self.scope.part == Part::Status
    }
}
