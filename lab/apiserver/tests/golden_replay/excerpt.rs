//! Documents about the server as a whole are recorded in excerpts: some groups, some resources, the shape of an OpenAPI
//! document. Before comparing, the actual document is cut to what was recorded.

use serde_json::{Map, Value, json};

/// Cuts both documents to what can be compared. Other answers stay as they are.
pub fn of(path: &str, expected: &Value, actual: Value) -> (Value, Value) {
    match path {
        "/openapi/v3" => index(expected, actual),
        "/openapi/v2" => (expected.clone(), definitions(expected, &actual)),
        path if path.starts_with("/openapi/v3/") && expected.is_object() => {
            (one_kind(expected), one_kind(&shape(&actual)))
        }
        "/" | "/api" | "/apis" | "/api/v1" => {
            let expected = without_operations(expected.clone());
            let actual = listed(&expected, actual);
            (expected, actual)
        }
        _ => (expected.clone(), actual),
    }
}

/// What this server does not have and nobody looks for: pages for operators, connections into pods.
fn without_operations(expected: Value) -> Value {
    let is_missing = |value: &Value| {
        ["/flagz", "/metrics", "/statusz"].iter().any(|page| value == page)
            || value["subresource"] == "proxy"
            || value["name"].as_str().is_some_and(|name| name.ends_with("/proxy"))
    };
    match expected {
        Value::Array(items) => items.into_iter().filter(|item| !is_missing(item)).map(without_operations).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, without_operations(value))).collect())
        }
        other => other,
    }
}

/// `DeleteOptions` names every group there is; which ones depends on the server.
fn one_kind(document: &Value) -> Value {
    let mut document = document.clone();
    let options = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
    if let Some(kinds) = document["schemas"][options]["x-kubernetes-group-version-kind"].as_array_mut() {
        kinds.truncate(1);
    }
    document
}

/// The index of OpenAPI documents, without groups that this server does not serve.
fn index(expected: &Value, actual: Value) -> (Value, Value) {
    let mut expected = expected.clone();
    if let Some(paths) = expected["paths"].as_object_mut() {
        paths.retain(|path, _| actual["paths"].get(path).is_some() || path.contains("metallb.io/"));
    }
    let mut actual = actual;
    if let Some(paths) = actual["paths"].as_object_mut() {
        paths.retain(|path, _| expected["paths"].get(path).is_some());
    }
    (expected, actual)
}

/// The recorded definitions and no others.
fn definitions(expected: &Value, actual: &Value) -> Value {
    let names = expected["definitions"].as_object().into_iter().flatten().map(|(name, _)| name);
    let kept: Map<String, Value> =
        names.filter_map(|name| Some((name.clone(), actual["definitions"].get(name)?.clone()))).collect();
    json!({"swagger": actual["swagger"], "definitions": kept})
}

/// Of lists only the entries that were recorded.
fn listed(expected: &Value, actual: Value) -> Value {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(got)) => {
            let cut = got.into_iter().map(|(name, value)| match wanted.get(&name) {
                Some(wanted) => (name, listed(wanted, value)),
                None => (name, value),
            });
            Value::Object(cut.collect())
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.iter().all(|value| identity(value).is_some()) => {
            let find = |value: &Value| wanted.iter().find(|wanted| identity(wanted) == identity(value));
            got.into_iter().filter_map(|value| Some(listed(find(&value)?, value))).collect()
        }
        (_, actual) => actual,
    }
}

/// What tells an entry of a list from the others; `None` for entries of lists that are recorded in full.
fn identity(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.starts_with('/') => Some(text.clone()),
        Value::Object(fields) if fields.contains_key("metadata") => Some(fields["metadata"]["name"].to_string()),
        Value::Object(fields) => {
            let known = ["name", "resource", "subresource", "groupVersion", "version"];
            known.iter().find_map(|field| fields.get(*field)?.as_str().map(str::to_owned))
        }
        _ => None,
    }
}

/// The shape of an OpenAPI document: names of parameters, media types, and of shared schemas only what they are.
fn shape(document: &Value) -> Value {
    let paths: Map<String, Value> =
        entries(&document["paths"]).map(|(path, item)| (path.clone(), operations(item))).collect();
    let schemas: Map<String, Value> = entries(&document["components"]["schemas"])
        .map(|(name, schema)| {
            (name.clone(), if name.starts_with("io.k8s.") { outline(schema) } else { schema.clone() })
        })
        .collect();
    json!({"openapi": document["openapi"], "info": document["info"], "paths": paths, "schemas": schemas})
}

fn operations(item: &Value) -> Value {
    let operations = entries(item).map(|(method, operation)| {
        let mut operation = operation.clone();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        operation["parameters"] = parameters.iter().map(|parameter| parameter["name"].clone()).collect();
        operation["requestBody"] = media(&operation["requestBody"]);
        let responses: Map<String, Value> =
            entries(&operation["responses"]).map(|(code, response)| (code.clone(), media(response))).collect();
        operation["responses"] = responses.into();
        (method.clone(), operation)
    });
    Value::Object(operations.collect())
}

fn media(body: &Value) -> Value {
    entries(&body["content"]).map(|(media, _)| Value::from(media.as_str())).collect()
}

fn outline(schema: &Value) -> Value {
    let kept = ["type", "required", "x-kubernetes-group-version-kind"];
    Value::Object(entries(schema).filter(|(name, _)| kept.contains(&name.as_str())).map(pair).collect())
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn pair((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
