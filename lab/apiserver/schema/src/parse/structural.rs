//! The rules that make a schema structural.

use serde_json::{Map, Value};

use super::Level;
use crate::Cause;
use crate::node::{Additional, Node, Type};
use crate::path::Path;

/// Checks one node and all below it.
pub(super) fn check(node: &Node, level: Level, at: &Path<'_>, faults: &mut Vec<Cause>) {
    if let Some(items) = &node.items {
        check(items, Level::Item, &at.field("items"), faults);
    } else if node.ty == Some(Type::Array) {
        faults.push(Cause::required(at.field("items"), "must be specified"));
    }
    let properties = at.field("properties");
    for (name, child) in &node.properties {
        // The root's metadata is Kubernetes' own; its rules stand in `check_resource`.
        if !(level == Level::Root && name == "metadata") {
            check(child, Level::Field, &properties.key(name), faults);
        }
    }
    check_additional(node, level, at, faults);
    check_type(node, level, at, faults);
    check_extensions(node, at, faults);
    if level == Level::Root || node.embedded {
        check_resource(node, level, at, faults);
    }
    check_completeness(node, at, faults);
}

fn check_additional(node: &Node, level: Level, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let here = at.field("additionalProperties");
    if let Additional::Schema(child) = &node.additional {
        check(child, Level::Field, &here, faults);
    }
    if matches!(node.additional, Additional::None) {
        return;
    }
    if level == Level::Root {
        faults.push(Cause::forbidden(here, "must not be used at the root"));
    }
    if node.embedded {
        faults.push(Cause::forbidden(here, "must not be used if x-kubernetes-embedded-resource is set"));
    }
}

fn check_type(node: &Node, level: Level, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let here = at.field("type");
    match node.ty {
        _ if node.embedded && node.ty != Some(Type::Object) => {
            let detail = "must be object if x-kubernetes-embedded-resource is true";
            faults.push(match node.ty {
                None => Cause::required(here, detail),
                Some(ty) => Cause::invalid(here, &Value::from(ty.as_str()), detail),
            });
        }
        None if !node.int_or_string && !node.preserve_unknown => {
            let place = match level {
                Level::Root => "at the root",
                Level::Item => "for specified array items",
                Level::Field => "for specified object fields",
                Level::Junctor { .. } => return,
            };
            faults.push(Cause::required(here, format!("must not be empty {place}")));
        }
        Some(ty) if level == Level::Root && ty != Type::Object => {
            faults.push(Cause::invalid(here, &Value::from(ty.as_str()), "must be object at the root"));
        }
        _ => {}
    }
}

fn check_extensions(node: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    if !node.int_or_string {
        return;
    }
    if node.preserve_unknown {
        let here = at.field("x-kubernetes-preserve-unknown-fields");
        let detail = "must be false if x-kubernetes-int-or-string is true";
        faults.push(Cause::invalid(here, &Value::from(true), detail));
    }
    if node.embedded {
        let here = at.field("x-kubernetes-embedded-resource");
        faults.push(Cause::invalid(here, &Value::from(true), "must be false if x-kubernetes-int-or-string is true"));
    }
    if let Some(ty) = node.ty {
        let detail = "must be empty if x-kubernetes-int-or-string is true";
        faults.push(Cause::invalid(at.field("type"), &Value::from(ty.as_str()), detail));
    }
}

