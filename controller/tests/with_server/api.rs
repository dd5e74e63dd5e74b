//! The controller against an API server: what users do and see.

use std::time::Duration;

use herald_crds::IPAddressPool;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::cluster::{Cluster, NAMESPACE, condition, recorded_pool, shown};

#[tokio::test]
async fn a_service_gets_an_address_an_annotation_a_condition_and_an_event() {
    let cluster = Cluster::start().await;
    let controller = cluster.controller();
    cluster.create_pool("public-pool", &["192.168.1.240-192.168.1.250"]).await;
    cluster.create("web-lb", json!({"keep": "this"})).await;
    let service = cluster.until_shows("web-lb", "192.168.1.240").await;
    assert_eq!(recorded_pool(&service), Some("public-pool"));
    assert_eq!(service.annotations()["keep"], "this");
    assert_eq!(condition(&service), Some(("True", "Allocated")));
    let ingress = &service.status.as_ref().unwrap().load_balancer.as_ref().unwrap().ingress.as_ref().unwrap()[0];
    assert_eq!(ingress.ip_mode.as_deref(), Some("VIP"));
    let managers: Vec<_> = service.managed_fields().iter().filter_map(|entry| entry.manager.as_deref()).collect();
    assert!(managers.contains(&"herald-controller"), "{managers:?}");
    assert_eq!(cluster.until_events("web-lb", 1).await, ["IPAllocated: Assigned IP [\"192.168.1.240\"]"]);
    let pool =
        cluster.until_pool("public-pool", |pool| pool.status.as_ref().is_some_and(|status| status.assigned_ipv4 == 1));
    let status = pool.await.status.unwrap();
    assert_eq!(status.available_ipv4, 10);
    assert!(status.conditions.iter().any(|one| one.type_ == "Accepted" && one.status == "True"));
    controller.stop().await;
}

#[tokio::test]
async fn a_requested_address_in_a_pool_is_given_and_one_outside_is_named() {
    let cluster = Cluster::start().await;
    cluster.create_pool("public-pool", &["192.168.1.240-192.168.1.250", "2001:db8::/120"]).await;
    let controller = cluster.controller();
    cluster.create("inside", json!({"metallb.io/loadBalancerIPs": "192.168.1.245"})).await;
    cluster.create("outside", json!({"metallb.io/loadBalancerIPs": "10.0.0.1"})).await;
    cluster.create("old-way", json!({"metallb.universe.tf/loadBalancerIPs": "192.168.1.246"})).await;
    cluster.until_shows("inside", "192.168.1.245").await;
    cluster.until_shows("old-way", "192.168.1.246").await;
    let outside = cluster.until("outside", |service| condition(service).is_some()).await;
    assert_eq!(condition(&outside), Some(("False", "AddressNotInPool")));
    assert_eq!((shown(&outside), recorded_pool(&outside)), (String::new(), None));
    let events = cluster.until_events("outside", 1).await;
    assert!(events[0].starts_with("AllocationFailed: ") && events[0].contains("10.0.0.1"), "{events:?}");
    assert!(events[0].contains("public-pool"), "{events:?}");
    controller.stop().await;
}

#[tokio::test]
async fn a_deleted_services_address_goes_to_who_waits() {
    let cluster = Cluster::start().await;
    cluster.create_pool("one", &["192.0.2.7/32"]).await;
    let controller = cluster.controller();
    cluster.create("first", json!({})).await;
    cluster.until_shows("first", "192.0.2.7").await;
    cluster.create("second", json!({})).await;
    cluster.until("second", |service| condition(service) == Some(("False", "NoAddressAvailable"))).await;
    cluster.delete("first").await;
    cluster.until_shows("second", "192.0.2.7").await;
    controller.stop().await;
}

#[tokio::test]
async fn a_change_of_type_frees_the_address_and_takes_our_marks_off() {
    let cluster = Cluster::start().await;
    cluster.create_pool("one", &["192.0.2.7/32"]).await;
    let controller = cluster.controller();
    cluster.create("first", json!({"keep": "this"})).await;
    cluster.until_shows("first", "192.0.2.7").await;
    cluster.patch("first", json!({"spec": {"type": "ClusterIP"}})).await;
    cluster.create("second", json!({})).await;
    cluster.until_shows("second", "192.0.2.7").await;
    let first = cluster.until("first", |service| recorded_pool(service).is_none()).await;
    assert_eq!((shown(&first), condition(&first)), (String::new(), None));
    assert_eq!(first.annotations()["keep"], "this");
    // And back again.
    cluster.delete("second").await;
    cluster.patch("first", json!({"spec": {"type": "LoadBalancer"}})).await;
    cluster.until_shows("first", "192.0.2.7").await;
    controller.stop().await;
}

