//! What happens to a definition after it was written.

use std::sync::Arc;

use serde_json::{Value, json};

use super::defaults::{CLEANUP, is_true, set_condition};
use super::names::{Taken, judge};
use super::{COLLECTION, items, serve};
use crate::api::Api;
use crate::meta::{map_of, name, section_mut, text, time_now};
use crate::store::{Expect, Object};

/// Carries on where a write left off: names, serving, deletion.
pub(super) fn continue_from(api: &Api, old: Option<&Object>, new: Option<&Object>) {
    match new {
        Some(new) if text(&new.value, "/metadata/deletionTimestamp").is_empty() => {
            establish(api, new);
            if old.is_some_and(|old| old.value.get("spec") != new.value.get("spec")) {
                reread(api, &new.value);
            }
        }
        Some(new) => {
            let had_begun = old.is_some_and(|old| !text(&old.value, "/metadata/deletionTimestamp").is_empty());
            if !had_begun {
                delete_instances(api, new);
            }
        }
        None => {
            if let Some(old) = old {
                withdraw(api, &old.value);
            }
        }
    }
}

/// Accepts the names, then serves the resource: two writes of status, none if nothing changes.
fn establish(api: &Api, definition: &Object) {
    let Some(named) = update(api, &definition.value, |value| accept_names(api, value)) else { return };
    let established = update(api, &named.value, |value| {
        if is_true(value, "NamesAccepted") {
            let message = "the initial names have been accepted";
            set_condition(value, "Established", "True", "InitialNamesAccepted", message);
        }
    });
    let Some(established) = established else { return };
    if is_true(&established.value, "Established")
        && let Some(resource) = serve::resource(&established.value)
    {
        api.registry.insert(resource);
    }
}

fn accept_names(api: &Api, definition: &mut Value) {
    let mut taken = Taken::default();
    for other in &api.store.list(COLLECTION, "").objects {
        let same_group = text(&other.value, "/spec/group") == text(definition, "/spec/group");
        if same_group && name(&other.value) != name(definition) {
            taken.add(&other.value);
        }
    }
    let verdict = judge(definition, &taken);
    section_mut(definition, "status").insert("acceptedNames".into(), verdict.accepted);
    match &verdict.conflict {
        None => set_condition(definition, "NamesAccepted", "True", "NoConflicts", "no conflicts found"),
        Some((reason, message)) => set_condition(definition, "NamesAccepted", "False", reason, message),
    }
    if is_true(definition, "Established") {
        return; // a resource that was served once is not taken away again
    }
    match verdict.conflict {
        None => {
            let message = "the initial names have been accepted";
            set_condition(definition, "Established", "False", "Installing", message);
        }
        Some(_) => set_condition(definition, "Established", "False", "NotAccepted", "not all names are accepted"),
    }
}

/// Deletes all instances, then the definition.
fn delete_instances(api: &Api, definition: &Object) {
    let value = &definition.value;
    let group = text(value, "/spec/group");
    let plural = text(value, "/spec/names/plural");
    let collection: Arc<str> = Arc::from(format!("{group}/{plural}"));
    let in_progress = |value: &mut Value| {
        let message = "CustomResource deletion is in progress";
        set_condition(value, "Terminating", "True", "InstanceDeletionInProgress", message);
    };
    let served = is_true(value, "Established");
    let mut last = update(api, value, in_progress);
    if served && !api.store.list(&collection, "").objects.is_empty() {
        // The first attempt of a real server finds the storage of the resource being rebuilt, because the definition
        // has just changed; it reports so and tries again.
        let failed = |value: &mut Value| {
            let message = "could not list instances: storage is (re)initializing";
            set_condition(value, "Terminating", "True", "InstanceDeletionFailed", message);
        };
        last = last.and_then(|last| update(api, &last.value, failed));
        last = last.and_then(|last| update(api, &last.value, in_progress));
    }
    for instance in &api.store.list(&collection, "").objects {
        delete_instance(api, &collection, instance);
    }
    if last.is_some() {
        finish(api, name(value));
    }
}

