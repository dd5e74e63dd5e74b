//! From what is seen to what this node announces.
//!
//! ```text
//!   Seen ───────► World ── decide() ──► Step::Own / Step::Disown    to `announce`
//!   MemberEvent ─►   │                └► Step::Verdict              to `report`
//!   interfaces ──►   └─► Request::ListSlices                        back to `watch`
//! ```
//!
//! [`World`] is a plain value: no clock, no socket, no client. It remembers which Services an input concerns and
//! decides only about those again. Nothing is decided before everything needed has been seen once *and* the other
//! speakers had their chance to answer ([`World::is_ready`]): a speaker that starts must not claim what another one
//! owns.

mod addresses;
mod endpoints;
mod verdict;
mod world;

#[cfg(test)]
mod tests;

pub use verdict::{Reason, Verdict};
pub use world::{MemberEvent, Request, Step, World};
