//! Layer 2: how one node answers for addresses on the local network, and makes the network send traffic to it.
//!
//! A host that wants to reach an address on its own network asks everybody "who has it?" and believes the answer. Herald
//! answers for LoadBalancer addresses although no interface has them, and says so unasked when an address moves here:
//!
//! ```text
//!            shell: AF_PACKET sockets, netlink, timers                   this crate: values in, values out
//!   ┌───────────────────────────────────────────────────┐        ┌────────────────────────────────────────────────┐
//!   │ kernel filter  <── Program ───────────────────────┼────────┤ filter      what the kernel should let through │
//!   │ frame received ──> Layer2::receive ───────────────┼───────>│ responder   reply, claim, or ignored and why   │
//!   │ timer fired    ──> Layer2::poll ──────────────────┼───────>│ announcer   which address is due, at what pace │
//!   │ decided        ──> own, stand_in, disown ─────────┼───────>│ yielding    giving way to a speaker ahead      │
//!   │                    probe                          │        │ conflict    others with an address of ours     │
//!   │                                                   │        │ asked       questions of our own               │
//!   │                                                   │        │ state       interfaces, addresses, counters    │
//!   │ link changed   ──> set_interface, remove_interface┼───────>│ event       what a frame says and asks         │
//!   │ sent           <── Outcome, Transmission ─────────┼────────┤ packet      bytes ⇄ ARP, neighbour discovery   │
//!   └───────────────────────────────────────────────────┘        └────────────────────────────────────────────────┘
//! ```
//!
//! Nothing here waits, sends, or knows what time it is: time is an argument, frames are return values. One
//! [`Layer2`] serves all interfaces of a node.
//!
//! The shell's loop, in words: after every change send what [`Layer2::poll`] returns and take every
//! [`Layer2::take_notice`]; if [`Layer2::take_filter_changed`], attach new filters ([`Layer2::arp_filter`],
//! [`Layer2::ndp_filter`]) to the sockets first; if [`Layer2::take_groups_changed`], join [`Layer2::groups`]; sleep until
//! [`Layer2::next_deadline`].

pub mod action;
pub mod announcer;
pub mod asked;
pub mod conflict;
mod deadlines;
mod event;
pub mod filter;
mod layer2;
mod pace;
pub mod packet;
mod responder;
pub mod state;
pub mod yielding;

pub use action::{Claim, Claimant, DecodeError, Ignored, Notice, Outcome, Purpose, Transmission};
pub use asked::TooManyTargets;
pub use conflict::Conflict;
pub use layer2::{Layer2, Settings, TRANSMISSIONS_PER_POLL};
pub use packet::MacAddr;
pub use state::{AddressCounters, Interface, InterfaceAddress, InterfaceIndex, Scope, Standing};
