//! The schemas of built-in kinds, from the types of the `k8s-openapi` crate.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::api::authentication::v1 as authentication;
use k8s_openapi::api::authorization::v1 as authorization;
use k8s_openapi::api::{apps::v1 as apps, coordination::v1 as coordination, core::v1 as core};
use k8s_openapi::api::{discovery::v1 as discovery, events::v1 as events, rbac::v1 as rbac};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

/// What references begin with.
pub(super) const REFERENCE: &str = "#/components/schemas/";

/// What the names of the types that all groups share begin with.
pub(super) const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// The name of metadata's schema.
pub(super) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The name of a list's metadata's schema.
pub(super) const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

const ANY_JSON: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON";

/// All schemas of built-in kinds.
#[derive(Debug)]
pub(super) struct BuiltIn {
    /// By name, such as `io.k8s.api.core.v1.Service`.
    pub(super) schemas: BTreeMap<String, Value>,
    /// The name for a group, version and kind.
    kinds: BTreeMap<(&'static str, &'static str, &'static str), String>,
}

impl BuiltIn {
    /// The name of a kind's schema.
    pub(super) fn name(&self, group: &str, version: &str, kind: &str) -> Option<&str> {
        let mut kinds = self.kinds.iter();
        kinds.find(|((g, v, k), _)| *g == group && *v == version && *k == kind).map(|(_, name)| name.as_str())
    }

    /// A schema by reference or name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.schemas.get(name.strip_prefix(REFERENCE).unwrap_or(name))
    }
}

/// The one instance; it never changes.
pub(super) static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(generate);

fn generate() -> BuiltIn {
    let mut collector = Collector { generator: SchemaSettings::openapi3().into_generator(), kinds: BTreeMap::new() };
    collector.add::<core::ConfigMap>("", "v1", "ConfigMap");
    collector.add::<core::Endpoints>("", "v1", "Endpoints");
    collector.add::<core::Event>("", "v1", "Event");
    collector.add::<core::Namespace>("", "v1", "Namespace");
    collector.add::<core::Node>("", "v1", "Node");
    collector.add::<core::Pod>("", "v1", "Pod");
    collector.add::<core::Secret>("", "v1", "Secret");
    collector.add::<core::ServiceAccount>("", "v1", "ServiceAccount");
    collector.add::<core::Service>("", "v1", "Service");
    collector.add::<apps::DaemonSet>("apps", "v1", "DaemonSet");
    collector.add::<apps::Deployment>("apps", "v1", "Deployment");
    collector.add::<coordination::Lease>("coordination.k8s.io", "v1", "Lease");
    collector.add::<discovery::EndpointSlice>("discovery.k8s.io", "v1", "EndpointSlice");
    collector.add::<events::Event>("events.k8s.io", "v1", "Event");
    let group = "rbac.authorization.k8s.io";
    collector.add::<rbac::ClusterRole>(group, "v1", "ClusterRole");
    collector.add::<rbac::ClusterRoleBinding>(group, "v1", "ClusterRoleBinding");
    collector.add::<rbac::Role>(group, "v1", "Role");
    collector.add::<rbac::RoleBinding>(group, "v1", "RoleBinding");
    let group = "authentication.k8s.io";
    collector.add::<authentication::TokenRequest>(group, "v1", "TokenRequest");
    collector.add::<authentication::TokenReview>(group, "v1", "TokenReview");
    collector.add::<authentication::SelfSubjectReview>(group, "v1", "SelfSubjectReview");
    let group = "authorization.k8s.io";
    collector.add::<authorization::LocalSubjectAccessReview>(group, "v1", "LocalSubjectAccessReview");
    collector.add::<authorization::SelfSubjectAccessReview>(group, "v1", "SelfSubjectAccessReview");
    collector.add::<authorization::SelfSubjectRulesReview>(group, "v1", "SelfSubjectRulesReview");
    collector.add::<authorization::SubjectAccessReview>(group, "v1", "SubjectAccessReview");
    collector.add::<apiextensions::CustomResourceDefinition>("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    collector.generator.subschema_for::<meta::DeleteOptions>();
    collector.generator.subschema_for::<meta::Status>();
    collector.generator.subschema_for::<meta::ListMeta>();
    collector.generator.subschema_for::<meta::Patch>();
    collector.finish()
}

struct Collector {
    generator: SchemaGenerator,
    kinds: BTreeMap<(&'static str, &'static str, &'static str), String>,
}

impl Collector {
    fn add<T: JsonSchema>(&mut self, group: &'static str, version: &'static str, kind: &'static str) {
        self.generator.subschema_for::<T>();
        self.kinds.insert((group, version, kind), T::schema_name().into_owned());
    }

    fn finish(mut self) -> BuiltIn {
        let mut schemas: BTreeMap<String, Value> = self.generator.take_definitions(true).into_iter().collect();
        // "Any JSON value" is said to be an object.
        if let Some(Value::Object(any)) = schemas.get_mut(ANY_JSON) {
            any.remove("type");
        }
        self.kinds.insert(("", "v1", "DeleteOptions"), format!("{META}DeleteOptions"));
        self.kinds.insert(("", "v1", "Status"), format!("{META}Status"));
        for ((group, version, kind), name) in &self.kinds {
            if let Some(Value::Object(schema)) = schemas.get_mut(name) {
                let kinds = serde_json::json!([{"group": group, "version": version, "kind": kind}]);
                schema.insert("x-kubernetes-group-version-kind".into(), kinds);
            }
            let api_version = if group.is_empty() { (*version).to_owned() } else { format!("{group}/{version}") };
            super::lists::annotate(&mut schemas, name, &api_version, kind);
        }
        BuiltIn { schemas, kinds: self.kinds }
    }
}

/// Adds to `out` the schema of that name and all that it refers to.
pub(super) fn collect(name: &str, out: &mut BTreeMap<String, Value>) {
    let name = name.strip_prefix(REFERENCE).unwrap_or(name);
    if out.contains_key(name) {
        return;
    }
    if let Some(schema) = BUILT_IN.get(name) {
        out.insert(name.to_owned(), schema.clone());
        references(schema, &mut |name| collect(name, out));
    }
}

/// Calls `found` with every reference in a schema.
pub(super) fn references(schema: &Value, found: &mut dyn FnMut(&str)) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(target) if name == "$ref" => found(target),
                    value => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
