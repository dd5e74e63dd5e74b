//! CustomResourceDefinitions, and the resources they define.
//!
//! A definition goes through the hands of several controllers of kube-apiserver before its resource is served. Here
//! they run one after another, at once, but with the same writes, so that a watcher sees the same story:
//!
//! ```text
//! POST ──▶ status: no conditions            (validation, defaults)
//!          status: NamesAccepted=True       (names: is anything else called that?)
//!          status: Established=True         (now it is served)
//! DELETE ▶ status: Terminating=True, finalizer customresourcecleanup.apiextensions.k8s.io
//!          instances are deleted, then the definition; its resource is served no longer
//! ```

mod custom;
mod defaults;
mod lifecycle;
mod names;
mod serve;
mod validation;

pub(crate) use custom::{Custom, check_kind};
pub(crate) use serve::priority;

use herald_apiserver_schema::Cause;
use serde_json::Value;

use crate::api::Api;
use crate::registry::{Part, Strategy};
use crate::store::Object;

/// Where definitions are stored.
pub(crate) const COLLECTION: &str = "apiextensions.k8s.io/customresourcedefinitions";

/// The strategy of CustomResourceDefinitions.
#[derive(Debug)]
pub(crate) struct Definitions;

impl Strategy for Definitions {
    fn set_defaults(&self, object: &mut Value) {
        defaults::set(object);
    }

    fn prepare_for_create(&self, object: &mut Value) {
        defaults::prepare_for_create(object);
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        defaults::prepare_for_update(object, old, part);
    }

    fn validate(&self, object: &Value, old: Option<&Value>, part: Part) -> Vec<Cause> {
        match part {
            Part::Object => validation::definition(object, old),
            Part::Status => validation::stored_versions(object),
        }
    }

    fn begin_deletion(&self, object: &mut Value) {
        defaults::begin_deletion(object);
    }

    fn deletes_in_its_own_way(&self) -> bool {
        true
    }

    fn delete_returns_object(&self) -> bool {
        true
    }

    fn written(&self, api: &Api, old: Option<&Object>, new: Option<&Object>) {
        lifecycle::continue_from(api, old, new);
    }
}

/// The items of a list field, none when it is absent.
fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
