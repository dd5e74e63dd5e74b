//! The owner's speaker ends, in all the ways it can.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};
use nix::sys::signal::Signal;
use serde_json::json;

use super::arena::Arena;
use super::row::Row;
use super::watch::Watch;
use crate::PATIENCE;

/// What the cluster autoscaler puts on a node that it is about to remove.
const REMOVAL: &str = "ToBeDeletedByClusterAutoscaler";

/// How long the node is known to be removed before its speaker is asked to end.
const NOTICE: Duration = Duration::from_millis(500);

pub(super) async fn killed(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    arena.cluster.speaker(&node)?.signal(Signal::SIGKILL)?;
    let killed = watch.finish(&arena.ground(), "speaker_killed").await?;

    let watch = Watch::start(&arena.ground()).await?;
    start(arena, &node).await?;
    let back = watch.finish(&arena.ground(), "speaker_started_again").await?;
    Ok(vec![killed, back])
}

pub(super) async fn restarted(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    restart(arena, &node).await?;
    Ok(vec![watch.finish(&arena.ground(), "speaker_restarted").await?])
}

pub(super) async fn stopped(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    let nodes: Api<Node> = Api::all(arena.cluster.client());
    let taint = json!({"spec": {"taints": [{"key": REMOVAL, "value": "1767225600", "effect": "NoSchedule"}]}});
    nodes.patch(&node, &PatchParams::default(), &Patch::Merge(&taint)).await?;
    tokio::time::sleep(NOTICE).await;
    end(arena, &node)?;
    let stopped = watch.finish(&arena.ground(), "speaker_stopped").await?;

    let none = json!({"spec": {"taints": null}});
    nodes.patch(&node, &PatchParams::default(), &Patch::Merge(&none)).await?;
    start(arena, &node).await?;
    Ok(vec![stopped])
}

pub(super) async fn rolling(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let nodes: Vec<_> = arena.nodes().collect();
    for node in nodes {
        restart(arena, &node).await?;
    }
    Ok(vec![watch.finish(&arena.ground(), "rolling_restart").await?])
}

/// As a DaemonSet's update does: the old one has ended before the new one starts.
async fn restart(arena: &mut Arena, node: &str) -> Result<()> {
    end(arena, node)?;
    start(arena, node).await
}

fn end(arena: &Arena, node: &str) -> Result<()> {
    arena.cluster.speaker(node)?.terminate(PATIENCE).map(drop)
}

async fn start(arena: &mut Arena, node: &str) -> Result<()> {
    arena.cluster.start_speaker(node)?;
    arena.cluster.speaker_ready(node).await
}
