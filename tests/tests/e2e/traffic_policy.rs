//! Which nodes may own an address: endpoints, selectors, exclusion.

use std::time::Duration;

use anyhow::Result;
use herald_lab::probe::http;
use herald_lab::{clock, scene};
use herald_tests::{PATIENCE, Stage};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_is_owned_where_a_ready_pod_is() -> Result<()> {
    let stage = Stage::empty().await?;
    let address = stage.first_steps().await?;

    // Nobody can serve it: nobody answers.
    let probe = herald_lab::probe::NeighborProbe::start(stage.cluster.client_machine(1)?, address)?;
    stage.silent(&probe, Duration::from_millis(500)).await?;

    for node in ["node2", "node3", "node1"] {
        let came = clock::now();
        stage.add_pod(&format!("web-on-{node}"), node).await?;
        probe.wait_for(came, PATIENCE, |_| true)?;
        let owner = stage.settled(&probe).await?;
        assert_eq!(owner, node, "the only node with a pod");
        let page = http::get(stage.user()?, address, 80, PATIENCE)?;
        assert_eq!(page.node, node);
        let pods: Api<Pod> = Api::default_namespaced(stage.client());
        pods.delete(&format!("web-on-{node}"), &DeleteParams::default().grace_period(0)).await?;
        stage.silent(&probe, Duration::from_millis(300)).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminating_pod_hands_over_to_a_ready_one() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    let before = stage.settled(&probe).await?;
    let pods: Api<Pod> = Api::default_namespaced(stage.client());
    let own_pod = before.replace("node", "web-");
    let deleted = clock::now();
    pods.delete(&own_pod, &DeleteParams::default()).await?;
    let takeover = scene::taken_over(&stage.cluster, &probe, &before, deleted, PATIENCE).await?;
    assert!(takeover.gap < Duration::from_millis(300), "a planned move, but silent for {:?}", takeover.gap);

    // Terminating everywhere: those that still serve go on serving.
    for other in ["web-1", "web-2", "web-3"].iter().filter(|pod| **pod != own_pod) {
        pods.delete(other, &DeleteParams::default()).await?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let owner = stage.settled(&probe).await?;
    let page = http::get(stage.user()?, address, 80, PATIENCE)?;
    assert_eq!(page.node, owner);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_is_owned_anywhere_and_served_from_everywhere() -> Result<()> {
    let stage = Stage::empty().await?;
    stage.first_steps().await?;
    let cluster = json!({"spec": {"externalTrafficPolicy": "Cluster"}});
    stage.services().patch("web-lb", &PatchParams::default(), &Patch::Merge(&cluster)).await?;
    stage.add_pod("web-1", "node1").await?;
    stage.add_pod("web-2", "node2").await?;
    let address = stage.address_of("web-lb").await?;
    let probe = stage.ask(address)?;
    let owner = stage.settled(&probe).await?;
    let station = stage.cluster.topology().node(&owner)?.station;
    let mut nodes = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let page = http::get(stage.user()?, address, 80, PATIENCE)?;
        let hidden = [station.v4().to_string(), herald_lab::topology::address::pod_gateway(1).to_string()];
        assert!(page.node == owner || page.client == hidden[0], "{page:?}");
        nodes.insert(page.node);
    }
    assert_eq!(nodes.into_iter().collect::<Vec<_>>(), ["node1", "node2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn selectors_and_exclusion_are_obeyed() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    stage.settled(&probe).await?;

    // Only node3 may.
    let only = "{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: l2adv, namespace: \
                metallb-system}, spec: {ipAddressPools: [public-pool], nodeSelectors: [{matchLabels: \
                {kubernetes.io/hostname: node3}}]}}";
    stage.apply(only).await?;
    eventually_owned_by(&stage, &probe, "node3").await?;

    // It is excluded: nobody may.
    let nodes: Api<Node> = Api::all(stage.client());
    let label = "node.kubernetes.io/exclude-from-external-load-balancers";
    let exclude = json!({"metadata": {"labels": {label: ""}}});
    nodes.patch("node3", &PatchParams::default(), &Patch::Merge(&exclude)).await?;
    stage.silent(&probe, Duration::from_millis(500)).await?;

    // Anybody may, but node3: make before break is not asked of silence.
    let all = only.replace(", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node3}}]", "");
    stage.apply(&all).await?;
    probe.wait_for(clock::now(), PATIENCE, |_| true)?;
    let owner = stage.settled(&probe).await?;
    assert_ne!(owner, "node3");
    let include = json!({"metadata": {"labels": {label: null}}});
    nodes.patch("node3", &PatchParams::default(), &Patch::Merge(&include)).await?;
    stage.settled(&probe).await?;
    Ok(())
}

/// Waits until a node owns the address and stays the owner.
async fn eventually_owned_by(stage: &Stage, probe: &herald_lab::probe::NeighborProbe, node: &str) -> Result<()> {
    let mac = stage.cluster.topology().node(node)?.station.mac();
    probe.wait_for(clock::now(), PATIENCE, |answer| answer.mac == mac)?;
    assert_eq!(stage.settled(probe).await?, node);
    Ok(())
}
