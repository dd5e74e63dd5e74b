//! The membership in virtual time: see `cluster` for the simulator.
//!
//! A failing scenario prints its seed; `HERALD_SEED=<seed> cargo test -p herald-membership --test simulation <test>`
//! replays it exactly.

#![cfg(test)]

mod addresses;
mod alone;
mod chaos;
mod cluster;
mod detection;
mod exchange;
mod healing;
mod life;
mod measure;
mod rotation;
mod slowness;
mod watch;