#[tokio::test]
async fn a_type_changed_while_no_controller_ran_is_found_at_the_start() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    let controller = cluster.controller();
    cluster.create("web", json!({})).await;
    cluster.create("stays", json!({})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    cluster.until_shows("stays", "192.0.2.1").await;
    controller.kill().await;
    cluster.patch("web", json!({"spec": {"type": "NodePort"}})).await;
    let controller = cluster.controller();
    cluster.until("web", |service| recorded_pool(service).is_none()).await;
    let stays = cluster.services.get("stays").await.unwrap();
    assert_eq!((shown(&stays).as_str(), recorded_pool(&stays)), ("192.0.2.1", Some("p")));
    controller.stop().await;
}

#[tokio::test]
async fn a_restart_moves_nothing_and_writes_nothing() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    let controller = cluster.controller();
    for name in ["c", "b", "a"] {
        cluster.create(name, json!({})).await;
        cluster.until(name, |service| !shown(service).is_empty()).await;
        cluster.until_told(name).await;
    }
    cluster.delete("c").await;
    cluster.until_pool("p", |pool| pool.status.as_ref().is_some_and(|status| status.assigned_ipv4 == 2)).await;
    controller.kill().await;
    let before = [cluster.services.get("a").await.unwrap(), cluster.services.get("b").await.unwrap()];
    let pool_before = cluster.pools.get("p").await.unwrap();

    // A Service that only the new controller can have served shows when it is done with its start.
    let controller = cluster.controller();
    cluster.create("new", json!({})).await;
    cluster.until_shows("new", "192.0.2.0").await;
    let after = [cluster.services.get("a").await.unwrap(), cluster.services.get("b").await.unwrap()];
    assert_eq!(before, after);
    assert_eq!([shown(&after[0]), shown(&after[1])], ["192.0.2.2", "192.0.2.1"]);
    cluster.until_pool("p", |pool| pool.status.as_ref().is_some_and(|status| status.assigned_ipv4 == 3)).await;
    cluster.delete("new").await;
    let pool =
        cluster.until_pool("p", |pool| pool.status.as_ref().is_some_and(|status| status.assigned_ipv4 == 2)).await;
    assert_eq!(pool.status, pool_before.status);
    controller.stop().await;
}

#[tokio::test]
async fn a_wiped_status_is_written_again_and_a_stale_decision_never_stands() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    let controller = cluster.controller();
    cluster.create("web", json!({})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    cluster.patch_status("web", json!({"status": {"loadBalancer": null}})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    // Changes as fast as they go: whatever was decided in between meets a conflict.
    for number in 1..12 {
        let address = format!("192.0.2.{number}");
        cluster.patch("web", json!({"metadata": {"annotations": {"metallb.io/loadBalancerIPs": address}}})).await;
    }
    cluster.until_shows("web", "192.0.2.11").await;
    let pool = cluster.until_pool("p", |pool| pool.status.as_ref().is_some_and(|status| status.available_ipv4 == 15));
    assert_eq!(pool.await.status.unwrap().assigned_ipv4, 1);
    controller.stop().await;
}

#[tokio::test]
async fn two_overlapping_pools_are_told_and_the_older_one_works() {
    let cluster = Cluster::start().await;
    let controller = cluster.controller();
    cluster.create_pool("older", &["192.0.2.0/31"]).await;
    tokio::time::sleep(Duration::from_millis(1100)).await; // creation times have seconds
    cluster.create_pool("younger", &["192.0.2.0/30"]).await;
    let conflicted = |pool: &herald_crds::IPAddressPool| {
        let conditions = pool.status.iter().flat_map(|status| &status.conditions);
        conditions.into_iter().any(|one| one.type_ == "Conflicted" && one.status == "True")
    };
    let younger = cluster.until_pool("younger", conflicted).await;
    let accepted = younger.status.as_ref().unwrap().conditions.iter().find(|one| one.type_ == "Accepted").unwrap();
    assert_eq!(accepted.status, "False");
    assert_eq!(younger.status.as_ref().unwrap().available_ipv4, 2);
    cluster.until_events("younger", 1).await;
    for name in ["a", "b", "c"] {
        cluster.create(name, json!({})).await;
        cluster.until(name, |service| !shown(service).is_empty()).await;
    }
    assert_eq!(recorded_pool(&cluster.services.get("c").await.unwrap()), Some("younger"));
    controller.stop().await;
}

#[tokio::test]
async fn one_unreadable_condition_does_not_stop_the_others() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    cluster.create("odd", json!({})).await;
    let patch = json!({"status": {"conditions": [{"type": "D"}]}});
    // Nobody checks what is patched into a Service's conditions; kube's own type can't read it back.
    let request = http_patch("/api/v1/namespaces/default/services/odd/status", &patch);
    cluster.client.request_text(request).await.unwrap();
    let controller = cluster.controller();
    cluster.create("web", json!({})).await;
    cluster.until("web", |service| condition(service) == Some(("True", "Allocated"))).await;
    controller.stop().await;
}

