//! The resources that are served: a table of built-in ones, and those that CRDs define.

mod bootstrap;
mod builtin;
mod kinds;
mod service;
mod strategy;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use herald_apiserver_patch::Type;
use herald_apiserver_schema::Schema;

pub(crate) use bootstrap::bootstrap;
pub(crate) use strategy::{Part, Strategy, has_deletion_timestamp, has_finalizers};

use crate::error::About;
use crate::store::Object;

/// One resource: what discovery says about it, and how it behaves.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// API group, empty for core.
    pub(crate) group: String,
    /// Plural name, as in paths.
    pub(crate) plural: String,
    /// Singular name.
    pub(crate) singular: String,
    /// Kind.
    pub(crate) kind: String,
    /// Kind of a list.
    pub(crate) list_kind: String,
    /// Whether objects live in namespaces.
    pub(crate) namespaced: bool,
    /// Short names for kubectl.
    pub(crate) short_names: Vec<String>,
    /// Categories, such as `all`.
    pub(crate) categories: Vec<String>,
    /// Verbs of the resource itself.
    pub(crate) verbs: &'static [&'static str],
    /// The versions served, the preferred one first.
    pub(crate) versions: Vec<Version>,
    /// The version objects are stored in.
    pub(crate) storage: String,
    /// Where objects are stored; two resources may share a collection (`events`).
    pub(crate) collection: Arc<str>,
    /// What is special about the kind.
    pub(crate) strategy: Arc<dyn Strategy>,
}

/// One served version of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// `v1`, `v1beta1`, …
    pub(crate) name: String,
    /// Subresources.
    pub(crate) subresources: Vec<Subresource>,
    /// Schema of a custom resource.
    pub(crate) schema: Option<Arc<Schema>>,
    /// The same schema as the patches see it.
    pub(crate) ty: Option<Arc<Type>>,
    /// `additionalPrinterColumns` of a custom resource.
    pub(crate) columns: Vec<Value>,
    /// JSON paths of `selectableFields` of a custom resource.
    pub(crate) selectable: Vec<String>,
    /// Sent as a `Warning` with every answer.
    pub(crate) warning: Option<String>,
}

/// A subresource, as discovery shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subresource {
    /// `status`, `scale`, `token`, …
    pub(crate) name: String,
    /// Kind of its body; empty for that of the resource.
    pub(crate) kind: String,
    /// Verbs.
    pub(crate) verbs: Vec<&'static str>,
}

/// Verbs of resources that are stored.
pub(crate) const STORED_VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Verbs of a status subresource.
pub(crate) const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

