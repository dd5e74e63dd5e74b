//! From what is seen to what this node announces.
//!
//! ```text
//!   Seen ───────► World ── decide() ──► Step::Own / Step::Disown    to `announce`
//!   MemberEvent ─►   │                ├► Step::Verdict              to `report`
//!                    │                └► Step::Peers, Step::Routes  to `bgp`
//!   interfaces ──►   └─► Request::ListSlices                        back to `watch`
//! ```
//!
//! For each Service: has it its address (`holders`)? Which advertisements cover it, also while its pool is away for a
//! moment (`memory`)? Who is elected (`verdict`)? And if nobody is, who says so, in which words (`unannounced`)?
//!
//! [`World`] is a plain value: no clock, no socket, no client. Time is an argument of `decide`, and
//! [`World::deadline`] says when time alone changes something. It remembers which Services an input concerns and
//! decides only about those again. Nothing is decided before everything needed has been seen once *and* the other
//! speakers had their chance to answer ([`World::is_ready`]): a speaker that starts must not claim what another one
//! owns.

mod addresses;
mod closely;
mod concerned;
mod endpoints;
mod field;
mod freshness;
mod handover;
mod holders;
mod lists;
mod memory;
mod routes;
mod speakers;
mod stand_in;
mod step;
mod turn;
mod unannounced;
mod verdict;
mod world;

#[cfg(test)]
mod tests;

pub use step::{MemberEvent, Request, Step};
pub use unannounced::Unannounced;
pub use verdict::{Reason, Verdict};
pub use world::{Settings, World};
