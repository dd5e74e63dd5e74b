//! What CRDs may not say although OpenAPI can, and keywords that need others beside them.

use serde_json::{Map, Value};

use super::text;
use crate::Cause;
use crate::node::{Additional, ListType, Node, Type};
use crate::path::Path;

pub(super) fn check(json: &Map<String, Value>, node: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let given =
        |keyword: &str| json.get(keyword).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
    if given("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        faults.push(Cause::forbidden(at.field("uniqueItems"), detail));
    }
    // additionalProperties: true and false are both allowed by OpenAPI; false is what pruning does anyway.
    if json.get("additionalProperties") == Some(&Value::Bool(false)) {
        let detail = "additionalProperties cannot be set to false";
        faults.push(Cause::forbidden(at.field("additionalProperties"), detail));
    }
    if !matches!(node.additional, Additional::None) && !node.properties.is_empty() {
        let detail = "additionalProperties and properties are mutual exclusive";
        faults.push(Cause::forbidden(at.field("additionalProperties"), detail));
    }
    for keyword in ["$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id"] {
        if given(keyword) {
            faults.push(Cause::forbidden(at.field(keyword), format!("{keyword} is not supported")));
        }
    }
    if json.get("items").is_some_and(Value::is_array) {
        faults.push(Cause::forbidden(at.field("items"), "items must be a schema object and not an array"));
    }
    check_list_type(json, node, at, faults);
    check_map_type(json, node, at, faults);
}

fn check_list_type(json: &Map<String, Value>, node: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let here = at.field("x-kubernetes-list-type");
    let keys = at.field("x-kubernetes-list-map-keys");
    let named = text(json, "x-kubernetes-list-type");
    if let Some(name) = named {
        if node.ty != Some(Type::Array) {
            let found = Value::from(node.ty.map_or("", Type::as_str));
            let detail = "must be array if x-kubernetes-list-type is specified";
            faults.push(Cause::invalid(at.field("type"), &found, detail));
        }
        if !["atomic", "set", "map"].contains(&name) {
            faults.push(Cause::not_supported(here, &Value::from(name), &["atomic", "map", "set"]));
        }
    }
    if node.list_type != ListType::Map {
        if !node.list_map_keys.is_empty() {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
            faults.push(match named {
                None => Cause::required(here, detail),
                Some(name) => Cause::invalid(here, &Value::from(name), detail),
            });
        }
        if node.list_type == ListType::Set
            && let Some(items) = &node.items
        {
            check_set_items(items, &at.field("items"), faults);
        }
        return;
    }
    if node.list_map_keys.is_empty() {
        faults.push(Cause::required(keys, "must not be empty if x-kubernetes-list-type is map"));
    }
    let Some(items) = &node.items else { return };
    let items_at = at.field("items");
    if items.ty != Some(Type::Object) {
        let found = Value::from(items.ty.map_or("", Type::as_str));
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        faults.push(Cause::invalid(items_at.field("type"), &found, detail));
    }
    check_map_keys(node, items, at, faults);
}

fn check_map_keys(node: &Node, items: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let keys = at.field("x-kubernetes-list-map-keys");
    let items_at = at.field("items");
    let properties = items_at.field("properties");
    for (index, key) in node.list_map_keys.iter().enumerate() {
        let Some(property) = items.properties.get(key) else {
            let detail = format!("entries must all be names of item properties: {}", crate::quote(key));
            faults.push(Cause::invalid(keys.index(index), &Value::from(key.as_str()), detail));
            continue;
        };
        if matches!(property.ty, Some(Type::Object | Type::Array)) {
            let found = Value::from(property.ty.map_or("", Type::as_str));
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            faults.push(Cause::invalid(properties.key(key).field("type"), &found, detail));
        }
        if property.default.is_none() && !items.bounds.required.contains(key) {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                          property";
            faults.push(Cause::required(properties.key(key).field("default"), detail));
        }
    }
}

fn check_set_items(items: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    if items.nullable {
        let detail = "cannot be nullable when x-kubernetes-list-type is set";
        faults.push(Cause::forbidden(at.field("nullable"), detail));
    }
    let here = match items.ty {
        Some(Type::Object) if !items.atomic_map => "x-kubernetes-map-type",
        Some(Type::Array) if items.list_type != ListType::Atomic => "x-kubernetes-list-type",
        _ => return,
    };
    faults.push(Cause::invalid(
        at.field(here),
        &Value::Null,
        "must be atomic as item of a list with x-kubernetes-list-type=set",
    ));
}

fn check_map_type(json: &Map<String, Value>, node: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let Some(name) = text(json, "x-kubernetes-map-type") else { return };
    if !["atomic", "granular"].contains(&name) {
        let here = at.field("x-kubernetes-map-type");
        faults.push(Cause::not_supported(here, &Value::from(name), &["atomic", "granular"]));
    }
    if node.ty != Some(Type::Object) {
        let found = Value::from(node.ty.map_or("", Type::as_str));
        faults.push(Cause::invalid(at.field("type"), &found, "must be object if x-kubernetes-map-type is specified"));
    }
}
