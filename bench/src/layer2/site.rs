//! Where a speaker's costs are measured: one node, one announced address.

use std::time::Duration;

use anyhow::Result;
use herald_lab::program::Program;
use herald_tests::layer2::{Arena, Family, Setup};

/// The only node's name.
pub const NODE: &str = "node1";

/// How long a new speaker takes to come to rest, its first reports included.
const REST: Duration = Duration::from_secs(3);

/// An arena of one node.
pub struct Site {
    /// The arena.
    pub arena: Arena,
}

impl Site {
    /// Starts everything and waits until it is at rest.
    pub async fn set_up() -> Result<Self> {
        let arena = Arena::set_up(Setup::new(1, Family::IPv4)).await?;
        tokio::time::sleep(REST).await;
        Ok(Self { arena })
    }

    /// Its speaker.
    pub fn speaker(&self) -> Result<&Program> {
        self.arena.cluster.speaker(NODE)
    }
}

/// What share of a core so much work is in so much time, in percent.
pub fn percent(work: Duration, time: Duration) -> f64 {
    100.0 * work.as_secs_f64() / time.as_secs_f64()
}
