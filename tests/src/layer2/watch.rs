//! The clients, from before a fault until all is calm.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use herald_lab::neighbors::NeighborTable;
use herald_lab::probe::{ConnectProbe, NeighborProbe, NewcomerProbe, StreamProbe};
use herald_lab::{clock, scene};

use super::ground::Ground;
use super::row::Row;
use crate::{CALM, PATIENCE};

/// Lasting connections.
pub const CONNECTIONS: usize = 64;

/// Time between two questions of who has the address: what two owners are measured by.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// How long the clients are watched before anything happens.
const BEFORE: Duration = Duration::from_millis(300);

/// How long they are watched afterwards at least: longer than it takes to tell a connection that
/// has stalled from one that waits.
const AFTER: Duration = Duration::from_millis(2500);

/// The port that is served on the address.
const PORT: u16 = 80;

/// Clients that are being watched.
#[derive(Debug)]
pub struct Watch {
    before: String,
    asker: NeighborProbe,
    connect: ConnectProbe,
    newcomer: NewcomerProbe,
    streams: StreamProbe,
    from: Instant,
}

impl Watch {
    /// Waits until the address is at rest, and starts watching. What is to
    /// happen should happen when this returns.
    ///
    /// # Errors
    /// When the address is not at rest, or a client can't reach it.
    pub async fn start(ground: &Ground<'_>) -> Result<Self> {
        let before = ground.owner().await.context("before the scenario")?;
        Self::start_as(ground, &before).await
    }

    /// Starts watching while the address is not at rest, as two nodes that
    /// don't know of each other answer for it; `before` is the one of them
    /// that is to count as its owner.
    ///
    /// # Errors
    /// When a client can't reach the address.
    pub async fn start_as(ground: &Ground<'_>, before: &str) -> Result<Self> {
        let (before, address) = (before.to_owned(), ground.address);
        // What the user knows from an earlier scenario is not to matter in this one.
        NeighborTable::of(ground.user()?)?.forget(address)?;
        let asker = NeighborProbe::start_every(ground.asker()?, address, ASK_EVERY)?;
        let streams = StreamProbe::start(ground.user()?, address, PORT, CONNECTIONS)?;
        let connect = ConnectProbe::start(ground.user()?, address, PORT)?;
        let newcomer = NewcomerProbe::start(ground.newcomer()?, address, PORT)?;
        tokio::time::sleep(BEFORE).await;
        Ok(Self { before, asker, connect, newcomer, streams, from: clock::now() })
    }

    /// Who owned the address before.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.before
    }

    /// Waits until the address is at rest again, and says what the clients noticed.
    ///
    /// # Errors
    /// When it does not come to rest.
    pub async fn finish(self, ground: &Ground<'_>, step: &str) -> Result<Row> {
        tokio::time::sleep((self.from + AFTER).saturating_duration_since(clock::now())).await;
        let settled = scene::settled(ground.topology, &self.asker, CALM, PATIENCE).await;
        let after = settled.with_context(|| format!("after the step {step}"))?;
        self.end(ground, step, after).await
    }

    /// Waits so long, and says what the clients noticed, whether or not the
    /// address is at rest.
    ///
    /// # Errors
    /// When nobody, or somebody who is no node, answers for it.
    pub async fn finish_after(self, ground: &Ground<'_>, step: &str, time: Duration) -> Result<Row> {
        tokio::time::sleep((self.from + time).saturating_duration_since(clock::now())).await;
        let after = scene::owner(ground.topology, &self.asker)?;
        self.end(ground, step, after).await
    }

    async fn end(self, ground: &Ground<'_>, step: &str, after: String) -> Result<Row> {
        let Self { before, asker, connect, newcomer, streams, from } = self;
        let to = clock::now();
        let user_at = NeighborTable::of(ground.user()?)?.lookup(ground.address)?;
        let user_at = user_at.and_then(|mac| ground.topology.node_by_mac(mac)).map(|node| node.name.clone());
        let fates = streams.count();
        drop(streams);
        let (asked, newcomer) = (asker.stop()?, newcomer.stop()?);
        // Open attempts are decided first, which takes half a second if they are lost.
        let connect = tokio::task::spawn_blocking(move || connect.stop()).await??;
        // A silence began with the last answer before the fault.
        let since = asked.last_answer(from).map_or(from, |answer| answer.at);
        let row = Row {
            step: step.to_owned(),
            before,
            after,
            user_at: user_at.unwrap_or_default(),
            silence: ms(connect.longest_silence(from - BEFORE / 2)),
            watched: ms(to - from),
            sent: connect.sent(from),
            lost: connect.lost(from),
            unanswered: ms(asked.longest_silence(since, to)),
            new_client: ms(newcomer.longest_wait(from, to)),
            two_owners: ms(asked.two_owners(from)),
            flips: asked.flips(from),
            survived: 0,
            reset: 0,
            stalled: 0,
        };
        Ok(row.with_fates(fates))
    }
}

/// In milliseconds, with three digits after the point.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
