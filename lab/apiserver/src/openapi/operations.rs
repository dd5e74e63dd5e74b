//! What can be done with a resource, path by path: kubectl looks here whether the server checks fields itself, and to
//! which kind a path belongs.

use serde_json::{Map, Value, json};

use super::builtin::REFERENCE;
use super::document::schema_name;
use crate::registry::{Resource, Version};

const LIST: [&str; 10] = [
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const WRITE: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];
const PATCH: [&str; 4] = ["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: [&str; 4] = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

/// Adds the paths of a resource.
pub(super) fn add(resource: &Resource, version: &Version, paths: &mut Map<String, Value>) {
    let root = match resource.group.as_str() {
        "" => format!("/api/{}", version.name),
        group => format!("/apis/{group}/{}", version.name),
    };
    let kind = json!({"group": resource.group, "version": version.name, "kind": resource.kind});
    let operations = Operations { kind, schema: format!("{REFERENCE}{}", schema_name(resource, version)), resource };
    let scoped = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
    let collection = format!("{root}/{scoped}{}", resource.plural);
    let object = format!("{collection}/{{name}}");
    if resource.namespaced && operations.can("list") {
        let everywhere = operations.of(&[("get", "list", "list", &[])]);
        paths.insert(format!("{root}/{}", resource.plural), everywhere);
    }
    let on_collection = operations.of(&[
        ("get", "list", "list", &LIST),
        ("post", "post", "create", &WRITE),
        ("delete", "deletecollection", "deletecollection", &LIST),
    ]);
    paths.insert(collection, on_collection);
    let on_object = [
        ("get", "get", "get", &[][..]),
        ("put", "put", "update", &WRITE),
        ("patch", "patch", "patch", &PATCH),
        ("delete", "delete", "delete", &DELETE),
    ];
    if operations.can("get") {
        for subresource in version.subresources.iter().filter(|subresource| subresource.name == "status") {
            paths.insert(format!("{object}/{}", subresource.name), operations.of(&on_object[..3]));
        }
        paths.insert(object, operations.of(&on_object));
    }
}

struct Operations<'a> {
    kind: Value,
    schema: String,
    resource: &'a Resource,
}

impl Operations<'_> {
    fn can(&self, verb: &str) -> bool {
        self.resource.verbs.contains(&verb)
    }

    /// `(HTTP method, Kubernetes action, verb, query parameters)` for each operation that the resource has.
    fn of(&self, operations: &[(&str, &str, &str, &[&str])]) -> Value {
        let mut item = Map::new();
        for (method, action, verb, parameters) in operations {
            if !self.can(verb) {
                continue;
            }
            let parameters: Vec<Value> = parameters
                .iter()
                .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
                .collect();
            let content = json!({"application/json": {"schema": {"$ref": self.schema}}});
            let mut operation = json!({
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": self.kind,
                "parameters": parameters,
                "responses": {"200": {"description": "OK", "content": content}},
            });
            match *method {
                "post" | "put" => operation["requestBody"] = json!({"content": content, "required": true}),
                "patch" => operation["requestBody"] = json!({"content": self.patches(), "required": true}),
                _ => {}
            }
            item.insert((*method).to_owned(), operation);
        }
        Value::Object(item)
    }

    fn patches(&self) -> Value {
        let patch = json!({"schema": {"type": "object"}});
        json!({
            "application/apply-patch+yaml": patch, "application/json-patch+json": patch,
            "application/merge-patch+json": patch, "application/strategic-merge-patch+json": patch,
        })
    }
}
