//! CustomResourceDefinitions: they change what is served.

use std::sync::Arc;

use serde_json::Value;

use super::{Resource, STATUS_VERBS, STORED_VERBS, Strategy, Subresource, Version};
use crate::api::Api;
use crate::meta::text;
use crate::store::Object;

/// The strategy of CustomResourceDefinitions.
#[derive(Debug)]
pub(super) struct Definitions;

impl Strategy for Definitions {
    fn written(&self, api: &Api, _old: Option<&Object>, new: Option<&Object>) {
        if let Some(new) = new
            && let Some(resource) = served(&new.value)
        {
            api.registry.insert(resource);
        }
    }
}

/// The strategy of custom resources.
#[derive(Debug)]
struct Custom;

impl Strategy for Custom {}

/// The resource a definition defines.
fn served(definition: &Value) -> Option<Resource> {
    let spec = definition.get("spec")?;
    let names = spec.get("names")?;
    let strings = |key: &str| -> Vec<String> {
        names
            .get(key)
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let versions: Vec<&Value> = spec.get("versions")?.as_array()?.iter().collect();
    let storage = versions.iter().find(|v| v["storage"] == Value::Bool(true))?;
    let group = text(spec, "/group").to_owned();
    let plural = text(names, "/plural").to_owned();
    let kind = text(names, "/kind").to_owned();
    let list_kind = match text(names, "/listKind") {
        "" => format!("{kind}List"),
        given => given.to_owned(),
    };
    Some(Resource {
        collection: Arc::from(format!("{group}/{plural}")),
        singular: match text(names, "/singular") {
            "" => kind.to_lowercase(),
            given => given.to_owned(),
        },
        list_kind,
        namespaced: text(spec, "/scope") == "Namespaced",
        short_names: strings("shortNames"),
        categories: strings("categories"),
        verbs: STORED_VERBS,
        versions: versions.iter().filter(|v| v["served"] == Value::Bool(true)).map(|v| version(v)).collect(),
        storage: text(storage, "/name").to_owned(),
        strategy: Arc::new(Custom),
        group,
        plural,
        kind,
    })
}

fn version(version: &Value) -> Version {
    let mut subresources = Vec::new();
    if version.pointer("/subresources/status").is_some() {
        subresources.push(Subresource { name: "status".to_owned(), kind: String::new(), verbs: STATUS_VERBS.to_vec() });
    }
    Version {
        name: text(version, "/name").to_owned(),
        subresources,
        schema: None,
        columns: version.get("additionalPrinterColumns").and_then(Value::as_array).cloned().unwrap_or_default(),
        selectable: version
            .get("selectableFields")
            .and_then(Value::as_array)
            .map(|fields| fields.iter().map(|f| text(f, "/jsonPath").to_owned()).collect())
            .unwrap_or_default(),
        warning: None,
    }
}
