//! A node is about to go: its addresses move before it does, and nobody notices.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use herald_lab::clock;
use herald_lab::cluster::{InternalIps, nodes};
use herald_tests::layer2::{Arena, Family, Setup, Vigil};
use herald_tests::{PATIENCE, eventually};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

/// What the cluster autoscaler puts on a node that it is about to remove, and an administrator on one that is lost.
const TAINTS: [&str; 2] = ["ToBeDeletedByClusterAutoscaler", "node.kubernetes.io/out-of-service"];

/// Keeps a Node object that is being deleted.
const FINALIZER: &str = "lab.herald/keep";

fn nodes_of(arena: &Arena) -> Api<Node> {
    Api::all(arena.cluster.client())
}

async fn patch(arena: &Arena, node: &str, patch: Value) -> Result<()> {
    nodes_of(arena).patch(node, &PatchParams::default(), &Patch::Merge(&patch)).await?;
    Ok(())
}

async fn taint(arena: &Arena, node: &str, key: Option<&str>) -> Result<()> {
    let taints = key.map(|key| json!([{"key": key, "value": "1767225600", "effect": "NoSchedule"}]));
    patch(arena, node, json!({"spec": {"taints": taints}})).await
}

async fn cordon(arena: &Arena, node: &str, cordoned: bool) -> Result<()> {
    patch(arena, node, json!({"spec": {"unschedulable": cordoned.then_some(true)}})).await
}

/// What the kubelet says of its node, with everything else that the status has.
async fn ready(arena: &Arena, node: &str, status: &str, message: &str) -> Result<()> {
    let conditions = json!([{"type": "Ready", "status": status, "reason": "Kubelet", "message": message}]);
    let patch = Patch::Merge(json!({"status": {"conditions": conditions}}));
    nodes_of(arena).patch_status(node, &PatchParams::default(), &patch).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_about_to_go_hands_over_and_nobody_notices() -> Result<()> {
    let mut arena = Arena::in_turn(Setup::new(3, Family::IPv4)).await?;
    let vigil = Vigil::start(&arena.ground()).await?;
    let owner = vigil.owner(&arena.ground()).await?;

    for key in TAINTS {
        taint(&arena, &owner, Some(key)).await?;
        vigil.leaves(&arena.ground(), &owner).await.context(key)?;
        taint(&arena, &owner, None).await?;
        vigil.comes_to(&arena.ground(), &owner).await.context(key)?;
    }

    ready(&arena, &owner, "False", "node is shutting down").await?;
    vigil.leaves(&arena.ground(), &owner).await.context("shutting down")?;
    ready(&arena, &owner, "True", "part of the lab").await?;
    vigil.comes_to(&arena.ground(), &owner).await.context("no longer shutting down")?;

    // Deleted; and what somebody else waits for keeps it a while.
    patch(&arena, &owner, json!({"metadata": {"finalizers": [FINALIZER]}})).await?;
    nodes_of(&arena).delete(&owner, &DeleteParams::default()).await?;
    vigil.leaves(&arena.ground(), &owner).await.context("being deleted")?;
    patch(&arena, &owner, json!({"metadata": {"finalizers": null}})).await?;
    gone(&arena, &owner).await?;
    arena.cluster.speaker(&owner)?.terminate(PATIENCE)?;
    // It joins again.
    nodes::register(&arena.cluster.client(), arena.cluster.topology().node(&owner)?, InternalIps::default()).await?;
    arena.cluster.start_speaker(&owner)?;
    arena.cluster.speaker_ready(&owner).await?;
    vigil.comes_to(&arena.ground(), &owner).await.context("registered again")?;

    // Deleted at once, with its speaker running, which is asked to end thereafter.
    nodes_of(&arena).delete(&owner, &DeleteParams::default()).await?;
    arena.cluster.speaker(&owner)?.terminate(PATIENCE)?;
    vigil.leaves(&arena.ground(), &owner).await.context("deleted")?;
    vigil.unnoticed().await
}

async fn gone(arena: &Arena, node: &str) -> Result<()> {
    eventually("the Node is gone", async || Ok(nodes_of(arena).get_opt(node).await?.is_none().then_some(()))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cordoned_node_ranks_behind_unless_cordoning_means_nothing() -> Result<()> {
    let mut arena = Arena::in_turn(Setup::new(3, Family::IPv4)).await?;
    let vigil = Vigil::start(&arena.ground()).await?;
    let first = vigil.owner(&arena.ground()).await?;

    let cordoned = clock::now();
    cordon(&arena, &first, true).await?;
    let takes = vigil.first_other(&arena.ground(), &first, cordoned)? - cordoned;
    let second = vigil.leaves(&arena.ground(), &first).await?;
    cordon(&arena, &second, true).await?;
    let third = vigil.leaves(&arena.ground(), &second).await?;
    ensure!(third != first, "the only one that is not cordoned is neither {first} nor {second}");
    // When all are, cordoning makes no difference between them: it is never without one.
    cordon(&arena, &third, true).await?;
    vigil.comes_to(&arena.ground(), &first).await?;
    for node in [&first, &second, &third] {
        cordon(&arena, node, false).await?;
    }

    arena.cluster.set_speaker_flags(vec![OsString::from("--cordon=ignore")]);
    for node in [&first, &second, &third] {
        arena.cluster.speaker(node)?.terminate(PATIENCE)?;
        arena.cluster.start_speaker(node)?;
        arena.cluster.speaker_ready(node).await?;
    }
    vigil.comes_to(&arena.ground(), &first).await?;
    let cordoned = clock::now();
    cordon(&arena, &first, true).await?;
    // Several times what it took when it meant something.
    tokio::time::sleep(5 * takes.max(Duration::from_millis(100))).await;
    ensure!(vigil.moves(cordoned) == 0, "cordoning means nothing");
    vigil.unnoticed().await
}
