//! The condition `metallb.io/Announced`: does anybody announce this Service, and if not, why?
//!
//! ```text
//!  Services, Config ──────────┐
//!  ServiceL2Status ─▶ Reports ─┼▶ say ─▶ Board ─▶ AnnouncedWrite      few at a time, behind everything else
//!  ServiceBGPStatus ▶ Reports ─┘
//! ```
//!
//! Whether an address is announced only the speakers know. They say so in ServiceL2Status objects: one for each
//! Service and node that announces it or, while no node does, one from one speaker with the reason. What follows from
//! the configuration alone is said here: no advertisement selects the pool.
//!
//! | reason | status | who knows |
//! | --- | --- | --- |
//! | `Announced` | True | speakers |
//! | `NoAdvertisementSelectsPool` | False | the configuration |
//! | `NoReadyEndpoints`, `NoEligibleNode`, `PoolGone`, `DuplicateAddress`, … | False | speakers |
//! | `NotYetReported` | False | nobody has said anything for [`SILENCE`](board::SILENCE) |
//!
//! A Service without an address has no such condition: `metallb.io/Allocated` says all there is to say.

pub mod board;
pub mod reports;
pub mod say;

pub use board::Board;
pub use reports::Reports;
