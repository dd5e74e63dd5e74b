//! Which speakers are alive, and what are they like?
//!
//! ```text
//!              set_nodes, set_keys, set_facts, leave
//!                               │
//!   datagram ──► receive ──► Membership ──► poll_output ──► Send │ MemberUp │ MemberDown │ FactsChanged │ Started
//!   timer ─────► handle_deadline ┘  └──► next_deadline
//! ```
//!
//! [`Membership`] is SWIM (failure detection by probing one member at a time, suspicion, news that ride on probes; the
//! protocol core is foca) with what a failover in less than a second needs around it:
//!
//! * **Sealed datagrams** ([`KeyRing`]); nothing recorded earlier can be replayed, see `packet`.
//! * **Introduction.** A datagram counts only if it is addressed to our present life (a rank that starts as the boot
//!   id). Whoever does not know it is told, and asks again: one more round trip, and proof that nothing is stale.
//! * **Healing.** Nodes that the API lists but that are not alive are announced to all the time, so a healed partition
//!   merges within one announcement period.
//! * **Facts** ([`Facts`]) of each member, sent directly until acknowledged, and relayed.
//! * **Doubt.** A verdict of ours needs complete silence of the suspect towards us, which is asked directly all the
//!   while; a verdict of others is checked first. If our own timers fire late, time stands still for our verdicts.
//!
//! Time is an argument: a [`std::time::Duration`] since any fixed moment of a monotonic clock. Nothing here sleeps,
//! sends or reads a clock, so a test runs minutes of a cluster's life in milliseconds.
//!
//! # How to drive it
//! After **every** call: take [`Output`]s until there are none, then sleep until [`Membership::next_deadline`] or the
//! next datagram. Prefer waiting datagrams to a deadline that has passed.

mod config;
mod counters;
mod digest;
mod facts;
#[cfg(any(test, feature = "forge"))]
pub mod forge;
mod identity;
mod keys;
mod output;
mod packet;
mod peer;
mod replay;
mod state;
mod timers;

pub use config::{Config, ConfigError, MAX_NODE_NAME, Timing};
pub use counters::{Counters, DropReason};
pub use digest::{Digest, MAX_DIGEST_NAMES};
pub use facts::{Facts, Freshness, Leave, MAX_MACS, Phase};
pub use keys::{Key, KeyError, KeyRing, MIN_KEY_TEXT};
pub use output::{DownReason, Output};
pub use packet::MAX_DATAGRAM;
pub use state::{Alone, Member, Membership, SealedWith};
