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
//!   │ decided        ──> Layer2::own, Layer2::disown ───┼───────>│ state       interfaces, addresses, counters    │
//!   │ link changed   ──> set_interface, remove_interface┼───────>│ event       what a frame says and asks         │
//!   │ sent           <── Outcome, Transmission ─────────┼────────┤ packet      bytes ⇄ ARP, neighbour discovery   │
//!   └───────────────────────────────────────────────────┘        └────────────────────────────────────────────────┘
//! ```
//!
//! Nothing here waits, sends, or knows what time it is: time is an argument, frames are return values. One
//! [`Layer2`] serves all interfaces of a node.
//!
//! The shell's loop, in words: after every change call [`Layer2::poll`] and send what it returns; if
//! [`Layer2::take_filter_changed`], attach a new [`Layer2::filter`] to every socket; sleep until
//! [`Layer2::next_deadline`].
//!
//! IPv4 is complete. For IPv6 there are packets, answers and announcements, on interfaces whose link-local address is told
//! ([`Interface::link_local`]); there is no kernel filter for it yet, and joining the groups that solicitations are sent to
//! ([`packet::ndp::solicited_node_group`]) is the shell's part.

pub mod action;
pub mod announcer;
mod event;
pub mod filter;
mod layer2;
pub mod packet;
pub mod responder;
pub mod state;

pub use action::{Claim, Claimant, DecodeError, Ignored, Outcome, Transmission};
pub use layer2::{Layer2, Settings, TRANSMISSIONS_PER_POLL};
pub use packet::MacAddr;
pub use state::{AddressCounters, Conflict, Interface, InterfaceIndex, Scope};
