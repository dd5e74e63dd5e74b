//! "Why is nobody announcing it?", answered on the Service itself.

use anyhow::{Result, ensure};
use herald_crds::{L2Advertisement, ServiceL2Status};
use herald_lab::cluster::SYSTEM_NAMESPACE;
use herald_tests::{Stage, eventually};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

const ANNOUNCED: &str = "metallb.io/Announced";

/// The tutorial's advertisement with a further line of spec.
fn advertisement(line: &str) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {{name: l2adv, namespace: \
         {SYSTEM_NAMESPACE}}}, spec: {{ipAddressPools: [public-pool]{line}}}}}"
    )
}

/// The nodes that say that they announce something, and how many objects say that nobody does.
async fn statuses(stage: &Stage) -> Result<(Vec<String>, usize)> {
    let api: Api<ServiceL2Status> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    let all = api.list(&ListParams::default()).await?.items;
    let nodes: Vec<_> = all.iter().filter_map(|status| status.status.as_ref()?.node.clone()).collect();
    let reports = all.len() - nodes.len();
    Ok((nodes, reports))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reason_shows_on_the_service_and_goes_away_again() -> Result<()> {
    let stage = Stage::empty().await?;
    stage.first_steps().await?;

    // Local, and no pod anywhere.
    let why = stage.says("web-lb", ANNOUNCED, "NoReadyEndpoints").await?;
    ensure!(why.contains("endpoint"), "{why}");
    let note = stage.event("default", "web-lb", "NotAnnounced").await?;
    ensure!(note.contains("NoReadyEndpoints"), "{note}");
    assert_eq!(statuses(&stage).await?, (vec![], 1), "one speaker says so");

    stage.add_pod("web-1", "node1").await?;
    let who = stage.says("web-lb", ANNOUNCED, "Announced").await?;
    assert_eq!(who, "announced from node \"node1\" with protocol \"layer2\"");
    stage.event("default", "web-lb", "Announced").await?;
    eventually("only the owner's status", async || {
        Ok((statuses(&stage).await? == (vec!["node1".into()], 0)).then_some(()))
    })
    .await?;

    // Selectors that match no node.
    stage.apply(&advertisement(", nodeSelectors: [{matchLabels: {rack: none}}]")).await?;
    let why = stage.says("web-lb", ANNOUNCED, "NoEligibleNode").await?;
    ensure!(why.contains("node1, node2, node3: no advertisement's nodeSelectors match it"), "{why}");
    stage.apply(&advertisement("")).await?;
    stage.says("web-lb", ANNOUNCED, "Announced").await?;

    // The only node with a pod is excluded.
    let nodes: Api<Node> = Api::all(stage.client());
    let label = |value: Option<&str>| {
        Patch::Merge(
            json!({"metadata": {"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": value}}}),
        )
    };
    nodes.patch("node1", &PatchParams::default(), &label(Some(""))).await?;
    let why = stage.says("web-lb", ANNOUNCED, "NoEligibleNode").await?;
    ensure!(why.contains("node1: it is labelled") && why.contains("node2, node3: externalTrafficPolicy"), "{why}");
    nodes.patch("node1", &PatchParams::default(), &label(None)).await?;
    stage.says("web-lb", ANNOUNCED, "Announced").await?;

    // An interface that nobody has.
    stage.apply(&advertisement(", interfaces: [eth9]")).await?;
    let why = stage.says("web-lb", ANNOUNCED, "NoEligibleNode").await?;
    ensure!(why.contains("none of the interfaces"), "{why}");

    // No advertisement.
    let api: Api<L2Advertisement> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    api.delete("l2adv", &DeleteParams::default()).await?;
    let why = stage.says("web-lb", ANNOUNCED, "NoAdvertisementSelectsPool").await?;
    ensure!(why.contains("\"public-pool\""), "{why}");
    eventually("no status at all", async || Ok((statuses(&stage).await? == (vec![], 0)).then_some(()))).await?;
    stage.apply(&advertisement(", serviceSelectors: [{matchLabels: {app: other}}]")).await?;
    let why = eventually("other words", async || {
        let why = stage.says("web-lb", ANNOUNCED, "NoAdvertisementSelectsPool").await?;
        Ok(why.contains("serviceSelectors").then_some(why))
    });
    ensure!(why.await?.contains("\"l2adv\""));
    stage.apply(&advertisement("")).await?;
    stage.says("web-lb", ANNOUNCED, "Announced").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_of_a_speaker_that_dies_is_replaced() -> Result<()> {
    let mut stage = Stage::empty().await?;
    stage.first_steps().await?;
    stage.says("web-lb", ANNOUNCED, "NoReadyEndpoints").await?;
    let api: Api<ServiceL2Status> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    let reporter = async || {
        let all = api.list(&ListParams::default()).await?.items;
        let node = |status: &ServiceL2Status| status.metadata.labels.as_ref()?.get("metallb.io/node").cloned();
        let nodes: Vec<_> = all.iter().filter_map(node).collect();
        anyhow::Ok(if let [one] = nodes.as_slice() { Some(one.clone()) } else { None })
    };
    let first = eventually("one report", reporter).await?;
    stage.cluster.speaker(&first)?.kill()?;
    eventually("another speaker's report alone", async || Ok(reporter().await?.filter(|node| *node != first))).await?;

    // It comes back, and the pod does: somebody announces, and all reports are gone.
    stage.cluster.start_speaker(&first)?;
    stage.cluster.speaker_ready(&first).await?;
    stage.add_pod("web-1", &first).await?;
    stage.says("web-lb", ANNOUNCED, "Announced").await?;
    eventually("only the owner's status", async || {
        Ok((statuses(&stage).await? == (vec![first.clone()], 0)).then_some(()))
    })
    .await
}
