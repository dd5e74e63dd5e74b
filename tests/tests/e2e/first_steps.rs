//! The manifest that courses and tutorials begin with, unchanged.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_crds::{ConfigurationState, IPAddressPool, L2Advertisement, ServiceL2Status};
use herald_lab::cluster::SYSTEM_NAMESPACE;
use herald_lab::probe::http;
use herald_lab::wire::{Direction, Operation};
use herald_lab::{clock, scene};
use herald_tests::{PATIENCE, Stage, eventually};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Resource};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tutorial_works_unchanged() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let began = clock::now();
    let address = stage.first_steps().await?;
    assert_eq!(address, Ipv4Addr::new(192, 168, 1, 240), "the pool's first address");
    let probe = stage.ask(address)?;
    let owner = stage.settled(&probe).await?;
    let mac = stage.cluster.topology().node(&owner)?.station.mac();

    // Everyone on the link was told, in both forms, by the owner and nobody else.
    for operation in [Operation::Request, Operation::Reply] {
        stage.capture.wait_for(&format!("a gratuitous {operation:?}"), began, PATIENCE, |s| {
            s.direction == Direction::ToMachine
                && s.machine == "client1"
                && s.frame.operation == operation
                && s.frame.is_gratuitous()
                && s.frame.sender == address
        })?;
    }
    let claims = stage.capture.claims_seen_by("client2", address, began);
    assert!(claims.iter().all(|claim| claim.frame.sender_mac == mac), "{claims:?}");

    // The owner's own pod answers, and sees the client's own address.
    let page = http::get(stage.user()?, address, 80, PATIENCE)?;
    assert_eq!((page.node, page.client), (owner.clone(), "192.168.1.101".to_owned()));

    // It says so on the objects.
    let note = stage.event("default", "web-lb", "nodeAssigned").await?;
    assert!(note.contains(&owner), "{note}");
    let api: Api<ServiceL2Status> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    eventually("one ServiceL2Status that names the owner", async || {
        let statuses = api.list(&ListParams::default()).await?.items;
        let nodes: Vec<_> = statuses.iter().filter_map(|s| s.status.as_ref()?.node.as_deref()).collect();
        Ok((nodes == [owner.as_str()]).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_given_back() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;

    // Deleted: silence on the wire, and the address is free for another one.
    stage.services().delete("web-lb", &DeleteParams::default()).await?;
    stage.silent(&probe, Duration::from_millis(300)).await?;
    stage.first_steps().await?;
    assert_eq!(stage.address_of("web-lb").await?, address);
    probe.wait_for(clock::now(), PATIENCE, |_| true)?;

    // No load balancer any more: the same.
    let cluster_ip = json!({"spec": {"type": "ClusterIP"}});
    stage.services().patch("web-lb", &PatchParams::default(), &Patch::Merge(&cluster_ip)).await?;
    stage.silent(&probe, Duration::from_millis(300)).await?;
    let service = stage.services().get("web-lb").await?;
    assert_eq!(scene::address_of(&service), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_restarts_moves_nothing() -> Result<()> {
    let mut stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    stage.settled(&probe).await?;
    let restart = clock::now();
    stage.cluster.controller()?.kill()?;
    stage.apply(&service("second", "")).await?;
    stage.cluster.start_controller()?;
    stage.cluster.controller_ready().await?;
    assert_eq!(stage.address_of("web-lb").await?, address, "adopted");
    let second = stage.address_of("second").await?;
    assert_ne!(second, address);
    let record = probe.record();
    assert_eq!(record.flips(restart), 0);
    let silence = record.longest_silence(restart, clock::now());
    assert!(silence < Duration::from_millis(200), "nobody noticed: {silence:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_are_granted() -> Result<()> {
    let stage = Stage::with_pods().await?;
    stage.first_steps().await?;
    stage.apply(&service("wish", "loadBalancerIP: 192.168.1.245")).await?;
    assert_eq!(stage.address_of("wish").await?, Ipv4Addr::new(192, 168, 1, 245));
    stage
        .apply(
            "{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: other, namespace: metallb-system}, \
             spec: {addresses: [\"192.168.1.200/32\"], autoAssign: false}}",
        )
        .await?;
    let annotated = "{apiVersion: v1, kind: Service, metadata: {name: picked, annotations: \
                     {metallb.io/address-pool: other}}, spec: {type: LoadBalancer, selector: \
                     {app.kubernetes.io/name: web}, ports: [{port: 80}]}}";
    stage.apply(annotated).await?;
    assert_eq!(stage.address_of("picked").await?, Ipv4Addr::new(192, 168, 1, 200));
    let picked = stage.services().get("picked").await?;
    let pool = picked.metadata.annotations.context("annotations")?.remove("metallb.io/ip-allocated-from-pool");
    assert_eq!(pool.as_deref(), Some("other"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_cluster_is_left_alone() -> Result<()> {
    let stage = Stage::with_pods().await?;
    stage.first_steps().await?;
    for number in 1..=5 {
        stage.apply(&service(&format!("more-{number}"), "externalTrafficPolicy: Local")).await?;
    }
    for number in 1..=5 {
        stage.address_of(&format!("more-{number}")).await?;
        stage.event("default", &format!("more-{number}"), "nodeAssigned").await?;
    }
    // Reports may trail by a moment; after that nothing of ours is written any more. (The Lease is, by its nature.)
    let mut last = written(&stage).await?;
    eventually("three seconds without a write", async || {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let before = std::mem::replace(&mut last, written(&stage).await?);
        Ok((before == last).then_some(()))
    })
    .await
}

/// The versions of everything that Herald writes, but for the Lease.
async fn written(stage: &Stage) -> Result<Vec<Option<String>>> {
    async fn versions<K>(api: Api<K>) -> Result<Vec<Option<String>>>
    where
        K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let all = api.list(&ListParams::default()).await?;
        Ok(all.iter().map(|one| one.meta().resource_version.clone()).collect())
    }
    let client = || stage.client();
    let mut all = versions(Api::<Service>::all(client())).await?;
    all.extend(versions(Api::<IPAddressPool>::all(client())).await?);
    all.extend(versions(Api::<L2Advertisement>::all(client())).await?);
    all.extend(versions(Api::<ServiceL2Status>::all(client())).await?);
    all.extend(versions(Api::<ConfigurationState>::all(client())).await?);
    all.extend(versions(Api::<Event>::all(client())).await?);
    Ok(all)
}

/// A LoadBalancer Service in front of the web pods, with a further line of spec.
fn service(name: &str, line: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n  type: LoadBalancer\n  {line}\n  \
         selector:\n    app.kubernetes.io/name: web\n  ports:\n  - port: 80\n"
    )
}
