//! The owner's node loses its only endpoint. All other nodes have one that is ready.

use std::time::Duration;

use anyhow::{Result, bail};
use herald_lab::clock;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::arena::{Arena, pod_of};
use super::row::Row;
use super::watch::Watch;
use crate::PATIENCE;

pub(super) async fn terminating(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    pods(arena).delete(&pod_of(&node), &DeleteParams::default()).await?;
    let row = watch.finish(&arena.ground(), "endpoint_terminating").await?;
    replace(arena, &node).await?;
    Ok(vec![row])
}

pub(super) async fn removed(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    // Out of the selector's sight, so out of the slice, without ever having been terminating in it.
    let hidden = json!({"metadata": {"labels": {"app.kubernetes.io/name": "hidden"}}});
    pods(arena).patch(&pod_of(&node), &PatchParams::default(), &Patch::Merge(&hidden)).await?;
    let row = watch.finish(&arena.ground(), "endpoint_removed").await?;
    replace(arena, &node).await?;
    Ok(vec![row])
}

pub(super) async fn killed(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    pods(arena).delete(&pod_of(&node), &DeleteParams::default().grace_period(0)).await?;
    let row = watch.finish(&arena.ground(), "pod_killed").await?;
    replace(arena, &node).await?;
    Ok(vec![row])
}

/// Ends what is left of the node's pod, and starts it anew.
async fn replace(arena: &Arena, node: &str) -> Result<()> {
    let (pods, name) = (pods(arena), pod_of(node));
    match pods.delete(&name, &DeleteParams::default().grace_period(0)).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(error.into()),
    }
    let deadline = clock::now() + PATIENCE;
    while pods.get_opt(&name).await?.is_some() {
        if clock::now() >= deadline {
            bail!("Pod {name} does not go");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    arena.start_pod(node).await
}

fn pods(arena: &Arena) -> Api<Pod> {
    Api::default_namespaced(arena.cluster.client())
}
