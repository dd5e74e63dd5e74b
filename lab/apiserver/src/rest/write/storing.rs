//! The second half of a write: preconditions, what the server sets itself, validation, the store.

use std::sync::Arc;

use herald_apiserver_patch::managed::keep_timestamps;
use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use super::Writer;
use crate::error::{ApiError, Result};
use crate::meta::{map_of, name, section, section_mut, text, uid, validation};
use crate::registry::Part;
use crate::store::{Changed, Expect, Object};

/// Fields of metadata that only the server sets; a change keeps what they are.
const KEPT: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
];

impl Writer<'_> {
    /// Stores a new object under the name of the path.
    pub(super) async fn insert_named(&mut self, mut object: Value) -> Result<Arc<Object>> {
        let metadata = section_mut(&mut object, "metadata");
        metadata.insert("name".into(), self.scope.target.name.clone().into());
        metadata.remove("resourceVersion");
        self.insert(object).await
    }

    /// Stores a new object.
    pub(super) async fn insert(&mut self, mut object: Value) -> Result<Arc<Object>> {
        let (api, scope) = (self.api, self.scope);
        let resource = &scope.resource;
        if resource.namespaced {
            self.check_namespace(&object)?;
        }
        self.generate_name(&mut object);
        self.set_system_fields(&mut object);
        if scope.part == Part::Object {
            resource.strategy.allocate(api, &mut object, None)?;
        }
        resource.strategy.prepare_for_create(&mut object);
        let name = name(&object).to_owned();
        if let Err(error) = self.check_new(&object) {
            resource.strategy.abandon(api, &object, None);
            return Err(error);
        }
        self.warnings.extend(resource.strategy.warnings(&object, None));
        let key = scope.key_of(&name);
        if self.options.dry_run {
            resource.strategy.abandon(api, &object, None);
            return match api.store.get(&resource.collection, &key) {
                Some(there) => Err(self.exists(&name, &there)),
                None => Ok(Arc::new(Object::unsaved(object))),
            };
        }
        api.pace.write(&api.ids).await;
        let attempt = object.clone();
        match api.store.put(&resource.collection, &key, Expect::Absent, object) {
            Ok(stored) => {
                resource.strategy.written(api, None, Some(&stored));
                Ok(stored)
            }
            Err(Changed(there)) => {
                resource.strategy.abandon(api, &attempt, None);
                Err(there.map_or_else(ApiError::no_such_resource, |there| self.exists(&name, &there)))
            }
        }
    }

    fn check_new(&self, object: &Value) -> Result<()> {
        let resource = &self.scope.resource;
        let mut causes = validation::metadata(object, resource.strategy.name_rule());
        causes.extend(resource.strategy.validate(object, None, Part::Object));
        if !causes.is_empty() {
            return Err(ApiError::invalid(resource.about_stored(), name(object), &causes));
        }
        if !text(object, "/metadata/resourceVersion").is_empty() {
            return Err(ApiError::unknown("resourceVersion should not be set on objects to be created"));
        }
        crate::auth::check_escalation(self.api, &self.call.user, &self.scope.target, object)
    }

    fn exists(&self, name: &str, there: &Object) -> ApiError {
        let mut error = ApiError::already_exists(self.scope.resource.about(), name);
        if !text(&there.value, "/metadata/deletionTimestamp").is_empty() {
            error.message = format!("object is being deleted: {}", error.message);
        }
        error
    }

    /// New objects need a namespace that is there and stays.
    fn check_namespace(&self, object: &Value) -> Result<()> {
        let scope = self.scope;
        let given = text(object, "/metadata/namespace");
        if !given.is_empty() && given != scope.target.namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let (space, object) = (&scope.target.namespace, name(object));
        let Some(there) = self.api.store.get("namespaces", space) else {
            let namespaces = crate::error::About { group: "", resource: "namespaces", kind: "Namespace" };
            return Err(ApiError::not_found(namespaces, space));
        };
        if text(&there.value, "/metadata/deletionTimestamp").is_empty() {
            return Ok(());
        }
        let about = scope.resource.about();
        Err(ApiError::new(
            403,
            "Forbidden",
            format!(
                "{} {object:?} is forbidden: unable to create new content in namespace {space} because it is being \
                 terminated",
                about.qualified()
            ),
        )
        .with_details({
            let mut details = about.details(about.resource, object);
            let cause = format!("namespace {space} is being terminated");
            details.insert(
                "causes".into(),
                json!([{"reason": "NamespaceTerminating", "message": cause, "field": "metadata.namespace"}]),
            );
            Value::Object(details)
        }))
    }

    fn generate_name(&self, object: &mut Value) {
        let prefix = text(object, "/metadata/generateName").to_owned();
        if !prefix.is_empty() && name(object).is_empty() {
            // As long as a name may be, less the suffix.
            let prefix: String = prefix.chars().take(58).collect();
            let generated = format!("{prefix}{}", self.api.ids.suffix());
            section_mut(object, "metadata").insert("name".into(), generated.into());
        }
    }

    fn set_system_fields(&self, object: &mut Value) {
        let metadata = section_mut(object, "metadata");
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "namespace"] {
            metadata.remove(field);
        }
        metadata.insert("uid".into(), self.api.ids.uid().into());
        metadata.insert("creationTimestamp".into(), self.now.clone().into());
        if self.scope.resource.namespaced {
            metadata.insert("namespace".into(), self.scope.target.namespace.clone().into());
        }
    }

    /// Puts `new` in the place of `old`; `None` when somebody else came between.
    pub(super) async fn replace(&mut self, old: &Arc<Object>, mut new: Value) -> Result<Option<Arc<Object>>> {
        let (api, scope) = (self.api, self.scope);
        let resource = &scope.resource;
        let before = Some(&old.value);
        if let Err(error) = self.prepare_replacement(&mut new, &old.value) {
            resource.strategy.abandon(api, &new, before);
            return Err(error);
        }
        self.warnings.extend(resource.strategy.warnings(&new, before));
        section_mut(&mut new, "metadata").insert("resourceVersion".into(), old.revision.to_string().into());
        keep_timestamps(&old.value, &mut new);
        if new == old.value {
            return Ok(Some(Arc::clone(old)));
        }
        if self.options.dry_run {
            resource.strategy.abandon(api, &new, before);
            return Ok(Some(Arc::new(Object::unsaved(new))));
        }
        api.pace.write(&api.ids).await;
        let key = scope.key();
        if resource.strategy.is_finished(&new) {
            resource.strategy.abandon(api, &new, before);
            return Ok(match api.store.delete(&resource.collection, &key, old.revision, None) {
                Ok(_) => {
                    resource.strategy.written(api, Some(old), None);
                    Some(Arc::new(Object::unsaved(new)))
                }
                Err(Changed(_)) => None,
            });
        }
        let attempt = new.clone();
        match api.store.put(&resource.collection, &key, Expect::At(old.revision), new) {
            Ok(stored) => {
                resource.strategy.written(api, Some(old), Some(&stored));
                Ok(Some(stored))
            }
            Err(Changed(_)) => {
                resource.strategy.abandon(api, &attempt, before);
                Ok(None)
            }
        }
    }

    /// Makes `new` what is to be stored, or says why it may not be. What it took stays taken.
    fn prepare_replacement(&self, new: &mut Value, old: &Value) -> Result<()> {
        let (api, scope) = (self.api, self.scope);
        let resource = &scope.resource;
        // kube-apiserver checks metadata twice, before and in the kind's own validation, and says so twice.
        let mut causes = Vec::new();
        if !(self.is_status() && resource.strategy.is_custom()) {
            let of_metadata = validation::metadata_update(new, old);
            causes.extend(of_metadata.clone());
            causes.extend(of_metadata);
        }
        self.keep(new, old);
        if scope.part == Part::Object {
            resource.strategy.allocate(api, new, Some(old))?;
        }
        resource.strategy.prepare_for_update(new, old, scope.part);
        causes.extend(resource.strategy.validate(new, Some(old), scope.part));
        if !causes.is_empty() {
            return Err(ApiError::invalid(resource.about_stored(), &scope.target.name, &causes));
        }
        crate::auth::check_escalation(api, &self.call.user, &scope.target, new)
    }

    /// Keeps what this write may not touch.
    fn keep(&self, new: &mut Value, old: &Value) {
        let custom = self.scope.resource.strategy.is_custom();
        if self.is_status() {
            let mut kept = old.clone();
            let map = map_of(&mut kept);
            match new.get("status") {
                Some(status) => map.insert("status".into(), status.clone()),
                None => map.remove("status"),
            };
            let managed = new.pointer("/metadata/managedFields").cloned();
            if custom {
                set_metadata(&mut kept, "managedFields", managed);
            } else if let Some(metadata) = new.get_mut("metadata") {
                map_of(&mut kept).insert("metadata".into(), metadata.take());
            }
            *new = kept;
        }
        let metadata = section_mut(new, "metadata");
        for field in KEPT {
            match section(old, "metadata").get(field) {
                Some(value) => metadata.insert(field.into(), value.clone()),
                None => metadata.remove(field),
            };
        }
    }
}