#[tokio::test]
async fn a_pool_that_can_not_be_read_does_not_stop_the_others() {
    let cluster = Cluster::start().await;
    cluster.create_pool("readable", &["192.0.2.0/28"]).await;
    // The definition of another product's version lets anything through.
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    let anything = json!([
        {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec",
         "value": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
    ]);
    let anything = Patch::Json::<()>(serde_json::from_value(anything).unwrap());
    definitions.patch("ipaddresspools.metallb.io", &PatchParams::default(), &anything).await.unwrap();
    let controller = cluster.controller();
    cluster.create("before", json!({})).await;
    cluster.until_shows("before", "192.0.2.0").await;

    let kind = ApiResource::erase::<IPAddressPool>(&());
    let pools: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), NAMESPACE, &kind);
    let odd = DynamicObject::new("odd", &kind).data(json!({"spec": {"addresses": "192.0.2.64/28"}}));
    pools.create(&PostParams::default(), &odd).await.unwrap();
    // One that was read before counts as it was then.
    let worse = Patch::Merge(json!({"spec": {"addresses": {"from": 1}}}));
    pools.patch("readable", &PatchParams::default(), &worse).await.unwrap();
    cluster.create_pool("second", &["198.51.100.0/28"]).await;
    cluster.create("of-second", json!({"metallb.io/address-pool": "second"})).await;
    cluster.until_shows("of-second", "198.51.100.0").await;
    cluster.create("of-readable", json!({"metallb.io/address-pool": "readable"})).await;
    cluster.until_shows("of-readable", "192.0.2.1").await;
    controller.stop().await;
}

#[tokio::test]
async fn an_outage_and_a_lost_history_move_nothing() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    let controller = cluster.controller();
    for name in ["a", "b"] {
        cluster.create(name, json!({})).await;
    }
    let a = cluster.until_told("a").await;
    let b = cluster.until_told("b").await;
    cluster.server.stop_serving();
    cluster.server.compact();
    cluster.server.restart();
    cluster.server.resume();
    cluster.create("c", json!({})).await;
    cluster.until_shows("c", "192.0.2.2").await;
    assert_eq!([a, b], [cluster.services.get("a").await.unwrap(), cluster.services.get("b").await.unwrap()]);
    controller.stop().await;
}

fn http_patch(path: &str, body: &serde_json::Value) -> http::Request<Vec<u8>> {
    http::Request::patch(path)
        .header("Content-Type", "application/merge-patch+json")
        .body(serde_json::to_vec(body).unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_burst_is_served_and_the_end_is_in_order() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["10.0.0.0/16"]).await;
    let controller = cluster.controller();
    let names: Vec<_> = (0..200).map(|number| format!("s{number}")).collect();
    futures::future::join_all(names.iter().map(|name| cluster.create(name, json!({})))).await;
    // Stopped in the middle of it: what was begun is finished, and the next controller goes on.
    controller.stop().await;
    let controller = cluster.controller();
    let mut all = std::collections::BTreeSet::new();
    for name in &names {
        let service = cluster.until(name, |service| !shown(service).is_empty()).await;
        assert!(all.insert(shown(&service)), "{} is on two Services", shown(&service));
    }
    controller.stop().await;
}
