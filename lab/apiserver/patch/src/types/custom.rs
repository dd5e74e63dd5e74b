//! Types of custom resources, from the structural schema of their CustomResourceDefinition.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Field, List, ListKind, Map, PatchStrategy, Scalar, Struct, Type, object_meta};

/// How deep schemas are followed; kube-apiserver's own limits are far below. What lies deeper is [`Type::Any`].
const MAX_DEPTH: usize = 64;

/// The type of a custom resource, from `spec.versions[].schema.openAPIV3Schema`.
///
/// `apiVersion`, `kind` and `metadata` are understood whatever the schema says of them. A schema that says nothing
/// about a field, or is not valid, leaves it [`Type::Any`]: refusing bad schemas is not done here.
#[must_use]
pub fn custom_resource(schema: &Value) -> Type {
    let mut of = match schema_type(schema, 0) {
        Type::Struct(of) => of,
        _ => Struct { others: Some(Arc::new(Type::Any)), ..Struct::default() },
    };
    let text = Arc::new(Type::Scalar(Scalar::String));
    of.fields.insert("apiVersion".to_owned(), Field::new(Arc::clone(&text)));
    of.fields.insert("kind".to_owned(), Field::new(text));
    of.fields.insert("metadata".to_owned(), Field::new(object_meta()));
    of.atomic = false;
    Type::Struct(of)
}

fn schema_type(schema: &Value, depth: usize) -> Type {
    if depth > MAX_DEPTH {
        return Type::Any;
    }
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
    if flag("x-kubernetes-embedded-resource") && schema.get("properties").is_none() {
        return super::untyped().clone();
    }
    if flag("x-kubernetes-int-or-string") {
        return Type::Scalar(Scalar::Untyped);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => Type::Scalar(Scalar::String),
        Some("integer" | "number") => Type::Scalar(Scalar::Number),
        Some("boolean") => Type::Scalar(Scalar::Boolean),
        Some("array") => Type::List(list(schema, depth)),
        Some("object") => object(schema, depth),
        _ => Type::Any,
    }
}

fn list(schema: &Value, depth: usize) -> List {
    let kind = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListKind::Set,
        Some("map") => ListKind::Map(list_keys(schema)),
        _ => ListKind::Atomic,
    };
    let items = schema.get("items").map_or(Type::Any, |items| schema_type(items, depth + 1));
    List { items: Arc::new(items), kind }
}

fn list_keys(schema: &Value) -> Vec<String> {
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn object(schema: &Value, depth: usize) -> Type {
    let atomic = schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic");
    let preserve = schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true);
    let additional = schema.get("additionalProperties").filter(|of| of.is_object() || of.as_bool() == Some(true));
    if let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|of| !of.is_empty()) {
        let fields: BTreeMap<String, Field> =
            properties.iter().map(|(name, property)| (name.clone(), field(property, depth))).collect();
        let others = preserve.then(|| Arc::new(Type::Any));
        return Type::Struct(Struct { fields, others, atomic });
    }
    if preserve && additional.is_none() && !atomic {
        return Type::Any;
    }
    let values = additional.map_or(Type::Any, |values| schema_type(values, depth + 1));
    Type::Map(Map { values: Arc::new(values), atomic })
}

fn field(schema: &Value, depth: usize) -> Field {
    Field {
        ty: Arc::new(schema_type(schema, depth + 1)),
        default: schema.get("default").cloned(),
        patch: PatchStrategy::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_and_maps_as_the_schema_says() {
        let ty = custom_resource(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "plain": {"type": "array", "items": {"type": "string"}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"], "items": {"type": "object"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "atomic": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "integer"}}},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "either": {"x-kubernetes-int-or-string": true},
        }}}}));
        let spec = ty.child("spec").expect("spec");
        let kind = |name: &str| match spec.child(name) {
            Some(Type::List(list)) => list.kind.clone(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(kind("plain"), ListKind::Atomic);
        assert_eq!(kind("set"), ListKind::Set);
        assert_eq!(kind("map"), ListKind::Map(vec!["a".into(), "b".into()]));
        assert!(matches!(spec.child("labels"), Some(Type::Map(Map { atomic: false, .. }))));
        assert!(matches!(spec.child("atomic"), Some(Type::Struct(Struct { atomic: true, .. }))));
        assert_eq!(spec.child("open"), Some(&Type::Any));
        assert_eq!(spec.child("either"), Some(&Type::Scalar(Scalar::Untyped)));
        assert_eq!(spec.child("unknown"), None);
        assert!(ty.child("metadata").is_some_and(|meta| meta.is_named_field("labels")));
    }

    #[test]
    fn no_schema_means_anything_goes() {
        for schema in [json!(null), json!({}), json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})]
        {
            let ty = custom_resource(&schema);
            assert_eq!(ty.child("spec"), Some(&Type::Any), "{schema}");
        }
    }

    #[test]
    fn absurd_depth_ends() {
        let mut schema = json!({"type": "string"});
        for _ in 0..200 {
            schema = json!({"type": "array", "items": schema});
        }
        let _ = custom_resource(&schema);
    }
}
