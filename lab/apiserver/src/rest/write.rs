//! Create, update and patch.

use serde_json::{Value, json};

use super::Scope;
use super::options::WriteOptions;
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call};
use crate::meta::{map_of, name, section, section_mut, text, time_now};
use crate::registry::Part;
use crate::store::{Changed, Expect, Object};

pub(super) async fn create(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let options = WriteOptions::parse(&call.query)?;
    let resource = &scope.resource;
    let mut object = call.input.document()?;
    to_storage(scope, &mut object);
    {
        let metadata = section_mut(&mut object, "metadata");
        if let Some(prefix) = metadata.get("generateName").and_then(Value::as_str)
            && metadata.get("name").and_then(Value::as_str).unwrap_or_default().is_empty()
        {
            let generated = format!("{prefix}{}", api.ids.suffix());
            metadata.insert("name".into(), generated.into());
        }
        metadata.insert("uid".into(), api.ids.uid().into());
        metadata.insert("creationTimestamp".into(), time_now().into());
        if resource.namespaced {
            metadata.insert("namespace".into(), scope.target.namespace.clone().into());
        }
    }
    resource.strategy.set_defaults(&mut object);
    resource.strategy.prepare_for_create(&mut object);
    let causes = resource.strategy.validate(&object, None, Part::Object);
    if !causes.is_empty() {
        return Err(ApiError::invalid(resource.about(), name(&object), &causes));
    }
    let object_name = name(&object).to_owned();
    let key = crate::store::key(crate::meta::namespace(&object), &object_name);
    resource.strategy.allocate(api, &mut object, None)?;
    if options.dry_run {
        return Ok(Answer::json(201, &object));
    }
    api.pace.write(&api.ids).await;
    let stored = api
        .store
        .put(&resource.collection, &key, Expect::Absent, object)
        .map_err(|_| ApiError::already_exists(resource.about(), &object_name))?;
    resource.strategy.written(api, None, Some(&stored));
    Ok(answer(scope, 201, &stored))
}

pub(super) async fn update(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let mut body = call.input.document()?;
    to_storage(scope, &mut body);
    change(api, scope, call, |_| Ok(body.clone())).await
}

pub(super) async fn patch(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let patch = call.input.yaml()?;
    change(api, scope, call, |current| {
        let mut new = current.clone();
        merge(&mut new, &patch);
        Ok(new)
    })
    .await
}

/// Reads, changes and writes an object until nobody else came between.
async fn change(api: &Api, scope: &Scope, call: &Call, make: impl Fn(&Value) -> Result<Value>) -> Result<Answer> {
    let options = WriteOptions::parse(&call.query)?;
    let resource = &scope.resource;
    let key = scope.key();
    api.pace.write(&api.ids).await;
    loop {
        let old = api
            .store
            .get(&resource.collection, &key)
            .ok_or_else(|| ApiError::not_found(resource.about(), &scope.target.name))?;
        let mut new = make(&old.value)?;
        let wanted = text(&new, "/metadata/resourceVersion");
        if !wanted.is_empty() && wanted != text(&old.value, "/metadata/resourceVersion") {
            return Err(ApiError::modified(resource.about(), &scope.target.name));
        }
        keep(&mut new, &old.value, scope.part);
        resource.strategy.set_defaults(&mut new);
        resource.strategy.prepare_for_update(&mut new, &old.value, scope.part);
        let causes = resource.strategy.validate(&new, Some(&old.value), scope.part);
        if !causes.is_empty() {
            return Err(ApiError::invalid(resource.about(), name(&new), &causes));
        }
        if new == old.value {
            return Ok(answer(scope, 200, &old));
        }
        if options.dry_run {
            return Ok(Answer::json(200, &new));
        }
        match api.store.put(&resource.collection, &key, Expect::At(old.revision), new) {
            Ok(stored) => {
                resource.strategy.written(api, Some(&old), Some(&stored));
                return Ok(answer(scope, 200, &stored));
            }
            Err(Changed(_)) => {}
        }
    }
}

/// Keeps what this write may not change.
fn keep(new: &mut Value, old: &Value, part: Part) {
    let old_meta = section(old, "metadata");
    match part {
        Part::Object => {
            if let Some(status) = old.get("status") {
                map_of(new).insert("status".into(), status.clone());
            }
        }
        Part::Status => {
            let status = new.get("status").cloned();
            let mut kept = old.clone();
            if let Some(status) = status {
                map_of(&mut kept).insert("status".into(), status);
            }
            *new = kept;
        }
    }
    let metadata = section_mut(new, "metadata");
    for field in ["uid", "creationTimestamp", "resourceVersion", "generation", "namespace", "name"] {
        match old_meta.get(field) {
            Some(value) => metadata.insert(field.into(), value.clone()),
            None => metadata.remove(field),
        };
    }
}

fn to_storage(scope: &Scope, object: &mut Value) {
    let resource = &scope.resource;
    resource.strategy.to_storage(&scope.target.version, object);
    let map = map_of(object);
    map.insert("apiVersion".into(), resource.api_version(&resource.storage).into());
    map.insert("kind".into(), json!(resource.kind));
}

fn answer(scope: &Scope, status: u16, object: &Object) -> Answer {
    let form = super::form::View::new(scope, crate::http::Form::Full);
    Answer::json_bytes(status, form.object(object))
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    let target = map_of(target);
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
