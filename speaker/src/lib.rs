//! Announces LoadBalancer addresses from one node.
//!
//! ```text
//!             API server                     other speakers              the network
//!                 │                                │                          │
//!   watch ────────┘                      members ──┘              announce ───┘
//!     │  Services, EndpointSlices,          │ who is alive,          ▲    │ interfaces,
//!     │  Nodes, pools, advertisements       │ what they are like     │    │ claims
//!     ▼                                     ▼                        │    ▼
//!   ┌──────────────────────────── speaker: one loop ──────────────────────────────┐
//!   │      decide: World (compile, elect)  →  Own / Disown / Verdict              │
//!   └─────────────────────────────────────┬────────────────────────────────────────┘
//!                                         ▼
//!                                       report ── ServiceL2Status, Events
//!
//!   sessions, bgp: what the routers are told, and how they take it
//! ```
//!
//! Everything that decides is a plain value; the tasks around it only move bytes and time.

pub mod announce;
pub mod bgp;
pub mod claims;
pub mod decide;
pub mod flags;
pub mod leave;
pub mod members;
pub mod metrics;
pub mod report;
pub mod run;
pub mod sessions;
pub mod speaker;
pub mod watch;
