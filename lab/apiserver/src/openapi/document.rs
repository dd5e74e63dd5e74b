//! One OpenAPI 3 document: a group in a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::builtin::{BUILT_IN, LIST_META, META, OBJECT_META, collect};
use super::{content_hash, custom, operations};
use crate::registry::{Resource, Version};

/// What a document is about; rendering is put off until it is asked for.
#[derive(Debug)]
pub(super) struct Document {
    group: String,
    version: String,
    resources: Vec<Arc<Resource>>,
}

impl Document {
    pub(super) fn new(group: &str, version: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), resources: Vec::new() }
    }

    pub(super) fn add(&mut self, resource: Arc<Resource>) {
        self.resources.push(resource);
    }

    /// A hash of everything that the document is made from.
    pub(super) fn hash(&self) -> String {
        let made_from: Vec<Value> = self
            .served()
            .map(|(resource, version)| {
                let subresources: Vec<&str> = version.subresources.iter().map(|s| s.name.as_str()).collect();
                json!([
                    resource.plural,
                    resource.kind,
                    resource.list_kind,
                    resource.namespaced,
                    subresources,
                    version.selectable,
                    version.schema.as_ref().map(|schema| schema.source()),
                ])
            })
            .collect();
        content_hash(&json!([self.group, self.version, made_from]))
    }

    fn served(&self) -> impl Iterator<Item = (&Resource, &Version)> {
        self.resources.iter().filter_map(|resource| Some((&**resource, resource.version(&self.version)?)))
    }

    /// The schemas that the document holds.
    pub(super) fn schemas(&self) -> BTreeMap<String, Value> {
        let mut schemas = BTreeMap::new();
        for name in [OBJECT_META, LIST_META] {
            collect(name, &mut schemas);
        }
        for name in ["DeleteOptions", "Patch", "Status"] {
            collect(&format!("{META}{name}"), &mut schemas);
        }
        for (resource, version) in self.served() {
            let name = schema_name(resource, version);
            match version.schema {
                Some(_) => {
                    schemas.insert(name.clone(), custom::object(resource, version));
                }
                None => collect(&name, &mut schemas),
            }
            if resource.verbs.contains(&"list") {
                let list = custom::list(resource, version, &name);
                schemas.insert(list_name(resource, version), list);
            }
        }
        schemas
    }

    fn info(&self) -> Value {
        if self.served().any(|(_, version)| version.schema.is_some()) {
            json!({"title": "Kubernetes CRD Swagger", "version": "v0.1.0"})
        } else {
            json!({"title": "Kubernetes", "version": "unversioned"})
        }
    }

    /// The document.
    pub(super) fn render(&self) -> Value {
        let mut paths = Map::new();
        for (resource, version) in self.served() {
            operations::add(resource, version, &mut paths);
        }
        json!({
            "openapi": "3.0.0",
            "info": self.info(),
            "paths": paths,
            "components": {"schemas": self.schemas()},
        })
    }
}

/// The name of a resource's schema in one version.
pub(super) fn schema_name(resource: &Resource, version: &Version) -> String {
    match BUILT_IN.name(&resource.group, &version.name, &resource.kind) {
        Some(name) => name.to_owned(),
        None => custom::name(&resource.group, &version.name, &resource.kind),
    }
}

fn list_name(resource: &Resource, version: &Version) -> String {
    let name = schema_name(resource, version);
    match name.strip_suffix(&resource.kind) {
        Some(start) => format!("{start}{}", resource.list_kind),
        None => format!("{name}List"),
    }
}
