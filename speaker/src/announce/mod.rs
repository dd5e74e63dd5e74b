//! Answering and announcing: from decisions to frames on the wire.
//!
//! ```text
//!   decide ── Command ─────────────────► wire ──► ARP replies, neighbour advertisements, announcements
//!   netlink ── InterfaceChange ────────►  │
//!   interfaces ── requests, claims ────►  └────► WireEvent ──► decide (interfaces, yielded, heard), report (conflicts)
//! ```

pub mod exclude;
pub mod interface;
pub mod wire;
