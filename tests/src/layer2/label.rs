//! The owner's node is excluded from load balancing, and included again.

use anyhow::Result;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::arena::Arena;
use super::row::Row;
use super::watch::Watch;

/// The label that excludes a node, whatever its value.
const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

pub(super) async fn excluded(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    set(arena, &node, json!("")).await?;
    let set_row = watch.finish(&arena.ground(), "exclude_set").await?;

    let watch = Watch::start(&arena.ground()).await?;
    set(arena, &node, Value::Null).await?;
    let removed = watch.finish(&arena.ground(), "exclude_removed").await?;
    Ok(vec![set_row, removed])
}

async fn set(arena: &Arena, node: &str, value: Value) -> Result<()> {
    let nodes: Api<Node> = Api::all(arena.cluster.client());
    let patch = json!({"metadata": {"labels": {EXCLUDE: value}}});
    nodes.patch(node, &PatchParams::default(), &Patch::Merge(&patch)).await?;
    Ok(())
}
