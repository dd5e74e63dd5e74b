//! Which address may a Service have?
//!
//! The [`Allocator`] is the controller's memory of who has which address, and the rules by which
//! addresses are given, kept and taken back. It knows no Kubernetes type, no clock and no socket:
//! values in, values out.
//!
//! ```text
//!  Config (pools) ────────────┐
//!  Service as it stands ──────┼─▶ Allocator ─▶ Decision   Keep | Assign | Pending(why, pool by pool)
//!  Service gone ──────────────┘        │
//!                                      └─────▶ woken      waiting Services to decide again
//! ```
//!
//! One life of the controller:
//!
//! 1. [`Allocator::set_config`], then [`Allocator::adopt`] for *every* Service that exists: what
//!    stands in a status is in use, whoever put it there.
//! 2. [`Allocator::decide`] for each Service, oldest first, and again whenever one changes. The
//!    decision is remembered at once, so the next Service can't get the same address while the
//!    first one's status is still being written.
//! 3. [`Allocator::release`] when a Service is gone; [`Allocator::take_woken`] says who waited for
//!    what became free.
//!
//! Two promises shape the code, and the property tests hold it to them:
//!
//! - **No double allocation.** An address is in use from the moment it is decided on or seen in a
//!   status, until the Service neither wants it nor shows it any more. So while a Service moves
//!   from one address to another it has both, and nobody can slip in between.
//! - **Addresses do not move by themselves.** Only a Service's own wish moves it: another requested
//!   address, another requested pool, other families, a sharing key that no longer fits. No edit of
//!   a pool ever does.
//!
//! The modules: [`key`], [`request`] and [`wish`] are the input, [`decision`] and [`refusal`] the
//! output; `interval`, `layout` and `pool` keep what is free; `claim` and `group` keep what is
//! not, with the rules of [`sharing`]; `quota` counts what namespaces use; `wait` keeps who waits;
//! [`allocator`] ties them together and `choose` picks new addresses.

pub mod allocator;
mod choose;
mod claim;
pub mod decision;
mod group;
mod interval;
pub mod key;
mod layout;
mod pool;
mod quota;
pub mod refusal;
pub mod request;
mod shared_terms;
pub mod sharing;
mod wait;
pub mod wish;

pub use allocator::Allocator;
pub use decision::{Cause, Decision, Holding, NotMoved, Remark};
pub use key::ServiceKey;
pub use pool::PoolUsage;
pub use refusal::{AddressRefusal, PoolRefusal, Refusal};
pub use request::{FamilyPolicy, ServiceRequest};
pub use sharing::{Port, Protocol, SharingConflict, Terms};
pub use wish::{InvalidWish, Wish};
