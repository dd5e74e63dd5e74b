//! From a definition to the resource that is served.

use std::cmp::Reverse;
use std::sync::Arc;

use herald_apiserver_patch::types::custom_resource;
use herald_apiserver_schema::Schema;
use serde_json::Value;

use super::{Custom, items};
use crate::meta::text;
use crate::registry::{Resource, STATUS_VERBS, Subresource, Version};

/// The verbs of custom resources, in the order in which discovery lists them.
const VERBS: &[&str] = &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// The resource that a definition defines, under the names that were accepted.
pub(super) fn resource(definition: &Value) -> Option<Resource> {
    let spec = definition.get("spec")?;
    let names = definition.pointer("/status/acceptedNames")?;
    let versions = items(spec, "versions");
    let storage = versions.iter().find(|version| version.get("storage") == Some(&Value::Bool(true)))?;
    let group = text(spec, "/group").to_owned();
    let plural = text(names, "/plural").to_owned();
    let mut served: Vec<Version> = versions
        .iter()
        .filter(|version| version.get("served") == Some(&Value::Bool(true)))
        .map(|version| self::version(spec, text(names, "/kind"), version))
        .collect();
    served.sort_by_cached_key(|version| Reverse(priority(&version.name)));
    Some(Resource {
        collection: Arc::from(format!("{group}/{plural}")),
        singular: text(names, "/singular").to_owned(),
        kind: text(names, "/kind").to_owned(),
        list_kind: text(names, "/listKind").to_owned(),
        namespaced: text(spec, "/scope") == "Namespaced",
        short_names: strings(names, "shortNames"),
        categories: strings(names, "categories"),
        verbs: VERBS,
        storage: text(storage, "/name").to_owned(),
        strategy: Arc::new(Custom::new(crate::meta::name(definition), storage)),
        versions: served,
        group,
        plural,
    })
}

fn version(spec: &Value, kind: &str, version: &Value) -> Version {
    let mut subresources = Vec::new();
    if version.pointer("/subresources/status").is_some() {
        subresources.push(Subresource { name: "status".to_owned(), kind: String::new(), verbs: STATUS_VERBS.to_vec() });
    }
    let name = text(version, "/name").to_owned();
    let deprecated = version.get("deprecated") == Some(&Value::Bool(true));
    let warning = deprecated.then(|| match text(version, "/deprecationWarning") {
        "" => format!("{}/{name} {kind} is deprecated", text(spec, "/group")),
        given => given.to_owned(),
    });
    Version {
        subresources,
        schema: schema(version),
        ty: version.pointer("/schema/openAPIV3Schema").map(|schema| Arc::new(custom_resource(schema))),
        columns: items(version, "additionalPrinterColumns").to_vec(),
        selectable: items(version, "selectableFields")
            .iter()
            .map(|field| text(field, "/jsonPath").to_owned())
            .collect(),
        warning,
        name,
    }
}

/// The schema of a version. The definition was validated, so one that cannot be used is none.
pub(super) fn schema(version: &Value) -> Option<Arc<Schema>> {
    let openapi = version.pointer("/schema/openAPIV3Schema")?;
    Schema::parse(openapi, "").ok().map(Arc::new)
}

fn strings(value: &Value, field: &str) -> Vec<String> {
    items(value, field).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Kubernetes' order of versions: `v2` before `v1` before `v1beta2` before `v1alpha1` before anything else.
pub(crate) fn priority(version: &str) -> (u8, u64, u64, Reverse<String>) {
    let parse = |text: &str| -> Option<(u8, u64, u64)> {
        let rest = text.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (major, rest) = rest.split_at(digits);
        let major = major.parse().ok()?;
        if rest.is_empty() {
            return Some((3, major, 0));
        }
        let (rank, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
            (Some(minor), _) => (2, minor),
            (_, Some(minor)) => (1, minor),
            _ => return None,
        };
        Some((rank, major, minor.parse().ok()?))
    };
    let (rank, major, minor) = parse(version).unwrap_or((0, 0, 0));
    (rank, major, minor, Reverse(version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_kubernetes_orders_them() {
        let mut versions = ["foo1", "v1alpha1", "v1beta1", "v11beta2", "v10", "v1", "v1beta2", "v2", "bar"];
        versions.sort_by_cached_key(|version| Reverse(priority(version)));
        assert_eq!(versions, ["v10", "v2", "v1", "v11beta2", "v1beta2", "v1beta1", "v1alpha1", "bar", "foo1"]);
    }
}
