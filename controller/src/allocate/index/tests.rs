//! The index against a cluster of plain values: no server, no task, no clock.

mod cluster;
mod failures;
mod life;
mod model;
mod server;
mod status;
mod takeover;

use std::time::Duration;

use cluster::Cluster;
use server::pool;

use super::*;
use crate::allocate::{Done, Written};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