/// Deletes an instance, or marks it if finalizers keep it.
fn delete_instance(api: &Api, collection: &Arc<str>, instance: &Arc<Object>) {
    let key = crate::store::key(crate::meta::namespace(&instance.value), name(&instance.value));
    let mut current = Arc::clone(instance);
    loop {
        let has_finalizers =
            current.value.get("metadata").is_some_and(|metadata| !items(metadata, "finalizers").is_empty());
        let done = if !has_finalizers {
            api.store.delete(collection, &key, current.revision, None)
        } else if text(&current.value, "/metadata/deletionTimestamp").is_empty() {
            let mut marked = current.value.clone();
            let metadata = section_mut(&mut marked, "metadata");
            metadata.insert("deletionTimestamp".into(), time_now().into());
            metadata.insert("deletionGracePeriodSeconds".into(), json!(0));
            api.store.put(collection, &key, Expect::At(current.revision), marked)
        } else {
            return;
        };
        match done {
            Err(changed) => match changed.0 {
                Some(now) => current = now,
                None => return,
            },
            Ok(_) => return,
        }
    }
}

/// An instance is gone: a definition that only waited for it goes too.
pub(super) fn instance_gone(api: &Api, definition: &str) {
    let Some(definition) = api.store.get(COLLECTION, definition) else { return };
    if !text(&definition.value, "/metadata/deletionTimestamp").is_empty() {
        finish(api, name(&definition.value));
    }
}

/// Lets a definition that is being deleted go, once it has no instances; finalizers of others may still keep it.
fn finish(api: &Api, definition: &str) {
    let Some(current) = api.store.get(COLLECTION, definition) else { return };
    let (group, plural) = (text(&current.value, "/spec/group"), text(&current.value, "/spec/names/plural"));
    if !api.store.list(&format!("{group}/{plural}"), "").objects.is_empty() {
        return;
    }
    withdraw(api, &current.value);
    let finalizers = current.value.get("metadata").map_or(&[][..], |metadata| items(metadata, "finalizers"));
    if finalizers.iter().any(|finalizer| finalizer != CLEANUP) {
        update(api, &current.value, |value| {
            let finalizers = section_mut(value, "metadata").get_mut("finalizers").and_then(Value::as_array_mut);
            if let Some(finalizers) = finalizers {
                finalizers.retain(|finalizer| finalizer != CLEANUP);
            }
        });
        return;
    }
    let definitions: Arc<str> = Arc::from(COLLECTION);
    if api.store.delete(&definitions, definition, current.revision, None).is_ok() {
        reconsider(api, group);
    }
}

/// The schema or the storage version changed: objects that are there are read by what holds now.
fn reread(api: &Api, definition: &Value) {
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    let Some(resource) = api.registry.get(group, plural) else { return };
    api.store.reread(&resource.collection, |object| {
        map_of(object).insert("apiVersion".into(), resource.api_version(&resource.storage).into());
        resource.strategy.set_defaults(object);
    });
}

/// Ceases to serve the resource of a definition.
fn withdraw(api: &Api, definition: &Value) {
    api.registry.remove(text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
}

/// Names became free: definitions that waited for them may have them.
fn reconsider(api: &Api, group: &str) {
    for other in &api.store.list(COLLECTION, "").objects {
        let waits = text(&other.value, "/spec/group") == group && !is_true(&other.value, "NamesAccepted");
        if waits && text(&other.value, "/metadata/deletionTimestamp").is_empty() {
            establish(api, other);
        }
    }
}

/// Changes a definition in the store, over whatever is there now; nothing is written when nothing changes. `None` when
/// it is gone.
fn update(api: &Api, definition: &Value, change: impl Fn(&mut Value)) -> Option<Arc<Object>> {
    let collection: Arc<str> = Arc::from(COLLECTION);
    loop {
        let current = api.store.get(&collection, name(definition))?;
        let mut changed = current.value.clone();
        if changed.get("status").is_none_or(Value::is_null) {
            map_of(&mut changed).insert("status".into(), json!({}));
        }
        change(&mut changed);
        if changed == current.value {
            return Some(current);
        }
        if let Ok(stored) = api.store.put(&collection, name(definition), Expect::At(current.revision), changed) {
            return Some(stored);
        }
    }
}