/// Sets or removes a field of metadata.
pub(super) fn set_metadata(object: &mut Value, field: &str, value: Option<Value>) {
    let metadata = section_mut(object, "metadata");
    match value {
        Some(value) => metadata.insert(field.into(), value),
        None => metadata.remove(field),
    };
}

/// A PUT that names a uid means that object and no other.
pub(super) fn check_uid(writer: &Writer<'_>, body: &Value, old: Option<&Object>) -> Result<()> {
    let resource = &writer.scope.resource;
    let wanted = uid(body);
    let there = old.map(|old| uid(&old.value)).unwrap_or_default();
    if wanted.is_empty() || wanted == there || (old.is_none() && !resource.strategy.creates_on_update()) {
        return Ok(());
    }
    let path = writer.scope.key();
    Err(ApiError::conflict(
        resource.about(),
        &writer.scope.target.name,
        format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{path}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {wanted}, UID in object meta: {there}",
            resource.registry_path()
        ),
    ))
}

/// An apply that names a uid means that object; it does not make a new one.
pub(super) fn check_applied_uid(writer: &Writer<'_>, object: &Value) -> Result<()> {
    match uid(object) {
        "" => Ok(()),
        wanted => Err(ApiError::conflict(
            writer.scope.resource.about(),
            &writer.scope.target.name,
            format!("uid mismatch: the provided object specified uid {wanted}, and no existing object was found"),
        )),
    }
}

/// A PUT replaces the version it names; some kinds insist on its naming one.
pub(super) fn check_revision(writer: &Writer<'_>, body: &Value, old: &Object) -> Result<()> {
    let resource = &writer.scope.resource;
    let wanted = text(body, "/metadata/resourceVersion");
    if wanted.is_empty() && !resource.strategy.unconditional_update() {
        let about = resource.about();
        let about = crate::error::About { kind: about.resource, ..about };
        let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        return Err(ApiError::invalid(about, &writer.scope.target.name, &[cause]));
    }
    check_patched_revision(writer, body, old)
}

/// A patch may name the version it is meant for.
pub(super) fn check_patched_revision(writer: &Writer<'_>, object: &Value, old: &Object) -> Result<()> {
    let wanted = text(object, "/metadata/resourceVersion");
    if wanted.is_empty() || wanted == old.revision.to_string() {
        Ok(())
    } else {
        Err(ApiError::modified(writer.scope.resource.about(), &writer.scope.target.name))
    }
}
