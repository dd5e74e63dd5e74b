//! The files in `config/` against the definitions: samples are accepted, rights name what exists.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use herald_apiserver_schema::{Part, Schema};
use herald_compiler::{Objects, compile};
use herald_crds::{border, definition};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde::Deserialize as _;
use serde_json::Value;

fn config(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config").join(below)
}

/// All documents of a YAML file.
fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    serde_yaml::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

/// Every document of every sample, with the name of its file.
fn samples() -> Vec<(String, Value)> {
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(config("samples")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        samples.extend(documents(&path).into_iter().map(|document| (file.clone(), document)));
    }
    samples
}

/// Schemas by `apiVersion kind`.
fn schemas() -> BTreeMap<String, Schema> {
    let mut schemas = BTreeMap::new();
    for definition in definition::all().unwrap() {
        for version in &definition.spec.versions {
            let openapi = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            let schema = Schema::parse(&serde_json::to_value(openapi).unwrap(), "schema").unwrap();
            schemas.insert(format!("metallb.io/{} {}", version.name, definition.spec.names.kind), schema);
        }
    }
    schemas
}

#[test]
fn samples_are_accepted() {
    let schemas = schemas();
    let mut kinds = BTreeSet::new();
    for (file, mut sample) in samples() {
        let (api_version, kind) = (sample["apiVersion"].as_str().unwrap(), sample["kind"].as_str().unwrap());
        let type_ = format!("{api_version} {kind}");
        if type_ == "v1 Service" {
            let service: Service = serde_json::from_value(sample).unwrap();
            assert_eq!(service.spec.unwrap().type_.as_deref(), Some("LoadBalancer"), "{file}");
            continue;
        }
        assert_eq!(sample["metadata"]["namespace"], "metallb-system", "{file}");
        let schema = &schemas[&type_];
        assert_eq!(schema.prune(&mut sample), Vec::<String>::new(), "{file}");
        schema.apply_defaults(&mut sample);
        let causes = schema.check(&sample, None, Part::Object);
        assert!(causes.is_empty(), "{file}: {causes:?}");
        kinds.insert(type_);
    }
    for kind in ["v1beta1 IPAddressPool", "v1beta1 L2Advertisement", "v1beta2 BGPPeer", "v1beta1 BGPAdvertisement"] {
        assert!(kinds.contains(&format!("metallb.io/{kind}")), "no sample of {kind}");
    }
}

/// All samples may be applied together, and the compiler finds each in order.
#[test]
fn samples_mean_something() {
    let mut objects = Objects::default();
    for (_, sample) in samples() {
        fn read<T: serde::de::DeserializeOwned>(sample: Value) -> T {
            serde_json::from_value(sample).unwrap()
        }
        match sample["kind"].as_str().unwrap() {
            "IPAddressPool" => objects.pools.push(border::pool(&read(sample))),
            "L2Advertisement" => objects.l2_advertisements.push(border::l2_advertisement(&read(sample))),
            "BGPAdvertisement" => objects.bgp_advertisements.push(border::bgp_advertisement(&read(sample))),
            "BGPPeer" => objects.bgp_peers.push(border::bgp_peer(&read(sample))),
            "Community" => objects.communities.push(border::community(&read(sample))),
            "BFDProfile" => objects.bfd_profiles.push(border::bfd_profile(&read(sample))),
            _ => {}
        }
    }
    assert!(objects.pools.len() >= 4 && objects.l2_advertisements.len() >= 4);
    assert!(objects.bgp_peers.len() >= 3 && objects.bgp_advertisements.len() >= 3);
    for verdict in compile(&objects).verdicts {
        assert!(!verdict.needs_attention(), "{verdict:?}");
    }
}

#[test]
fn the_first_steps_are_those_that_courses_teach() {
    let text = std::fs::read_to_string(config("samples/first-steps.yaml")).unwrap();
    for line in [
        "metadata: { name: public-pool, namespace: metallb-system }",
        "  addresses: [ \"192.168.1.240-192.168.1.250\" ]",
        "  ipAddressPools: [ \"public-pool\" ]",
        "  externalTrafficPolicy: Local",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

/// The rules of every Role and ClusterRole in `config/rbac`.
fn rules() -> Vec<(String, PolicyRule)> {
    let mut rules = Vec::new();
    for file in ["controller.yaml", "speaker.yaml"] {
        for document in documents(&config("rbac").join(file)) {
            let name = format!("{file} {}", document["kind"]);
            for rule in document["rules"].as_array().into_iter().flatten() {
                rules.push((name.clone(), serde_json::from_value(rule.clone()).unwrap()));
            }
        }
    }
    assert!(rules.len() >= 10);
    rules
}

#[test]
fn rights_name_kinds_that_exist() {
    let mut known = BTreeSet::new();
    for definition in definition::all().unwrap() {
        known.insert(definition.spec.names.plural.clone());
        known.insert(format!("{}/status", definition.spec.names.plural));
    }
    for (name, rule) in rules() {
        if rule.api_groups == Some(vec!["metallb.io".into()]) {
            for resource in rule.resources.unwrap() {
                assert!(known.contains(&resource), "{name}: {resource}");
            }
        }
    }
}

#[test]
fn nothing_is_granted_wholesale() {
    for (name, rule) in rules() {
        let everything = rule
            .verbs
            .iter()
            .chain(rule.resources.iter().flatten())
            .chain(rule.api_groups.iter().flatten())
            .any(|word| word == "*");
        assert!(!everything, "{name}: {rule:?}");
        let secrets = rule.resources.iter().flatten().any(|resource| resource == "secrets");
        assert!(!(secrets && name.contains("ClusterRole")), "{name} may read secrets of all namespaces");
    }
}
