//! The speakers can't hear each other, while clients hear all of them.

use std::time::Duration;

use anyhow::Result;

use super::arena::Arena;
use super::row::Row;
use super::watch::Watch;

/// How long two sides that can't be told apart from two clusters may both answer: the network
/// has no rest until they meet again, so a fixed time is watched.
const PARTED: Duration = Duration::from_secs(2);

pub(super) async fn membership(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    let switch = arena.cluster.topology().switch().clone();
    switch.mute_membership(&node)?;
    let parted = watch.finish_after(&arena.ground(), "membership_parted", PARTED).await?;

    let watch = Watch::start_as(&arena.ground(), &node).await?;
    switch.unmute_membership(&node)?;
    let healed = watch.finish(&arena.ground(), "membership_healed").await?;
    Ok(vec![parted, healed])
}

pub(super) async fn nodes(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    let switch = arena.cluster.topology().switch().clone();
    let others: Vec<_> = arena.nodes().filter(|other| *other != node).collect();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    switch.part(&[&node], &others)?;
    let parted = watch.finish_after(&arena.ground(), "nodes_parted", PARTED).await?;

    let watch = Watch::start_as(&arena.ground(), &node).await?;
    switch.join(&[&node], &others)?;
    let joined = watch.finish(&arena.ground(), "nodes_joined").await?;
    Ok(vec![parted, joined])
}
