//! The index against a cluster of plain values: no server, no task, no clock.

mod announced;
mod bgp;
mod cluster;
mod events;
mod failures;
mod life;
mod model;
mod moving;
mod overview;
mod server;
mod status;
mod strange;
mod takeover;
mod telling;

use std::time::Duration;

use cluster::Cluster;
use server::pool;

use super::*;
use crate::allocate::{Done, Written};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
