//! Hands out LoadBalancer addresses.
//!
//! Data flows one way, and the modules are its stations:
//!
//! ```text
//!  watch ──▶ compile ──▶ allocate ──▶ write
//!  objects,  pools →     one index:   patches and Events,
//!  reduced   Config +    who has      many at once, gated
//!            verdicts    which        by leadership
//!                        address
//!                        announced
//!                        does anybody
//!                        announce it?
//! ```
//!
//! - [`watch`] makes of API objects what the controller needs of them.
//! - [`compile`] keeps the configuration objects and knows what they mean together.
//! - [`allocate`] holds the [`Index`](allocate::Index), the one owned struct to which watches say
//!   what changed and which answers with the [`Job`](allocate::Job)s to be done. It decides
//!   everything and does nothing: no clock, no client, no task.
//! - [`announced`] makes of what the speakers say the condition `metallb.io/Announced`; it lives in
//!   the index, too, but never stands in an address's way.
//! - [`sessions`] makes of what they say about sessions the condition `SessionsUp` of BGPPeers; it lives there, too.
//! - [`write`] does the jobs and reports how they went.
//! - [`lead`] says whether this controller is the one that writes.
//! - [`run`] is the loop around them; it ends in order on SIGTERM.
//!
//! Everything up to the jobs is tested without a cluster.

pub mod allocate;
pub mod announced;
pub mod compile;
pub mod flags;
pub mod lead;
pub mod metrics;
pub mod run;
pub mod sessions;
pub mod watch;
pub mod write;
