//! What stands on the objects besides addresses: ConfigurationState, pool conditions, requests that are answered.

use std::time::Duration;

use herald_crds::ConfigurationState;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::cluster::{Cluster, NAMESPACE, condition, shown};

/// Waits until the ConfigurationState `controller` is as wanted, and returns it as JSON.
async fn until_state(states: &Api<ConfigurationState>, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..2000 {
        let state = states.get_opt("controller").await.unwrap();
        let state = state.map(|state| serde_json::to_value(state).unwrap());
        if let Some(state) = state.filter(&wanted) {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never as wanted: {:#?}", states.get_opt("controller").await);
}

#[tokio::test]
async fn the_configuration_state_follows_the_objects_and_comes_back() {
    let cluster = Cluster::start().await;
    let states: Api<ConfigurationState> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let controller = cluster.controller();
    let result = |wanted: &'static str| move |state: &Value| state["status"]["result"] == wanted;
    let state = until_state(&states, result("Valid")).await;
    assert_eq!(state["metadata"]["labels"], json!({"metallb.io/component-type": "controller"}));
    assert_eq!(state["metadata"].get("ownerReferences"), None);
    let condition = &state["status"]["conditions"][0];
    assert_eq!((&condition["type"], &condition["status"]), (&json!("poolReconcilerValid"), &json!("True")));
    // CEL can't see that an IPv6 range is the wrong way round.
    cluster.create_pool("backwards", &["2001:db8::9-2001:db8::1"]).await;
    let state = until_state(&states, result("Invalid")).await;
    let summary = state["status"]["errorSummary"].as_str().unwrap();
    assert!(summary.starts_with("IPAddressPool backwards: InvalidAddresses: "), "{summary}");
    assert_eq!(state["status"]["conditions"][0]["reason"], "ConfigurationError");
    let version = states.get("controller").await.unwrap().resource_version();
    // A Service is no news to it, nor is a restart.
    cluster.create("web", json!({})).await;
    controller.stop().await;
    let controller = cluster.controller();
    cluster.until("web", |service| crate::cluster::condition(service).is_some()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(states.get("controller").await.unwrap().resource_version(), version);
    states.delete("controller", &DeleteParams::default()).await.unwrap();
    until_state(&states, result("Invalid")).await;
    cluster.pools.delete("backwards", &DeleteParams::default()).await.unwrap();
    let state = until_state(&states, result("Valid")).await;
    assert_eq!(state["status"].get("errorSummary"), None);
    controller.stop().await;
}

#[tokio::test]
async fn a_service_is_moved_when_its_user_asks_and_the_request_is_gone() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/30"]).await;
    let controller = cluster.controller();
    cluster.create("web", json!({"keep": "this"})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    cluster.patch("web", json!({"metadata": {"annotations": {"metallb.io/reallocate": "2026-11-21"}}})).await;
    let moved = cluster.until_shows("web", "192.0.2.1").await;
    assert_eq!(moved.annotations().get("metallb.io/reallocate"), None);
    assert_eq!(moved.annotations()["keep"], "this");
    let requested = json!({"metallb.io/loadBalancerIPs": "192.0.2.1", "metallb.io/reallocate": "again"});
    cluster.patch("web", json!({"metadata": {"annotations": requested}})).await;
    let asked = |name: &'static str| {
        move |service: &k8s_openapi::api::core::v1::Service| !service.annotations().contains_key(name)
    };
    let stays = cluster.until("web", asked("metallb.io/reallocate")).await;
    assert_eq!(shown(&stays), "192.0.2.1");
    let conditions = stays.status.and_then(|status| status.conditions).unwrap();
    assert!(conditions[0].message.contains("it asks for exactly what it has"), "{conditions:?}");
    let events = cluster.until_events("web", 3).await;
    assert!(events.iter().any(|event| event.starts_with("NotReallocated: ")), "{events:?}");
    controller.stop().await;
}

#[tokio::test]
async fn a_shrunk_pool_tells_what_it_left_behind() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/30"]).await;
    let controller = cluster.controller();
    cluster.create("web", json!({})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    let smaller = json!({"spec": {"addresses": ["192.0.2.3/32"], "herald": {"maxPerNamespace": 1}}});
    cluster.pools.patch("p", &PatchParams::default(), &Patch::Merge(smaller)).await.unwrap();
    let says = |kind: &'static str, status: &'static str| {
        move |pool: &herald_crds::IPAddressPool| {
            let mut conditions = pool.status.iter().flat_map(|status| &status.conditions);
            conditions.any(|one| one.type_ == kind && one.status == status)
        }
    };
    let pool = cluster.until_pool("p", says("Retained", "True")).await;
    let conditions = pool.status.unwrap().conditions;
    let retained = conditions.iter().find(|one| one.type_ == "Retained").unwrap();
    assert!(retained.message.contains("192.0.2.0 (default/web)"), "{}", retained.message);
    let web = cluster.until("web", |service| condition(service) == Some(("True", "Retained"))).await;
    assert_eq!(shown(&web), "192.0.2.0");
    // The one address that the namespace may have of the pool.
    cluster.create("second", json!({})).await;
    cluster.until_shows("second", "192.0.2.3").await;
    cluster.until_pool("p", says("Exhausted", "True")).await;
    cluster.create("third", json!({"metallb.io/loadBalancerIPs": "192.0.2.3"})).await;
    cluster.until("third", |service| condition(service) == Some(("False", "AddressInUse"))).await;
    controller.stop().await;
}
