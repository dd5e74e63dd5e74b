//! Answering and announcing: from decisions to frames on the wire.
//!
//! ```text
//!   decide ── Step::Own / Step::Disown ──► wire ──► ARP replies, gratuitous ARP
//!   netlink ── InterfaceChange ──────────►  │
//!   interfaces ── ARP requests ──────────►  └────► WireEvent ──► decide (interfaces), report (claims)
//! ```

pub mod interface;
pub mod wire;
