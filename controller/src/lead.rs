//! Which of several controllers writes.
//!
//! All replicas watch and know; one leads. They agree through a Lease, by the rules that Kubernetes' own components
//! follow (client-go's leader election): the leader renews it, and who has not seen it change for as long as it
//! lasts may take it. No clock is compared with another machine's: each times what it saw with its own.
//!
//! ```text
//!   Lease ──watch──▶ Elector ──▶ Action (look, create, update) ──▶ API server
//!                       │                                             │
//!                       │ ◀──────────── answer ───────────────────────┘
//!                       ▼
//!                    Term(epoch, until) ──▶ Leadership: the gate in front of every write
//! ```
//!
//! - [`elector`] decides; pure.
//! - [`lease`] is the Lease in its words.
//! - [`candidate`] is the task that does what it decides.
//! - [`term`] is the gate. It closes by itself when a term runs out, also when the task is stuck.

pub mod candidate;
pub mod elector;
pub mod lease;
pub mod term;

pub use candidate::Candidate;
pub use elector::Timing;
pub use term::{Epoch, Leadership, Term};
