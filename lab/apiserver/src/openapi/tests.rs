use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::registry::Registry;

fn all() -> Vec<Document> {
    let registry = Registry::with_built_ins();
    registry
        .all()
        .into_iter()
        .map(|resource| {
            let mut document = Document::new(&resource.group, &resource.versions[0].name);
            document.add(Arc::clone(&resource));
            document
        })
        .collect()
}

#[test]
fn every_reference_leads_to_a_schema_of_the_document() {
    for document in all() {
        let rendered = document.render();
        let schemas = rendered["components"]["schemas"].as_object().unwrap();
        let mut missing = BTreeSet::new();
        builtin::references(&rendered, &mut |target| {
            if !schemas.contains_key(target.trim_start_matches(builtin::REFERENCE)) {
                missing.insert(target.to_owned());
            }
        });
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn every_built_in_kind_is_described() {
    for resource in Registry::with_built_ins().all() {
        let name = builtin::BUILT_IN.name(&resource.group, &resource.versions[0].name, &resource.kind);
        assert!(name.is_some(), "{} {}", resource.group, resource.kind);
    }
}

#[test]
fn kubectl_finds_that_the_server_validates() {
    let registry = Registry::with_built_ins();
    let mut document = Document::new("", "v1");
    document.add(registry.get("", "services").unwrap());
    let paths = &document.render()["paths"];
    let patch = &paths["/api/v1/namespaces/{namespace}/services/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"], json!({"group": "", "version": "v1", "kind": "Service"}));
    assert!(patch["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "fieldValidation"));
}

#[test]
fn the_same_content_has_the_same_time() {
    assert_eq!(last_modified("a"), last_modified("a"));
    assert_ne!(last_modified("a"), last_modified("b"));
    assert!(last_modified("a").ends_with(" GMT"));
}
