//! Any sequence of events, also of what can't happen, keeps the invariants of a BGP session, and a healthy peer gets its
//! session back after it.
//!
//! The input is two octets that choose a configuration, then steps of two octets (see `tests/shell` of `herald-bgp`).
#![no_main]

#[path = "../../speaker/bgp/tests/shell/mod.rs"]
mod shell;

use libfuzzer_sys::fuzz_target;
use shell::{Observed, config};

fuzz_target!(|input: &[u8]| {
    let Some(([low, high], steps)) = input.split_first_chunk() else { return };
    let mut observed = Observed::new(config(u16::from_le_bytes([*low, *high])));
    for step in steps.chunks_exact(2).take(2_000) {
        observed.step(step[0], step[1]);
    }
    observed.meets_a_healthy_peer();
});
