//! What stands on the objects of BGP.

use std::time::Duration;

use herald_crds::{BGPAdvertisement, BGPPeer, BGPSessionState, Community};
use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cluster::{Cluster, NAMESPACE};

/// A kind of objects in Herald's namespace.
trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Serialize + DeserializeOwned + std::fmt::Debug
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Serialize
        + DeserializeOwned
        + std::fmt::Debug
{
}

async fn create<K: Kind>(cluster: &Cluster, name: &str, spec: Value) {
    let api: Api<K> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let object =
        json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec});
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
}

/// Waits until an object has the condition with this status and reason; returns its message.
async fn until_says<K: Kind>(cluster: &Cluster, name: &str, wanted: [&str; 3]) -> String {
    let api: Api<K> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let mut object = Value::Null;
    for _ in 0..2000 {
        object = serde_json::to_value(api.get(name).await.unwrap()).unwrap();
        for one in object["status"]["conditions"].as_array().into_iter().flatten() {
            if [&one["type"], &one["status"], &one["reason"]] == wanted {
                return one["message"].as_str().unwrap().to_owned();
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {wanted:?}: {object:#}");
}

#[tokio::test]
async fn peers_advertisements_and_communities_are_told_what_is_made_of_them() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    let spec =
        json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1", "bfdProfile": "fast", "holdTime": "0s"});
    create::<BGPPeer>(&cluster, "router", spec).await;
    create::<BGPAdvertisement>(&cluster, "wide", json!({"aggregationLength": 24})).await;
    create::<BGPAdvertisement>(&cluster, "named", json!({"communities": ["vpn"]})).await;
    let controller = cluster.controller();
    until_says::<BGPPeer>(&cluster, "router", ["Accepted", "True", "Accepted"]).await;
    until_says::<BGPPeer>(&cluster, "router", ["Questionable", "True", "HoldTimeDisabled"]).await;
    let missing = until_says::<BGPPeer>(&cluster, "router", ["ResolvedRefs", "False", "BfdProfileNotFound"]).await;
    assert!(missing.contains("\"fast\""), "{missing}");
    let wide = until_says::<BGPAdvertisement>(&cluster, "wide", ["Accepted", "False", "AggregationTooShort"]).await;
    assert!(wide.contains("192.0.2.0/28 (pool \"p\", at best a /28)"), "{wide}");
    until_says::<BGPAdvertisement>(&cluster, "named", ["ResolvedRefs", "False", "CommunityNotFound"]).await;
    // The API server takes any alias in one object; two objects with the same are the controller's to find.
    let names = |value: &str| json!({"communities": [{"name": "vpn", "value": value}]});
    create::<Community>(&cluster, "a", names("64512:1")).await;
    until_says::<BGPAdvertisement>(&cluster, "named", ["Accepted", "True", "Accepted"]).await;
    create::<Community>(&cluster, "b", names("64512:2")).await;
    until_says::<Community>(&cluster, "b", ["Accepted", "False", "DuplicateEntry"]).await;
    until_says::<Community>(&cluster, "a", ["Accepted", "True", "Accepted"]).await;
    controller.stop().await;
}

/// Says of a session what a speaker would.
async fn session(cluster: &Cluster, node: &str, state: &str, error: Option<&str>) {
    let api: Api<BGPSessionState> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let name = format!("session-{node}");
    if api.get_opt(&name).await.unwrap().is_none() {
        create::<BGPSessionState>(cluster, &name, json!({})).await;
    }
    let status = json!({"peer": "router", "node": node, "bgpStatus": state, "lastError": error});
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(&name, &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test]
async fn a_peer_is_told_how_many_sessions_are_established_and_which_are_not() {
    let cluster = Cluster::start().await;
    let spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1"});
    create::<BGPPeer>(&cluster, "router", spec).await;
    let controller = cluster.controller();
    until_says::<BGPPeer>(&cluster, "router", ["Accepted", "True", "Accepted"]).await;
    for node in ["a", "b"] {
        session(&cluster, node, "Established", None).await;
    }
    session(&cluster, "c", "Active", Some("peer says: bad peer AS (we are 64512)")).await;
    let some = until_says::<BGPPeer>(&cluster, "router", ["SessionsUp", "False", "SomeNotEstablished"]).await;
    assert_eq!(some, "2 of 3 sessions are established; node \"c\": peer says: bad peer AS (we are 64512)");
    cluster.until_events_with("router", "SomeNotEstablished").await;

    // Sessions that come and go together are a write, and what stands is not written again.
    let writes = || {
        let all = cluster.server.requests();
        let of_peers = all.iter().filter(|one| one.resource == "bgppeers" && one.verb == "patch");
        of_peers.map(|one| one.count).sum::<u64>()
    };
    let before = writes();
    for (node, state) in
        [("a", "Active"), ("b", "Active"), ("a", "Established"), ("b", "Established"), ("c", "Established")]
    {
        session(&cluster, node, state, None).await;
    }
    let all = until_says::<BGPPeer>(&cluster, "router", ["SessionsUp", "True", "AllEstablished"]).await;
    assert_eq!(all, "3 of 3 sessions are established");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let count = writes() - before;
    assert!((1..=3).contains(&count), "{count} writes");

    // Of a peer that nobody is to have a session with there is nothing to say.
    let api: Api<BGPSessionState> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    for node in ["a", "b", "c"] {
        api.delete(&format!("session-{node}"), &DeleteParams::default()).await.unwrap();
    }
    let peers: Api<BGPPeer> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let silent = async || {
        let status = peers.get("router").await.unwrap().status.unwrap_or_default();
        status.conditions.iter().all(|one| one.type_ != "SessionsUp")
    };
    for _ in 0..1000 {
        if silent().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(silent().await);
    controller.stop().await;
}
