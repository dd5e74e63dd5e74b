//! The CustomResourceDefinitions as a whole: committed as generated, and such as Kubernetes takes.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a test that cannot go on fails")]

use std::path::Path;

use herald_apiserver_schema::Schema;
use herald_crds::definition;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

fn all() -> Vec<CustomResourceDefinition> {
    definition::all().unwrap()
}

/// Every schema, as `(kind/version, schema)`.
fn schemas() -> Vec<(String, Value)> {
    let mut schemas = Vec::new();
    for definition in all() {
        for version in &definition.spec.versions {
            let schema = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            let name = format!("{}/{}", definition.spec.names.kind, version.name);
            schemas.push((name, serde_json::to_value(schema).unwrap()));
        }
    }
    schemas
}

#[test]
fn committed_yaml_is_what_make_crds_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    let mut expected = vec!["kustomization.yaml".to_owned()];
    for definition in all() {
        let (file, text) = definition::to_yaml(&definition).unwrap();
        let committed = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(committed == text, "crds/yaml/{file} is not what the types say: run `make crds`");
        expected.push(file);
    }
    let mut present: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    expected.sort();
    present.sort();
    assert_eq!(present, expected);
    let kustomization = std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    for file in present.iter().filter(|file| *file != "kustomization.yaml") {
        assert!(kustomization.contains(&format!("- {file}")), "kustomization.yaml lacks {file}");
    }
}

#[test]
fn yaml_reads_back_as_the_same_definition() {
    for definition in all() {
        let (_, text) = definition::to_yaml(&definition).unwrap();
        let read: CustomResourceDefinition = serde_yaml::from_str(&text).unwrap();
        assert_eq!(read, definition);
    }
}

#[test]
fn kinds_and_versions() {
    let found: Vec<_> = all()
        .into_iter()
        .map(|definition| {
            let versions: Vec<_> = definition
                .spec
                .versions
                .iter()
                .map(|version| format!("{}{}", version.name, if version.storage { "*" } else { "" }))
                .collect();
            assert_eq!(definition.spec.scope, "Namespaced");
            assert_eq!(definition.spec.conversion.as_ref().unwrap().strategy, "None");
            format!("{} {}", definition.metadata.name.unwrap(), versions.join(" "))
        })
        .collect();
    assert_eq!(
        found,
        [
            "bfdprofiles.metallb.io v1beta1*",
            "bgpadvertisements.metallb.io v1beta1*",
            "bgppeers.metallb.io v1beta1 v1beta2*",
            "bgpsessionstates.metallb.io v1beta1*",
            "communities.metallb.io v1beta1*",
            "configurationstates.metallb.io v1beta1*",
            "ipaddresspools.metallb.io v1beta1*",
            "l2advertisements.metallb.io v1beta1*",
            "servicebgpstatuses.metallb.io v1beta1*",
            "servicel2statuses.metallb.io v1beta1*",
        ]
    );
}

#[test]
fn both_versions_of_a_peer_have_one_schema() {
    let all = all();
    let peer = all.iter().find(|definition| definition.spec.names.kind == "BGPPeer").unwrap();
    let [old, new] = peer.spec.versions.as_slice() else { panic!("two versions") };
    assert_eq!(old.schema, new.schema);
    assert_eq!((old.deprecated, new.deprecated), (Some(true), None));
    assert!(old.deprecation_warning.as_ref().unwrap().contains("v1beta2"));
    assert!(old.served && new.served && new.storage && !old.storage);
}

#[test]
fn the_api_server_takes_every_schema() {
    for (name, schema) in schemas() {
        if let Err(causes) = Schema::parse(&schema, "schema") {
            panic!("{name}: {causes:#?}");
        }
    }
}

/// Calls `visit` with every subschema and its place.
fn walk(place: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(place, schema);
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            walk(&format!("{place}.{name}"), property, visit);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            walk(&format!("{place}[]"), &schema[inner], visit);
        }
    }
}

#[test]
fn no_schema_says_what_kubernetes_does_not_mean() {
    for (name, schema) in schemas() {
        walk(&name, &schema, &mut |place, schema| {
            for key in ["nullable", "title", "oneOf", "anyOf", "allOf", "$ref"] {
                assert!(schema.get(key).is_none(), "{place} has {key}");
            }
            assert_ne!(schema.get("default"), Some(&Value::Null), "{place} defaults to null");
            if let Some(format) = schema["format"].as_str() {
                assert!(["int32", "int64", "date-time"].contains(&format), "{place}: {format}");
            }
            assert!(schema["type"].is_string(), "{place} has no type");
        });
    }
}

#[test]
fn every_field_is_explained() {
    for (name, schema) in schemas() {
        walk(&name, &schema, &mut |place, schema| {
            // `metadata` is explained by the API server; an item of a list by the list.
            let explained_elsewhere = place.ends_with("[]") || place.ends_with(".metadata");
            let description = schema["description"].as_str().unwrap_or_default();
            assert!(explained_elsewhere || description.len() > 5, "{place}: {description:?}");
        });
    }
}

#[test]
fn every_rule_has_words_of_its_own() {
    for (name, schema) in schemas() {
        walk(&name, &schema, &mut |place, schema| {
            for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                let words = rule["message"].as_str().or(rule["messageExpression"].as_str());
                assert!(words.is_some_and(|words| !words.is_empty()), "{place}: {rule}");
            }
        });
    }
}

/// MetalLB's columns come first and unchanged: people cut them out by number.
#[test]
fn printer_columns() {
    for (kind, metallb) in [
        ("IPAddressPool", &["Auto Assign", "Avoid Buggy IPs", "Addresses"][..]),
        ("L2Advertisement", &["IPAddressPools", "IPAddressPool Selectors", "Interfaces", "Node Selectors"]),
        ("BGPAdvertisement", &["IPAddressPools", "IPAddressPool Selectors", "Peers", "Node Selectors"]),
        ("BGPPeer", &["Address", "ASN", "BFD Profile", "Multi Hops"]),
        ("BFDProfile", &["Passive Mode", "Transmit Interval", "Receive Interval", "Multiplier"]),
        ("ServiceL2Status", &["Allocated Node", "Service Name", "Service Namespace"]),
        ("ServiceBGPStatus", &["Node", "Service Name", "Service Namespace"]),
        ("ConfigurationState", &["Result", "ErrorSummary", "Age"]),
    ] {
        let all = all();
        let definition = all.iter().find(|definition| definition.spec.names.kind == kind).unwrap();
        for version in &definition.spec.versions {
            let columns = version.additional_printer_columns.as_ref().unwrap();
            let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(&names[..metallb.len()], metallb, "{kind}");
        }
    }
}
