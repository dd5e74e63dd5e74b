//! The index against a cluster of plain values: no server, no task, no clock.

mod cluster;
mod failures;
mod life;
mod random;
mod status;

use std::time::Duration;

use cluster::{Cluster, pool};

use super::*;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
