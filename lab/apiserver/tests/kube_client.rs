//! kube-rs against the server: what Herald's programs and the lab do first.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::TcpListener;

use futures::StreamExt as _;
use herald_apiserver::{ApiServer, Handle, Options};
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

async fn server() -> (Handle, kube::Client) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() }).unwrap();
    let client = client(&server.admin_kubeconfig(&url)).await;
    (server, client)
}

async fn client(kubeconfig: &str) -> kube::Client {
    let config = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

fn load_balancer(name: &str) -> Service {
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }))
    .unwrap()
}

#[tokio::test]
async fn a_service_lives_and_is_watched() {
    let (_server, client) = server().await;
    let services: Api<Service> = Api::default_namespaced(client);
    let created = services.create(&PostParams::default(), &load_balancer("a")).await.unwrap();
    let start = created.metadata.resource_version.clone().unwrap();
    let mut events = services.watch(&WatchParams::default(), &start).await.unwrap().boxed();

    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.168.1.240"}]}}});
    services.patch_status("a", &PatchParams::default(), &Patch::Strategic(&status)).await.unwrap();
    let labels = json!({"metadata": {"labels": {"tier": "web"}}});
    services.patch("a", &PatchParams::default(), &Patch::Merge(&labels)).await.unwrap();
    let listed = services.list(&ListParams::default().labels("tier=web")).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    services.delete("a", &Default::default()).await.unwrap();

    let Some(Ok(WatchEvent::Modified(service))) = events.next().await else { panic!("no first event") };
    let ingress = service.status.unwrap().load_balancer.unwrap().ingress.unwrap();
    assert_eq!(ingress[0].ip.as_deref(), Some("192.168.1.240"));
    let Some(Ok(WatchEvent::Modified(service))) = events.next().await else { panic!("no second event") };
    assert_eq!(
        service.metadata.labels,
        Some(BTreeMap::from([("app".into(), "a".into()), ("tier".into(), "web".into())]))
    );
    let Some(Ok(WatchEvent::Deleted(_))) = events.next().await else { panic!("no deletion") };
}

#[tokio::test]
async fn a_definition_makes_its_resource() {
    let (_server, client) = server().await;
    let kind = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        "customresourcedefinitions",
    );
    let definitions: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let definition: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "pools.example.org"},
        "spec": {
            "group": "example.org", "scope": "Namespaced",
            "names": {"plural": "pools", "singular": "pool", "kind": "Pool"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    }))
    .unwrap();
    definitions.create(&PostParams::default(), &definition).await.unwrap();

    let kind = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("example.org", "v1", "Pool"), "pools");
    let pools: Api<DynamicObject> = Api::namespaced_with(client, "default", &kind);
    let pool: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "example.org/v1", "kind": "Pool", "metadata": {"name": "p"}, "spec": {"size": 3},
    }))
    .unwrap();
    pools.create(&PostParams::default(), &pool).await.unwrap();
    assert_eq!(pools.get("p").await.unwrap().data["spec"]["size"], json!(3));
}

#[tokio::test]
async fn an_outage_cuts_connections_and_ends() {
    let (server, client) = server().await;
    let namespaces: Api<Namespace> = Api::all(client);
    assert_eq!(namespaces.list(&ListParams::default()).await.unwrap().items.len(), 4);
    server.stop_serving();
    namespaces.get("default").await.unwrap_err();
    server.resume();
    namespaces.get("default").await.unwrap();
}
