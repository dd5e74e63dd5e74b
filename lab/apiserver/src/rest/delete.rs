//! Delete and deletecollection.
//!
//! An object with finalizers (its own, or those that the propagation policy adds) is only marked; whoever put the
//! finalizers there takes them away, and the write that takes the last one removes the object.

use std::sync::Arc;

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::Scope;
use super::form::View;
use super::options::{ListOptions, dry_run, invalid_options};
use super::read::list_metadata;
use super::select::{check, selected};
use crate::api::Api;
use crate::error::{About, ApiError, Result};
use crate::http::{Answer, Call};
use crate::meta::{name, namespace, section_mut, time_now, uid};
use crate::registry::has_deletion_timestamp;
use crate::store::{Changed, Expect, Object};

pub(super) async fn delete(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let view = View::of_call(scope, call, false)?;
    let options = DeleteOptions::read(call)?;
    let resource = &scope.resource;
    if resource.group.is_empty()
        && resource.plural == "namespaces"
        && ["default", "kube-system", "kube-public"].contains(&scope.target.name.as_str())
    {
        return Err(forbidden(scope, "this namespace may not be deleted"));
    }
    let deletion = delete_one(api, scope, &scope.key(), &options).await?;
    Ok(match deletion {
        Deletion::Begun(object) => Answer::json_bytes(200, view.object(scope, &object)),
        Deletion::Done(object) if resource.strategy.delete_returns_object() => {
            Answer::json_bytes(200, view.object(scope, &object))
        }
        Deletion::Done(object) => Answer::json(200, &deleted(scope, &object.value)),
    })
}

pub(super) async fn delete_collection(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let options = DeleteOptions::read(call)?;
    let selection = ListOptions::parse(&call.query, false)?;
    check(scope, &selection)?;
    let view = View::of_call(scope, call, false)?;
    let mut snapshot = api.store.list(&scope.resource.collection, &scope.prefix());
    snapshot.objects.retain(|object| selected(scope, &selection, object));
    for object in &snapshot.objects {
        let key = crate::store::key(namespace(&object.value), name(&object.value));
        match delete_one(api, scope, &key, &options).await {
            Ok(_) => {}
            Err(error) if error.code == 404 => {} // somebody else was faster
            Err(error) => return Err(error),
        }
    }
    let metadata = list_metadata(scope, call, snapshot.revision);
    Ok(Answer::json_bytes(200, view.list(scope, metadata, &snapshot.objects)))
}

/// What became of an object.
enum Deletion {
    /// Marked: somebody has to clean up first.
    Begun(Arc<Object>),
    /// Gone.
    Done(Arc<Object>),
}

async fn delete_one(api: &Api, scope: &Scope, key: &str, options: &DeleteOptions) -> Result<Deletion> {
    let resource = &scope.resource;
    loop {
        let not_found = || ApiError::not_found(resource.about(), key.rsplit('/').next().unwrap_or_default());
        let old = api.store.get(&resource.collection, key).ok_or_else(not_found)?;
        options.check_preconditions(scope, &old)?;
        let mut marked = old.value.clone();
        options.mark(scope, &mut marked);
        if resource.strategy.is_finished(&marked) {
            if options.dry_run {
                return Ok(Deletion::Done(old));
            }
            api.pace.write(&api.ids).await;
            let last = resource.strategy.graceful_seconds(&old.value).map(|_| marked);
            match api.store.delete(&resource.collection, key, old.revision, last) {
                Ok(gone) => {
                    resource.strategy.written(api, Some(&old), None);
                    return Ok(Deletion::Done(gone));
                }
                Err(Changed(_)) => continue,
            }
        }
        if marked == old.value {
            return Ok(Deletion::Begun(old));
        }
        if options.dry_run {
            return Ok(Deletion::Begun(Arc::new(Object::unsaved(marked))));
        }
        api.pace.write(&api.ids).await;
        if let Ok(stored) = api.store.put(&resource.collection, key, Expect::At(old.revision), marked) {
            resource.strategy.written(api, Some(&old), Some(&stored));
            return Ok(Deletion::Begun(stored));
        }
    }
}

