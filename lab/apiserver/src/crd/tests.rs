use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::registry::Resource;
use crate::server::Pace;
use crate::store::{Expect, key};

fn api() -> Arc<Api> {
    Api::new("token", 100, Pace::default())
}

fn definition(plural: &str, kind: &str) -> Value {
    let version = |name: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": {"type": "object", "properties": {
                "a": {"type": "string"}, "b": {"type": "string"},
            }}},
        }}})
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.example.com")},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": [version("v1", true), version("v2", false)],
        },
    })
}

/// Creates a definition as the REST API does.
fn create(api: &Api, mut object: Value) {
    Definitions.set_defaults(&mut object);
    Definitions.prepare_for_create(&mut object);
    assert_eq!(Definitions.validate(&object, None, Part::Object), []);
    let name = crate::meta::name(&object).to_owned();
    let stored = api.store.put(&Arc::from(COLLECTION), &name, Expect::Absent, object).unwrap();
    Definitions.written(api, None, Some(&stored));
}

fn change(api: &Api, name: &str, change: impl Fn(&mut Value)) {
    let old = api.store.get(COLLECTION, name).unwrap();
    let mut new = old.value.clone();
    change(&mut new);
    Definitions.prepare_for_update(&mut new, &old.value, Part::Object);
    assert_eq!(Definitions.validate(&new, Some(&old.value), Part::Object), []);
    let stored = api.store.put(&Arc::from(COLLECTION), name, Expect::At(old.revision), new).unwrap();
    Definitions.written(api, Some(&old), Some(&stored));
}

