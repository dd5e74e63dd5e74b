//! Who gets which address, and what is to be written because of it.
//!
//! [`Index`] is the controller's whole state. Watches and finished jobs are told to it; it answers
//! with the next jobs. It takes the time as an argument and does nothing by itself.
//!
//! ```text
//!  Observed ──▶ Index ──▶ Job ──▶ (write) ──▶ Done ──┐
//!                 ▲                                  │
//!                 └──────────────────────────────────┘
//! ```

mod entry;
mod explain;
mod fence;
mod fill;
mod index;
mod job;
mod overview;
mod plan;
mod queue;
mod status;

pub use index::{Counted, Index, Summary};
pub use job::{
    AnnouncedWrite, ConditionChange, Done, Fetched, Job, ServiceChange, ServiceWrite, StatusWrite, Ticket, Written,
};
pub use overview::{Outlook, StateWrite};
