//! What is special about a kind.

use std::fmt;

use herald_apiserver_schema::Cause;
use serde_json::Value;

use crate::api::Api;
use crate::error::Result;
use crate::meta::validation::NameRule;
use crate::store::Object;

/// Which part of an object a write changes.
pub(crate) use herald_apiserver_schema::Part;

/// What is special about a kind. Every method has the answer that suits a kind about which nothing is.
///
/// Values are in the storage version unless a version is named. A write calls, in this order: `to_storage`,
/// `set_defaults`, `allocate`, `prepare_for_create` or `prepare_for_update`, `validate`, `warnings`, and after the write
/// `written` or, if it was not done, `abandon`.
pub(crate) trait Strategy: fmt::Debug + Send + Sync {
    /// Whether the same version name has two forms (core and `events.k8s.io` events).
    fn converts(&self) -> bool {
        false
    }

    /// Turns a served version into the storage version (`apiVersion` aside).
    fn to_storage(&self, _version: &str, _object: &mut Value) {}

    /// Turns the storage version into a served version (`apiVersion` aside).
    fn to_served(&self, _version: &str, _object: &mut Value) {}

    /// Fills in defaults of an object that came from a client.
    fn set_defaults(&self, _object: &mut Value) {}

    /// Removes what a client may not set on a new object, fills in what it need not.
    fn prepare_for_create(&self, _object: &mut Value) {}

    /// The same for a change: keeps what this kind of write may not touch, and counts the generation.
    fn prepare_for_update(&self, _object: &mut Value, _old: &Value, _part: Part) {}

    /// What is wrong with the object.
    fn validate(&self, _object: &Value, _old: Option<&Value>, _part: Part) -> Vec<Cause> {
        Vec::new()
    }

    /// Takes what the object needs and others may not have at the same time (addresses, ports).
    ///
    /// # Errors
    /// When it is taken already, or there is none left.
    fn allocate(&self, _api: &Api, _object: &mut Value, _old: Option<&Value>) -> Result<()> {
        Ok(())
    }

    /// What the first DELETE of an object does to it beside setting `metadata.deletionTimestamp`: kinds that clean up
    /// after themselves add their finalizer here. An object without finalizers is gone at once.
    fn begin_deletion(&self, _object: &mut Value) {}

    /// What is to be said about an object that is accepted: texts of `Warning` headers.
    fn warnings(&self, _object: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }

    /// Gives back what [`allocate`](Self::allocate) took for a write that was not done.
    fn abandon(&self, _api: &Api, _object: &Value, _old: Option<&Value>) {}

    /// Whether a deletion leaves `metadata.generation` alone and sets no grace period: kinds that kube-apiserver
    /// deletes with code of their own.
    fn deletes_in_its_own_way(&self) -> bool {
        false
    }

    /// How many seconds an object of this kind is given to end when the client does not say; `None` for kinds that
    /// end at once.
    fn graceful_seconds(&self, _object: &Value) -> Option<i64> {
        None
    }

    /// Whether an object that is being deleted may go now.
    fn is_finished(&self, object: &Value) -> bool {
        let grace = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
        has_deletion_timestamp(object) && !has_finalizers(object) && grace == 0
    }

    /// What names may be.
    fn name_rule(&self) -> NameRule {
        NameRule::Subdomain
    }

    /// Whether these are custom resources, whose schema a definition gives.
    fn is_custom(&self) -> bool {
        false
    }

    /// Told of every write that was done: `None` is absent.
    fn written(&self, _api: &Api, _old: Option<&Object>, _new: Option<&Object>) {}

    /// Whether a PUT on a name that is not there creates the object.
    fn creates_on_update(&self) -> bool {
        false
    }

    /// Whether a write without a resourceVersion may replace an object (a PUT; patches always may).
    fn unconditional_update(&self) -> bool {
        true
    }

    /// Whether DELETE answers with the object instead of a Status.
    fn delete_returns_object(&self) -> bool {
        false
    }

    /// The value of a field for field selectors; `None` if it cannot be selected by.
    fn selectable_field(&self, _object: &Value, _field: &str) -> Option<String> {
        None
    }
}

/// Whether deletion has begun.
pub(crate) fn has_deletion_timestamp(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string)
}

/// Whether somebody still has to clean up.
pub(crate) fn has_finalizers(object: &Value) -> bool {
    object.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// A kind about which nothing is special.
#[derive(Debug)]
pub(crate) struct Plain;

impl Strategy for Plain {}
