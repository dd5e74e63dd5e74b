//! What can be done with a resource, path by path: kubectl looks here whether the server checks fields itself, and to
//! which kind a path belongs.

use serde_json::{Map, Value, json};

use super::builtin::REFERENCE;
use super::document::schema_name;
use crate::registry::{Resource, Version};

const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
    "watch",
];
const READ: &[&str] = &["resourceVersion"];
const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: &[&str] = &[
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
];

/// One operation on a path.
struct Operation {
    method: &'static str,
    /// `x-kubernetes-action`.
    action: &'static str,
    /// The verb that the resource must have.
    verb: &'static str,
    /// What the name of the operation begins with.
    name: &'static str,
    parameters: &'static [&'static str],
    /// Status codes beside 200 and 401.
    also: &'static [&'static str],
}

const fn operation(
    method: &'static str,
    action: &'static str,
    verb: &'static str,
    name: &'static str,
    parameters: &'static [&'static str],
    also: &'static [&'static str],
) -> Operation {
    Operation { method, action, verb, name, parameters, also }
}

const EVERYWHERE: &[Operation] = &[operation("get", "list", "list", "list", &[], &[])];
const ON_COLLECTION: &[Operation] = &[
    operation("get", "list", "list", "list", LIST, &[]),
    operation("post", "post", "create", "create", WRITE, &["201", "202"]),
    operation("delete", "deletecollection", "deletecollection", "delete", LIST, &[]),
];
const ON_OBJECT: &[Operation] = &[
    operation("get", "get", "get", "read", READ, &[]),
    operation("put", "put", "update", "replace", WRITE, &["201"]),
    operation("patch", "patch", "patch", "patch", PATCH, &[]),
    operation("delete", "delete", "delete", "delete", DELETE, &["202"]),
];

/// Adds the paths of a resource.
pub(super) fn add(resource: &Resource, version: &Version, paths: &mut Map<String, Value>) {
    let root = match resource.group.as_str() {
        "" => format!("/api/{}", version.name),
        group => format!("/apis/{group}/{}", version.name),
    };
    let scoped = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
    let collection = format!("{root}/{scoped}{}", resource.plural);
    let object = format!("{collection}/{{name}}");
    let writer = Writer { resource, version };
    let mut add = |path: String, item: Map<String, Value>| {
        if !item.is_empty() {
            paths.insert(path, Value::Object(item));
        }
    };
    if resource.namespaced {
        add(format!("{root}/{}", resource.plural), writer.item(EVERYWHERE, "", "ForAllNamespaces"));
    }
    add(collection, writer.item(ON_COLLECTION, if resource.namespaced { "Namespaced" } else { "" }, ""));
    for subresource in version.subresources.iter().filter(|subresource| subresource.name == "status") {
        let path = format!("{object}/{}", subresource.name);
        add(path, writer.item(&ON_OBJECT[..3], if resource.namespaced { "Namespaced" } else { "" }, "Status"));
    }
    add(object, writer.item(ON_OBJECT, if resource.namespaced { "Namespaced" } else { "" }, ""));
}

struct Writer<'a> {
    resource: &'a Resource,
    version: &'a Version,
}

impl Writer<'_> {
    fn item(&self, operations: &[Operation], scope: &str, ending: &str) -> Map<String, Value> {
        operations
            .iter()
            .filter(|operation| self.resource.verbs.contains(&operation.verb))
            .map(|operation| (operation.method.to_owned(), self.operation(operation, scope, ending)))
            .collect()
    }

    fn operation(&self, operation: &Operation, scope: &str, ending: &str) -> Value {
        let collection = if operation.action == "deletecollection" { "Collection" } else { "" };
        let name =
            format!("{}{}{collection}{scope}{}{ending}", operation.name, self.group_version(), self.resource.kind);
        let parameters: Vec<Value> = operation
            .parameters
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        let answer = json!({"description": "OK", "content": self.content(&["application/json", "application/yaml"])});
        let mut responses = json!({"200": answer, "401": {"description": "Unauthorized"}});
        for code in operation.also {
            responses[*code] = answer.clone();
        }
        let mut out = json!({
            "operationId": name,
            "x-kubernetes-action": operation.action,
            "x-kubernetes-group-version-kind": {
                "group": self.resource.group, "version": self.version.name, "kind": self.resource.kind,
            },
            "parameters": parameters,
            "responses": responses,
        });
        if let Some(types) = self.body(operation) {
            out["requestBody"] = json!({"content": self.content(types)});
        }
        out
    }

    /// The media types of the body, for operations that have one.
    fn body(&self, operation: &Operation) -> Option<&'static [&'static str]> {
        const PATCHES: &[&str] = &[
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
        ];
        match operation.action {
            "post" | "put" | "delete" => Some(&["application/json", "application/yaml"]),
            // Nothing tells how lists of custom resources merge strategically.
            "patch" if self.version.schema.is_some() => Some(&PATCHES[..3]),
            "patch" => Some(PATCHES),
            _ => None,
        }
    }

    fn content(&self, types: &[&str]) -> Value {
        let schema = json!({"schema": {"$ref": format!("{REFERENCE}{}", schema_name(self.resource, self.version))}});
        types.iter().map(|media| ((*media).to_owned(), schema.clone())).collect::<Map<_, _>>().into()
    }

    /// `MetallbIoV1beta1`, `CoreV1`.
    fn group_version(&self) -> String {
        let group = match self.resource.group.as_str() {
            "" => "core",
            group => group.strip_suffix(".k8s.io").unwrap_or(group),
        };
        group.split('.').chain([self.version.name.as_str()]).map(capitalized).collect()
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