fn delete(api: &Api, name: &str) {
    let old = api.store.get(COLLECTION, name).unwrap();
    let mut new = old.value.clone();
    new["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    Definitions.begin_deletion(&mut new);
    let stored = api.store.put(&Arc::from(COLLECTION), name, Expect::At(old.revision), new).unwrap();
    Definitions.written(api, Some(&old), Some(&stored));
}

fn instance(api: &Api, plural: &str, metadata: Value) -> (Arc<Resource>, String) {
    let resource = api.registry.get("example.com", plural).unwrap();
    let mut object = json!({"apiVersion": "example.com/v1", "kind": resource.kind, "metadata": metadata, "spec": {}});
    resource.strategy.set_defaults(&mut object);
    let key = key("n", crate::meta::name(&object));
    api.store.put(&resource.collection, &key, Expect::Absent, object).unwrap();
    (resource, key)
}

fn condition(api: &Api, name: &str, kind: &str) -> String {
    let definition = api.store.get(COLLECTION, name).unwrap();
    let conditions = items(&definition.value["status"], "conditions");
    let found = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
    format!("{} {}", found["status"].as_str().unwrap(), found["reason"].as_str().unwrap())
}

#[test]
fn a_definition_is_served_once_its_names_are_accepted() {
    let api = api();
    create(&api, definition("pools", "Pool"));
    assert_eq!(condition(&api, "pools.example.com", "Established"), "True InitialNamesAccepted");
    let resource = api.registry.get("example.com", "pools").unwrap();
    assert_eq!((resource.singular.as_str(), resource.list_kind.as_str()), ("pool", "PoolList"));
    let versions: Vec<&str> = resource.versions.iter().map(|version| version.name.as_str()).collect();
    assert_eq!(versions, ["v2", "v1"], "the preferred one first");
    assert_eq!(resource.storage, "v1");
}

#[test]
fn names_that_become_free_are_given_to_who_waits() {
    let api = api();
    create(&api, definition("pools", "Pool"));
    create(&api, definition("others", "Pool"));
    assert_eq!(condition(&api, "others.example.com", "NamesAccepted"), "False ListKindConflict");
    assert!(api.registry.get("example.com", "others").is_none());
    delete(&api, "pools.example.com");
    assert!(api.store.get(COLLECTION, "pools.example.com").is_none());
    assert!(api.registry.get("example.com", "pools").is_none());
    assert_eq!(condition(&api, "others.example.com", "Established"), "True InitialNamesAccepted");
    assert!(api.registry.get("example.com", "others").is_some());
}

#[test]
fn instances_go_with_their_definition() {
    let api = api();
    create(&api, definition("pools", "Pool"));
    let (resource, _) = instance(&api, "pools", json!({"name": "a", "namespace": "n"}));
    delete(&api, "pools.example.com");
    assert!(api.store.list(&resource.collection, "").objects.is_empty());
    assert!(api.store.get(COLLECTION, "pools.example.com").is_none());
}

#[test]
fn an_instance_with_finalizers_keeps_its_definition() {
    let api = api();
    create(&api, definition("pools", "Pool"));
    let (resource, key) = instance(&api, "pools", json!({"name": "a", "namespace": "n", "finalizers": ["x/y"]}));
    delete(&api, "pools.example.com");
    assert_eq!(condition(&api, "pools.example.com", "Terminating"), "True InstanceDeletionInProgress");
    assert!(api.registry.get("example.com", "pools").is_some(), "somebody must be able to remove the finalizer");
    let marked = api.store.get(&resource.collection, &key).unwrap();
    assert!(marked.value["metadata"]["deletionTimestamp"].is_string());
    api.store.delete(&resource.collection, &key, marked.revision, None).unwrap();
    resource.strategy.written(&api, Some(&marked), None);
    assert!(api.store.get(COLLECTION, "pools.example.com").is_none());
    assert!(api.registry.get("example.com", "pools").is_none());
}

#[test]
fn a_changed_schema_shows_on_what_is_there_without_a_write() {
    let api = api();
    create(&api, definition("pools", "Pool"));
    let (resource, key) = instance(&api, "pools", json!({"name": "a", "namespace": "n"}));
    let before = api.store.get(&resource.collection, &key).unwrap();
    change(&api, "pools.example.com", |definition| {
        let fields = "/schema/openAPIV3Schema/properties/spec/properties/b";
        for version in definition["spec"]["versions"].as_array_mut().unwrap() {
            version.pointer_mut(fields).unwrap()["default"] = json!("new");
            version["storage"] = json!(version["name"] == "v2");
        }
    });
    let after = api.store.get(&resource.collection, &key).unwrap();
    assert_eq!(after.revision, before.revision);
    assert_eq!(after.value["spec"], json!({"b": "new"}));
    assert_eq!(after.value["apiVersion"], "example.com/v2");
    let definition = api.store.get(COLLECTION, "pools.example.com").unwrap();
    assert_eq!(definition.value["status"]["storedVersions"], json!(["v1", "v2"]));
    assert_eq!(definition.value["metadata"]["generation"], 2);
}

#[test]
fn what_differs_between_versions_is_named_by_version() {
    let mut object = definition("pools", "Pool");
    object["spec"]["versions"][1]["schema"]["openAPIV3Schema"] = json!({"type": "object", "properties": {"x": {}}});
    Definitions.set_defaults(&mut object);
    Definitions.prepare_for_create(&mut object);
    let causes = Definitions.validate(&object, None, Part::Object);
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["spec.versions[1].schema.openAPIV3Schema.properties[x].type"]);
}

#[test]
fn columns_and_selectable_fields_are_checked() {
    let mut object = definition("pools", "Pool");
    for version in object["spec"]["versions"].as_array_mut().unwrap() {
        version["additionalPrinterColumns"] = json!([{"name": "A", "type": "text", "jsonPath": "spec["}]);
        version["selectableFields"] = json!([{"jsonPath": ".spec.none"}, {"jsonPath": ".spec.a"}]);
    }
    Definitions.set_defaults(&mut object);
    Definitions.prepare_for_create(&mut object);
    let causes = Definitions.validate(&object, None, Part::Object);
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    let expected = [
        "spec.selectableFields[0].jsonPath",
        "spec.additionalPrinterColumns[0].type",
        "spec.additionalPrinterColumns[0].JSONPath",
    ];
    assert_eq!(fields, expected);
}