/// The root, and every embedded resource, has `apiVersion`, `kind` and `metadata` of fixed types.
fn check_resource(node: &Node, level: Level, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let properties = at.field("properties");
    for name in ["apiVersion", "kind"] {
        if let Some(child) = node.properties.get(name)
            && child.ty != Some(Type::String)
        {
            let found = child.ty.map_or("", Type::as_str);
            let here = properties.key(name);
            faults.push(Cause::invalid(here.field("type"), &Value::from(found), "must be string"));
        }
    }
    if let Some(metadata) = node.properties.get("metadata") {
        let here = properties.key("metadata");
        if metadata.ty != Some(Type::Object) {
            let found = metadata.ty.map_or("", Type::as_str);
            faults.push(Cause::invalid(here.field("type"), &Value::from(found), "must be object"));
        }
        let known = |name: &String| name == "name" || name == "generateName";
        let restricts_more = !metadata.properties.keys().all(known)
            || metadata.nullable
            || metadata.preserve_unknown
            || metadata.embedded
            || metadata.items.is_some()
            || !metadata.rules.is_empty()
            || !metadata.bounds.required.is_empty()
            || !matches!(metadata.additional, Additional::None);
        if level == Level::Root && restricts_more {
            let detail =
                "must not specify anything other than name and generateName, but metadata is implicitly specified";
            faults.push(Cause::forbidden(here, detail));
        }
    }
    if node.embedded && !node.preserve_unknown && node.properties.is_empty() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        faults.push(Cause::required(properties, detail));
    }
}

/// What junctors say about fields must concern fields that the shape has.
fn check_completeness(node: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) {
    let below = [("allOf", &node.bounds.all_of), ("anyOf", &node.bounds.any_of), ("oneOf", &node.bounds.one_of)];
    for (keyword, junctors) in below {
        let keyword = at.field(keyword);
        for (index, junctor) in junctors.iter().enumerate() {
            complete(Some(node), junctor, at, &keyword.index(index), faults);
        }
    }
    if let Some(not) = &node.bounds.not {
        complete(Some(node), not, at, &at.field("not"), faults);
    }
}

fn complete(shape: Option<&Node>, junctor: &Node, at: &Path<'_>, said: &Path<'_>, faults: &mut Vec<Cause>) {
    let Some(shape) = shape else {
        faults.push(Cause::required(at, format!("because it is defined in {said}")));
        return;
    };
    let (shape_properties, said_properties) = (at.field("properties"), said.field("properties"));
    for (name, child) in &junctor.properties {
        // A free-form object has every field.
        if shape.child(name).is_some() || !shape.preserve_unknown {
            let (at, said) = (shape_properties.key(name), said_properties.key(name));
            complete(shape.child(name), child, &at, &said, faults);
        }
    }
    if let Some(items) = &junctor.items {
        complete(shape.items.as_deref(), items, &at.field("items"), &said.field("items"), faults);
    }
    let nested =
        [("allOf", &junctor.bounds.all_of), ("anyOf", &junctor.bounds.any_of), ("oneOf", &junctor.bounds.one_of)];
    for (keyword, junctors) in nested {
        let keyword = said.field(keyword);
        for (index, inner) in junctors.iter().enumerate() {
            complete(Some(shape), inner, at, &keyword.index(index), faults);
        }
    }
    if let Some(not) = &junctor.bounds.not {
        complete(Some(shape), not, at, &said.field("not"), faults);
    }
}

/// Below a junctor nothing may add to the shape.
pub(super) fn check_junctor(json: &Map<String, Value>, int_or_string: bool, at: &Path<'_>, faults: &mut Vec<Cause>) {
    // `anyOf: [{type: integer}, {type: string}]` spells int-or-string; it alone may name types.
    let only_type = int_or_string
        && json.len() == 1
        && matches!(json.get("type").and_then(Value::as_str), Some("integer" | "string"));
    let forbidden = [
        ("type", "must be empty to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("default", "must be undefined to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ];
    for (keyword, detail) in forbidden {
        let said = json.get(keyword).is_some_and(|value| !is_empty(value));
        if said && !(keyword == "type" && only_type) {
            faults.push(Cause::forbidden(at.field(keyword), detail));
        }
    }
    if json.get("properties").and_then(Value::as_object).is_some_and(|p| p.contains_key("metadata")) {
        let properties = at.field("properties");
        faults.push(Cause::forbidden(properties.key("metadata"), "must not be specified in a nested context"));
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