impl Resource {
    /// For error messages.
    pub(crate) fn about(&self) -> About<'_> {
        About { group: &self.group, resource: &self.plural, kind: &self.kind }
    }

    /// For messages about what is wrong with an object: events are core events there, whatever group was asked.
    pub(crate) fn about_stored(&self) -> About<'_> {
        if self.strategy.converts() { About { group: "", ..self.about() } } else { self.about() }
    }

    /// `apiVersion` of objects in a version.
    pub(crate) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// A served version.
    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|v| v.name == name)
    }

    /// Turns a served version into the storage version.
    pub(crate) fn to_storage(&self, version: &str, value: &mut Value) {
        self.strategy.to_storage(version, value);
        if version != self.storage {
            crate::meta::map_of(value).insert("apiVersion".into(), self.api_version(&self.storage).into());
        }
    }

    /// What the fields and lists of a version mean.
    pub(crate) fn ty(&self, version: &str) -> &Type {
        let custom = self.version(version).and_then(|version| version.ty.as_deref());
        custom
            .or_else(|| herald_apiserver_patch::builtin(&self.api_version(version), &self.kind))
            .unwrap_or_else(|| herald_apiserver_patch::types::untyped())
    }

    /// Whether a version has a status subresource.
    pub(crate) fn has_status(&self, version: &str) -> bool {
        self.version(version).is_some_and(|version| version.subresources.iter().any(|sub| sub.name == "status"))
    }

    /// Where etcd would keep the objects, as error messages say it.
    pub(crate) fn registry_path(&self) -> String {
        match (self.group.as_str(), self.plural.as_str()) {
            ("", "services") => "services/specs".to_owned(),
            ("", "nodes") => "minions".to_owned(),
            (group, plural) if self.strategy.is_custom() => format!("{group}/{plural}"),
            (_, plural) => plural.to_owned(),
        }
    }

    /// An object of the storage version, as a value of another.
    pub(crate) fn value_in(&self, version: &str, object: &Object) -> Value {
        let mut value = object.value.clone();
        self.to_version(version, &mut value);
        value
    }

    /// Turns the storage version into another.
    pub(crate) fn to_version(&self, version: &str, value: &mut Value) {
        self.strategy.to_served(version, value);
        if version != self.storage || value.get("apiVersion").is_none() {
            crate::meta::map_of(value).insert("apiVersion".into(), self.api_version(version).into());
        }
    }

    /// Whether an object of the storage version is the same, byte for byte, in `version`.
    pub(crate) fn is_stored_form(&self, version: &str) -> bool {
        version == self.storage && !self.strategy.converts()
    }

    /// The value of a field for a field selector, or `None` if the field cannot be selected by.
    pub(crate) fn selectable_field(&self, version: &str, object: &Value, field: &str) -> Option<String> {
        match field {
            "metadata.name" => Some(crate::meta::name(object).to_owned()),
            "metadata.namespace" if self.namespaced => Some(crate::meta::namespace(object).to_owned()),
            other => {
                self.strategy.selectable_field(object, other).or_else(|| self.custom_field(version, object, other))
            }
        }
    }

    fn custom_field(&self, version: &str, object: &Value, field: &str) -> Option<String> {
        let known = self.version(version)?.selectable.iter();
        let path = known.map(|p| p.trim_start_matches('.')).find(|p| *p == field)?;
        let value = path.split('.').try_fold(object, |value, step| value.get(step));
        Some(match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
    }
}

/// All resources that are served, by group and plural name.
#[derive(Debug)]
pub(crate) struct Registry {
    resources: RwLock<BTreeMap<(String, String), Arc<Resource>>>,
}

impl Registry {
    /// The built-in resources.
    pub(crate) fn with_built_ins() -> Self {
        let resources =
            builtin::all().into_iter().map(|r| ((r.group.clone(), r.plural.clone()), Arc::new(r))).collect();
        Self { resources: RwLock::new(resources) }
    }

    /// A resource by group and plural name.
    pub(crate) fn get(&self, group: &str, plural: &str) -> Option<Arc<Resource>> {
        let resources = self.resources.read().unwrap_or_else(PoisonError::into_inner);
        resources.get(&(group.to_owned(), plural.to_owned())).cloned()
    }

    /// All resources, ordered by group and plural name.
    pub(crate) fn all(&self) -> Vec<Arc<Resource>> {
        let resources = self.resources.read().unwrap_or_else(PoisonError::into_inner);
        resources.values().cloned().collect()
    }

    /// Whether a group (in a version, if one is given) is served.
    pub(crate) fn serves(&self, group: &str, version: Option<&str>) -> bool {
        self.all().iter().any(|r| r.group == group && version.is_none_or(|v| r.version(v).is_some()))
    }

    /// Begins to serve a resource, or serves it in another way.
    pub(crate) fn insert(&self, resource: Resource) {
        let mut resources = self.resources.write().unwrap_or_else(PoisonError::into_inner);
        resources.insert((resource.group.clone(), resource.plural.clone()), Arc::new(resource));
    }

    /// Ceases to serve a resource.
    pub(crate) fn remove(&self, group: &str, plural: &str) {
        let mut resources = self.resources.write().unwrap_or_else(PoisonError::into_inner);
        resources.remove(&(group.to_owned(), plural.to_owned()));
    }
}
