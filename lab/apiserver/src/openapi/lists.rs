//! How the lists of built-in kinds merge: what `kubectl apply` and `kubectl edit` must know to make their patches.
//!
//! The schemas come from Rust types, which do not say it; the types that the server itself merges by do.

use std::collections::{BTreeMap, BTreeSet};

use herald_apiserver_patch::builtin;
use herald_apiserver_patch::types::{Field, ListKind, Type};
use serde_json::{Map, Value, json};

use super::builtin::REFERENCE;

/// Adds `x-kubernetes-patch-strategy`, `-patch-merge-key`, `-list-type` and `-list-map-keys` to the schema of a kind and
/// to those that it refers to.
pub(super) fn annotate(schemas: &mut BTreeMap<String, Value>, name: &str, api_version: &str, kind: &str) {
    if let Some(ty) = builtin(api_version, kind) {
        walk(schemas, name, ty, &mut BTreeSet::new());
    }
}

fn walk(schemas: &mut BTreeMap<String, Value>, name: &str, ty: &Type, seen: &mut BTreeSet<String>) {
    let Type::Struct(of) = ty else { return };
    if !seen.insert(name.to_owned()) {
        return;
    }
    let mut below: Vec<(String, &Type)> = Vec::new();
    if let Some(Value::Object(properties)) = schemas.get_mut(name).and_then(|schema| schema.get_mut("properties")) {
        for (property, field) in &of.fields {
            if let Some(Value::Object(schema)) = properties.get_mut(property) {
                mark(schema, field);
                below.extend(target(schema).map(|name| (name, innermost(&field.ty))));
            }
        }
    }
    for (name, ty) in below {
        walk(schemas, &name, ty, seen);
    }
}

/// The type of a list's items or a map's values, else the type itself.
fn innermost(ty: &Type) -> &Type {
    match ty {
        Type::List(list) => innermost(&list.items),
        Type::Map(map) => innermost(&map.values),
        other => other,
    }
}

/// The schema that a property refers to, for itself, its items or its values.
fn target(property: &Map<String, Value>) -> Option<String> {
    let of = |value: &Value| value.get("$ref").and_then(Value::as_str).map(str::to_owned);
    let inner = |name: &str| property.get(name).and_then(of);
    let all_of = || property.get("allOf").and_then(|all| all.get(0)).and_then(of);
    let own = property.get("$ref").and_then(Value::as_str).map(str::to_owned);
    let reference = own.or_else(all_of).or_else(|| inner("items")).or_else(|| inner("additionalProperties"))?;
    reference.strip_prefix(REFERENCE).map(str::to_owned)
}

fn mark(property: &mut Map<String, Value>, field: &Field) {
    let mut marks: Vec<(&str, Value)> = Vec::new();
    let strategy = match (field.patch.merge, field.patch.retain_keys) {
        (true, true) => "merge,retainKeys",
        (true, false) => "merge",
        (false, true) => "retainKeys",
        (false, false) => "",
    };
    if !strategy.is_empty() {
        marks.push(("x-kubernetes-patch-strategy", strategy.into()));
    }
    if let Some(key) = &field.patch.key {
        marks.push(("x-kubernetes-patch-merge-key", key.as_str().into()));
    }
    if let Type::List(list) = &*field.ty {
        match &list.kind {
            ListKind::Atomic => marks.push(("x-kubernetes-list-type", "atomic".into())),
            ListKind::Set => marks.push(("x-kubernetes-list-type", "set".into())),
            ListKind::Map(keys) => {
                marks.push(("x-kubernetes-list-type", "map".into()));
                marks.push(("x-kubernetes-list-map-keys", json!(keys)));
            }
        }
    }
    // Nothing may stand beside a reference.
    if let (false, Some(reference)) = (marks.is_empty(), property.remove("$ref")) {
        property.insert("allOf".to_owned(), json!([{"$ref": reference}]));
    }
    for (name, value) in marks {
        property.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::builtin::BUILT_IN;
    use super::*;

    fn property(schema: &str, property: &str) -> Value {
        BUILT_IN.get(schema).and_then(|schema| schema.pointer(&format!("/properties/{property}"))).cloned().unwrap()
    }

    #[test]
    fn kubectl_can_see_how_lists_merge() {
        let ports = property("io.k8s.api.core.v1.ServiceSpec", "ports");
        assert_eq!(ports["x-kubernetes-patch-strategy"], "merge");
        assert_eq!(ports["x-kubernetes-patch-merge-key"], "port");
        assert_eq!(ports["x-kubernetes-list-map-keys"], json!(["port", "protocol"]));
        let conditions = property("io.k8s.api.core.v1.ServiceStatus", "conditions");
        assert_eq!(conditions["x-kubernetes-patch-merge-key"], "type");
        let finalizers = property("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "finalizers");
        assert_eq!(finalizers["x-kubernetes-list-type"], "set");
        let containers = property("io.k8s.api.core.v1.PodSpec", "containers");
        assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
        let ingress = property("io.k8s.api.core.v1.LoadBalancerStatus", "ingress");
        assert_eq!(ingress["x-kubernetes-list-type"], "atomic");
        assert_eq!(ingress.get("x-kubernetes-patch-strategy"), None);
    }

    #[test]
    fn a_strategy_stands_beside_no_reference() {
        let strategy = property("io.k8s.api.apps.v1.DeploymentSpec", "strategy");
        assert_eq!(strategy["x-kubernetes-patch-strategy"], "retainKeys");
        assert_eq!(strategy.get("$ref"), None);
    }
}
