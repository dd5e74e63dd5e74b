//! The condition `metallb.io/Announced`, made of what speakers say; here the test is the speaker.

use herald_controller::watch::names;
use herald_crds::{BGPAdvertisement, L2Advertisement, ServiceBGPStatus, ServiceL2Status};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::cluster::{Cluster, NAMESPACE, shown};

/// Status, reason and message of the condition.
fn announced(service: &Service) -> Option<(&str, &str, &str)> {
    let conditions = service.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == names::ANNOUNCED)?;
    Some((&condition.status, &condition.reason, &condition.message))
}

async fn until_says(cluster: &Cluster, name: &str, status: &str, reason: &str) -> String {
    let wanted = |service: &Service| announced(service).is_some_and(|(s, r, _)| (s, r) == (status, reason));
    let service = cluster.until(name, wanted).await;
    announced(&service).map(|(_, _, message)| message.to_owned()).unwrap_or_default()
}

/// Says this about the Service `web`, as a speaker does.
async fn say(cluster: &Cluster, object: &str, status: Value) {
    let statuses: Api<ServiceL2Status> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let labels = json!({"metallb.io/service-name": "web", "metallb.io/service-namespace": "default"});
    let new = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "ServiceL2Status", "metadata": {"name": object, "labels": labels},
        "spec": {},
    });
    let _ = statuses.create(&PostParams::default(), &serde_json::from_value(new).unwrap()).await;
    let mut status = status;
    status["serviceName"] = json!("web");
    status["serviceNamespace"] = json!("default");
    let patch = Patch::Merge(json!({ "status": status }));
    statuses.patch_status(object, &PatchParams::default(), &patch).await.unwrap();
}

async fn unsay(cluster: &Cluster, object: &str) {
    let statuses: Api<ServiceL2Status> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    statuses.delete(object, &DeleteParams::default()).await.unwrap();
}

async fn advertise_everything(cluster: &Cluster) {
    let advertisements: Api<L2Advertisement> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let everything = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "L2Advertisement", "metadata": {"name": "all"}, "spec": {},
    });
    advertisements.create(&PostParams::default(), &serde_json::from_value(everything).unwrap()).await.unwrap();
}

#[tokio::test]
async fn the_condition_follows_the_speakers() {
    let cluster = Cluster::start().await;
    cluster.create_pool("public", &["192.0.2.0/28"]).await;
    let controller = cluster.controller();
    cluster.create("web", json!({})).await;
    let why = until_says(&cluster, "web", "False", "NoAdvertisementSelectsPool").await;
    assert!(why.contains("\"public\""), "{why}");
    let events = cluster.until_events_with("web", "NotAnnounced").await;
    assert!(events[0].contains("NoAdvertisementSelectsPool"), "{events:?}");

    advertise_everything(&cluster).await;
    say(&cluster, "l2-a", json!({"node": "a"})).await;
    let from = until_says(&cluster, "web", "True", "Announced").await;
    assert_eq!(from, "announced from node \"a\" with protocol \"layer2\"");
    cluster.until_events_with("web", "Announced").await;

    // The address moves to b: the words change, the time of the transition does not, and there is no Event.
    let since = |service: &Service| {
        let conditions = service.status.as_ref()?.conditions.as_ref()?;
        conditions.iter().find(|one| one.type_ == names::ANNOUNCED).map(|one| one.last_transition_time.clone())
    };
    let before = since(&cluster.services.get("web").await.unwrap());
    say(&cluster, "l2-b", json!({"node": "b"})).await;
    unsay(&cluster, "l2-a").await;
    let moved = |service: &Service| announced(service).is_some_and(|(_, _, message)| message.contains("node \"b\""));
    let after = cluster.until("web", moved).await;
    assert_eq!(since(&after), before);
    assert_eq!(cluster.until_events_with("web", "Announced").await.len(), 1);

    // A speaker says that nobody can.
    unsay(&cluster, "l2-b").await;
    let why = json!([{
        "type": "Announced", "status": "False", "reason": "NoReadyEndpoints", "message": "why",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    say(&cluster, "l2-a", json!({ "conditions": why })).await;
    assert_eq!(until_says(&cluster, "web", "False", "NoReadyEndpoints").await, "why");

    // No load balancer any more: nothing is left of it.
    cluster.patch("web", json!({"spec": {"type": "ClusterIP"}})).await;
    let bare = cluster.until("web", |service| announced(service).is_none()).await;
    assert_eq!(shown(&bare), "");
    controller.stop().await;
}

#[tokio::test]
async fn a_burst_is_not_held_up_by_conditions() {
    let cluster = Cluster::start().await;
    cluster.create_pool("public", &["10.0.0.0/16"]).await;
    let controller = cluster.controller();
    for number in 0..100 {
        cluster.create(&format!("s{number}"), json!({})).await;
    }
    for number in 0..100 {
        cluster.until(&format!("s{number}"), |service| !shown(service).is_empty()).await;
    }
    for number in 0..100 {
        until_says(&cluster, &format!("s{number}"), "False", "NoAdvertisementSelectsPool").await;
    }
    // What stands there is not written again, also not by the next controller.
    let version = async || cluster.services.list(&Default::default()).await.unwrap().metadata.resource_version;
    let settled = async || {
        let mut last = version().await;
        for _ in 0..20 {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let now = version().await;
            if now == last {
                return now;
            }
            last = now;
        }
        last
    };
    let before = settled().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(version().await, before);
    controller.stop().await;
}

#[tokio::test]
async fn routes_of_peers_are_announcements() {
    let cluster = Cluster::start().await;
    cluster.create_pool("public", &["192.0.2.0/28"]).await;
    let controller = cluster.controller();
    cluster.create("web", json!({})).await;
    let advertisements: Api<BGPAdvertisement> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let everything = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "BGPAdvertisement", "metadata": {"name": "all"}, "spec": {},
    });
    advertisements.create(&PostParams::default(), &serde_json::from_value(everything).unwrap()).await.unwrap();
    let statuses: Api<ServiceBGPStatus> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    for node in ["a", "b"] {
        let object = json!({
            "apiVersion": "metallb.io/v1beta1", "kind": "ServiceBGPStatus", "metadata": {"name": format!("bgp-{node}")},
            "spec": {},
        });
        statuses.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
        let status =
            json!({"node": node, "serviceName": "web", "serviceNamespace": "default", "peers": ["tor-1", "tor-2"]});
        let patch = Patch::Merge(json!({ "status": status }));
        statuses.patch_status(&format!("bgp-{node}"), &PatchParams::default(), &patch).await.unwrap();
    }
    let both = |service: &Service| announced(service).is_some_and(|(_, _, message)| message.contains("\"a\", \"b\""));
    let web = cluster.until("web", both).await;
    let wanted = "announced from nodes \"a\", \"b\" with protocol \"bgp\"";
    assert_eq!(announced(&web), Some(("True", "Announced", wanted)));
    statuses.delete("bgp-b", &DeleteParams::default()).await.unwrap();
    let one = |service: &Service| announced(service).is_some_and(|(_, _, message)| !message.contains("\"b\""));
    cluster.until("web", one).await;
    controller.stop().await;
}
