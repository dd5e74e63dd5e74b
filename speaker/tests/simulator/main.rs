//! Many speakers in virtual time: the real cores (membership, decision, answering and announcing), a network that loses, delays, repeats and
//! divides, processes that pause, sleep, die and restart, an API server that is away, endpoints and labels that change. An
//! oracle that knows the truth checks the design's invariants 3, 4 and 8.
//!
//! ```text
//!   seed ─► plan ─► simulation ──── datagrams, frames, watches, timers ────► speaker (Membership + World + Layer2)
//!                       │  ◄─────────── datagrams, frames, what is decided ──────┘
//!                       └─► oracle: who answers for what, who should?
//! ```
//!
//! Everything follows from the seed. A failing scenario prints its plan, what happened, and its seed:
//! `HERALD_SEED=<seed> cargo test --workspace --test simulator` runs that one again, with its story.
//! `HERALD_SCENARIOS=<number>` runs more or fewer than the 10,000, `HERALD_FIRST=<seed>` others.

#![cfg(test)]

mod blow;
mod clock;
mod oracle;
mod plan;
mod scenarios;
mod simulation;
mod speaker;
mod truth;
mod wire;
