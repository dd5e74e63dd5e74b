//! What is special about a kind.

use std::fmt;

use herald_apiserver_schema::Cause;
use serde_json::Value;

use crate::api::Api;
use crate::error::Result;
use crate::store::Object;

/// Which part of an object a write changes.
pub(crate) use herald_apiserver_schema::Part;

/// What is special about a kind. Every method has the answer that suits a kind about which nothing is.
///
/// Values are in the storage version unless a version is named. A write calls, in this order: `to_storage`, `decode`,
/// `prepare_for_create` or `prepare_for_update`, `validate`, `allocate`, and after the write `written`.
pub(crate) trait Strategy: fmt::Debug + Send + Sync {
    /// Whether the same version name has two forms (core and `events.k8s.io` events).
    fn converts(&self) -> bool {
        false
    }

    /// Turns a served version into the storage version (`apiVersion` aside).
    fn to_storage(&self, _version: &str, _object: &mut Value) {}

    /// Turns the storage version into a served version (`apiVersion` aside).
    fn from_storage(&self, _version: &str, _object: &mut Value) {}

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

/// A kind about which nothing is special.
#[derive(Debug)]
pub(crate) struct Plain;

impl Strategy for Plain {}
