use serde_json::{Value, json};

use super::*;
use crate::server::Pace;

fn groups() -> Groups {
    Groups::of(&Api::new("token", 10, Pace::default()))
}

#[test]
fn the_first_alternative_that_can_be_given_decides() {
    let version = |accept: &'static str| aggregated::version([accept].into_iter());
    let both = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
    assert_eq!(version(both), Some("v2"));
    assert_eq!(version("application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io"), Some("v2beta1"));
    assert_eq!(version("application/json, application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"), None);
    assert_eq!(version("application/vnd.kubernetes.protobuf, */*"), None);
    assert_eq!(version("application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList"), None);
}

#[test]
fn resources_stand_with_their_subresources() {
    let document = legacy::resources(&groups(), "", "v1").unwrap();
    let names: Vec<&str> =
        document["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    let services = names.iter().position(|name| *name == "services").unwrap();
    assert!(names[services..].contains(&"services/status"), "{names:?}");
    assert_eq!(document["groupVersion"], "v1");
    assert_eq!(legacy::resources(&groups(), "", "v2"), None);
    assert_eq!(legacy::resources(&groups(), "none.example.com", "v1"), None);
}

#[test]
fn a_group_knows_its_versions() {
    let apps = legacy::group(&groups(), "apps").unwrap();
    assert_eq!(apps["preferredVersion"], json!({"groupVersion": "apps/v1", "version": "v1"}));
    assert_eq!(legacy::group(&groups(), ""), None);
    let all: Value = legacy::groups(&groups());
    assert_eq!(all["groups"][0]["name"], "apps");
}
