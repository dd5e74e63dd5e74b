//! The lab's cluster without Herald: control plane, pods and data path.
//!
//! Nobody answers ARP for the Service's address here; a fixed neighbour entry
//! on the client says which node its packets go to.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use herald_lab::cluster::pods::{self, WebPod};
use herald_lab::cluster::{Cluster, Options};
use herald_lab::probe::http::{self, Page};
use herald_lab::topology::{Machine, Size};
use herald_lab::{clock, tool};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const PATIENCE: Duration = Duration::from_secs(10);

/// Gets the page by way of `node` until `wanted` likes the outcome.
async fn via(
    client: &Machine,
    node: &Machine,
    what: &str,
    wanted: impl Fn(&Option<Page>) -> bool,
) -> Result<Option<Page>> {
    let entry = format!("neigh replace {VIP} lladdr {} dev eth0", node.station.mac());
    tool::ip_batch(Some(client.namespace.name()), &[entry])?;
    let deadline = clock::now() + PATIENCE;
    loop {
        let page = http::get(client, VIP, 80, Duration::from_millis(300)).ok();
        if wanted(&page) {
            return Ok(page);
        }
        assert!(clock::now() < deadline, "{what}: {page:?} by way of {}", node.name);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_path_follows_the_traffic_policy() -> Result<()> {
    let size = Size { nodes: 2, clients: 1 };
    let cluster = Cluster::start_bare(Options { size, ..Options::default() }).await?;
    let [node1, node2] = cluster.topology().nodes() else { panic!("two nodes") };
    let client = cluster.client_machine(0)?;
    let web = |name, node| WebPod { name, namespace: "default", app: "web", node, grace: 60 };
    pods::start(&cluster.client(), &web("web-1", "node1")).await?;

    cluster
        .apply(
            "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, \
             externalTrafficPolicy: Cluster, selector: {app.kubernetes.io/name: web}, ports: [{port: 80}]}}",
        )
        .await?;
    let services: Api<Service> = Api::default_namespaced(cluster.client());
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}});
    services.patch_status("web", &PatchParams::default(), &Patch::Merge(&status)).await?;

    // Cluster: any node forwards, and hides the client behind itself.
    let page = via(client, node1, "cluster", Option::is_some).await?.unwrap();
    assert_eq!(page.pod, "web-1");
    let page = via(client, node2, "cluster", Option::is_some).await?.unwrap();
    assert_eq!((page.pod.as_str(), page.client.as_str()), ("web-1", "192.168.1.12"));

    // Local: only the node with the pod, and the client's own address.
    let local = json!({"spec": {"externalTrafficPolicy": "Local"}});
    services.patch("web", &PatchParams::default(), &Patch::Merge(&local)).await?;
    via(client, node2, "local", Option::is_none).await?;
    let page = via(client, node1, "local", Option::is_some).await?.unwrap();
    assert_eq!(page.client, "192.168.1.101");

    // A terminating pod serves while it is the only one of its node.
    pods::start(&cluster.client(), &web("web-2", "node2")).await?;
    via(client, node2, "second pod", |page| page.as_ref().is_some_and(|p| p.pod == "web-2")).await?;
    let pods_api: Api<Pod> = Api::default_namespaced(cluster.client());
    pods_api.delete("web-1", &DeleteParams::default()).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    via(client, node1, "terminating", |page| page.as_ref().is_some_and(|p| p.pod == "web-1")).await?;
    pods_api.delete("web-1", &DeleteParams::default().grace_period(0)).await?;
    via(client, node1, "ended", Option::is_none).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owned_goes_with_its_owner_and_a_namespace_with_its_contents() -> Result<()> {
    let size = Size { nodes: 1, clients: 0 };
    let cluster = Cluster::start_bare(Options { size, ..Options::default() }).await?;
    cluster
        .apply(
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n\
             {apiVersion: v1, kind: ConfigMap, metadata: {name: owner, namespace: shop}}",
        )
        .await?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client(), "shop");
    let uid = maps.get("owner").await?.metadata.uid.unwrap();
    for (name, uid) in [("owned", uid.as_str()), ("orphan", "00000000-0000-0000-0000-000000000000")] {
        cluster
            .apply(&format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: shop, ownerReferences: \
                 [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}}}]}}}}"
            ))
            .await?;
    }
    gone(&maps, "orphan").await?;
    assert!(maps.get_opt("owned").await?.is_some(), "its owner is there");
    maps.delete("owner", &DeleteParams::default()).await?;
    gone(&maps, "owned").await?;

    cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: content, namespace: shop}}").await?;
    let namespaces: Api<Namespace> = Api::all(cluster.client());
    namespaces.delete("shop", &DeleteParams::default()).await?;
    gone(&namespaces, "shop").await?;
    gone(&maps, "content").await
}

/// Waits until an object is gone.
async fn gone<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let deadline = clock::now() + PATIENCE;
    while api.get_opt(name).await?.is_some() {
        assert!(clock::now() < deadline, "{name} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