/// The Status that answers a deletion.
fn deleted(scope: &Scope, object: &Value) -> Value {
    let resource = &scope.resource;
    let mut details = json!({"name": name(object), "kind": resource.plural, "uid": uid(object)});
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn forbidden(scope: &Scope, why: &str) -> ApiError {
    let about = scope.resource.about();
    let name = &scope.target.name;
    ApiError::new(403, "Forbidden", format!("{} {name:?} is forbidden: {why}", about.qualified()))
        .with_details(Value::Object(about.details(about.resource, name)))
}

/// `DeleteOptions`, from the body or the query.
#[derive(Debug, Default)]
struct DeleteOptions {
    uid: Option<String>,
    resource_version: Option<String>,
    grace: Option<i64>,
    policy: Option<String>,
    dry_run: bool,
}

impl DeleteOptions {
    fn read(call: &Call) -> Result<Self> {
        let body = if call.input.is_empty() {
            Value::Null
        } else {
            call.input.document().map_err(|error| match error.code {
                400 => ApiError::bad_request(format!("couldn't get version/kind; json parse error: {}", error.message)),
                _ => error,
            })?
        };
        let field = |name: &str| {
            let in_body = body.get(name).filter(|value| !value.is_null());
            let text = in_body.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            text.or_else(|| call.query.get(name).map(str::to_owned))
        };
        let precondition = |name: &str| {
            body.get("preconditions").and_then(|wanted| wanted.get(name)).and_then(Value::as_str).map(str::to_owned)
        };
        let mut causes = Vec::new();
        let dry_run = dry_run(&call.query, &mut causes) || body.get("dryRun").is_some_and(Value::is_array);
        let policy = field("propagationPolicy");
        if let Some(given) = &policy {
            if field("orphanDependents").is_some() {
                let words = "orphanDependents and deletionPropagation cannot be both set";
                causes.push(Cause::invalid("propagationPolicy", &json!(given), words));
            } else if !["Foreground", "Background", "Orphan"].contains(&given.as_str()) {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                causes.push(Cause::not_supported("propagationPolicy", &json!(given), &supported));
            }
        }
        if !causes.is_empty() {
            return Err(invalid_options("DeleteOptions", &causes));
        }
        Ok(Self {
            uid: precondition("uid"),
            resource_version: precondition("resourceVersion"),
            grace: field("gracePeriodSeconds").and_then(|seconds| seconds.parse().ok()),
            policy,
            dry_run,
        })
    }

    fn check_preconditions(&self, scope: &Scope, object: &Object) -> Result<()> {
        let resource = &scope.resource;
        let about = About { resource: &resource.kind, ..resource.about() };
        let there = uid(&object.value);
        let object_name = name(&object.value);
        if let Some(wanted) = self.uid.as_deref().filter(|wanted| *wanted != there) {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({there}). The object might \
                 have been deleted and then recreated"
            );
            return Err(ApiError::conflict(about, object_name, why));
        }
        let there = object.revision.to_string();
        if let Some(wanted) = self.resource_version.as_deref().filter(|wanted| *wanted != there) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
                 ({there}). The object might have been modified"
            );
            return Err(ApiError::conflict(about, object_name, why));
        }
        Ok(())
    }

    /// Marks the object as being deleted, as far as it is not yet.
    fn mark(&self, scope: &Scope, object: &mut Value) {
        let strategy = &scope.resource.strategy;
        let default_grace = strategy.graceful_seconds(object);
        let grace = default_grace.map_or(0, |default| self.grace.unwrap_or(default));
        if has_deletion_timestamp(object) {
            let metadata = section_mut(object, "metadata");
            let left = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
            if left.is_some_and(|left| grace < left) {
                metadata.insert("deletionGracePeriodSeconds".into(), json!(grace));
            }
            return;
        }
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
        let metadata = section_mut(object, "metadata");
        match self.policy.as_deref() {
            Some("Orphan") => add_finalizer(metadata, "orphan"),
            Some("Foreground") => add_finalizer(metadata, "foregroundDeletion"),
            _ => {}
        }
        metadata.insert("deletionTimestamp".into(), time_now().into());
        if !strategy.deletes_in_its_own_way() {
            metadata.insert("deletionGracePeriodSeconds".into(), json!(grace));
            if let Some(generation) = generation.filter(|generation| *generation > 0) {
                metadata.insert("generation".into(), json!(generation + 1));
            }
        }
        strategy.begin_deletion(object);
    }
}

fn add_finalizer(metadata: &mut serde_json::Map<String, Value>, finalizer: &str) {
    let list = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Value::Array(list) = list
        && !list.iter().any(|there| there == finalizer)
    {
        list.push(finalizer.into());
    }
}
