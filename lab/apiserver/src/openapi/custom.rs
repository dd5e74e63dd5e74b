//! The schemas of custom resources, completed with what every object has.

use serde_json::{Map, Value, json};

use super::builtin::{LIST_META, OBJECT_META, REFERENCE};
use crate::registry::{Resource, Version};

const API_VERSION: &str = "APIVersion defines the versioned schema of this representation of an object. Servers should convert \
     recognized schemas to the latest internal value, and may reject unrecognized values. More info: \
     https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";

const KIND: &str = "Kind is a string value representing the REST resource this object represents. Servers may infer this from \
     the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: \
     https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";

/// The name of a kind's schema: the group backwards, version, kind.
pub(super) fn name(group: &str, version: &str, kind: &str) -> String {
    let mut parts: Vec<&str> = group.split('.').rev().collect();
    parts.extend([version, kind]);
    parts.join(".")
}

/// The schema of a custom resource.
pub(super) fn object(resource: &Resource, version: &Version) -> Value {
    let mut schema = match &version.schema {
        Some(schema) => schema.source().as_object().cloned().unwrap_or_default(),
        None => Map::new(),
    };
    let about = "Standard object's metadata. More info: \
                 https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("apiVersion".into(), json!({"description": API_VERSION, "type": "string"}));
        properties.insert("kind".into(), json!({"description": KIND, "type": "string"}));
        properties.insert("metadata".into(), referring(about, OBJECT_META));
    }
    finish(&mut schema, resource, version, &resource.kind);
    Value::Object(schema)
}

/// The schema of a list of it.
pub(super) fn list(resource: &Resource, version: &Version, item: &str) -> Value {
    let about = "Standard list metadata. More info: \
                 https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
    let items = format!(
        "List of {}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
        resource.plural
    );
    let list = json!({
        "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": API_VERSION, "type": "string"},
            "kind": {"description": KIND, "type": "string"},
            "metadata": referring(about, LIST_META),
            "items": {
                "description": items, "type": "array", "items": {"$ref": format!("{REFERENCE}{item}")},
            },
        },
    });
    let mut list = list.as_object().cloned().unwrap_or_default();
    finish(&mut list, resource, version, &resource.list_kind);
    Value::Object(list)
}

fn referring(description: &str, name: &str) -> Value {
    json!({"description": description, "allOf": [{"$ref": format!("{REFERENCE}{name}")}]})
}

fn finish(schema: &mut Map<String, Value>, resource: &Resource, version: &Version, kind: &str) {
    let kinds = json!([{"group": resource.group, "version": version.name, "kind": kind}]);
    schema.insert("x-kubernetes-group-version-kind".into(), kinds);
    if !version.selectable.is_empty() {
        let fields: Vec<Value> =
            version.selectable.iter().map(|path| json!({"fieldPath": path.trim_start_matches('.')})).collect();
        schema.insert("x-kubernetes-selectable-fields".into(), fields.into());
    }
}
