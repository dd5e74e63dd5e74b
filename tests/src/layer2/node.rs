//! The owner's node is cut off, with and without a link that goes down.

use anyhow::Result;

use super::arena::Arena;
use super::row::Row;
use super::watch::Watch;

pub(super) async fn silent(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    arena.cluster.topology().switch().cut(&node)?;
    let silent = watch.finish(&arena.ground(), "node_silent").await?;

    let watch = Watch::start(&arena.ground()).await?;
    arena.cluster.topology().switch().heal(&node)?;
    let healed = watch.finish(&arena.ground(), "node_healed").await?;
    Ok(vec![silent, healed])
}

pub(super) async fn carrier(arena: &mut Arena) -> Result<Vec<Row>> {
    let watch = Watch::start(&arena.ground()).await?;
    let node = watch.owner().to_owned();
    arena.cluster.topology().switch().set_carrier(&node, false)?;
    let down = watch.finish(&arena.ground(), "carrier_down").await?;

    let watch = Watch::start(&arena.ground()).await?;
    arena.cluster.topology().switch().set_carrier(&node, true)?;
    let up = watch.finish(&arena.ground(), "carrier_up").await?;
    Ok(vec![down, up])
}
