//! `/openapi/v2`: the older form, for clients that still ask for it. Definitions only.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::builtin::REFERENCE;
use super::document::Document;

/// The document.
pub(super) fn render(documents: &BTreeMap<String, Document>) -> Value {
    let mut definitions = Map::new();
    for document in documents.values() {
        for (name, schema) in document.schemas() {
            definitions.entry(name).or_insert_with(|| downgrade(schema));
        }
    }
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": "unversioned"}, "paths": {},
        "definitions": definitions,
    })
}

/// What the older form can say: no defaults, no nulls, no junctors; what could be null or free is left untyped.
fn downgrade(schema: Value) -> Value {
    let Value::Object(mut fields) = schema else { return schema };
    for keyword in ["default", "anyOf", "oneOf", "not"] {
        fields.remove(keyword);
    }
    if fields.remove("nullable") == Some(Value::Bool(true))
        || fields.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
    {
        for keyword in ["type", "items", "properties"] {
            fields.remove(keyword);
        }
    }
    if let Some(Value::Array(all)) = fields.remove("allOf")
        && let Some(target) = all.first().and_then(|first| first.get("$ref"))
    {
        fields.insert("$ref".into(), target.clone());
    }
    if let Some(Value::String(target)) = fields.get_mut("$ref") {
        *target = target.replace(REFERENCE, "#/definitions/");
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        for property in properties.values_mut() {
            *property = downgrade(property.take());
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(keyword) {
            *inner = downgrade(inner.take());
        }
    }
    Value::Object(fields)
}
