//! What both programs share.
//!
//! ```text
//!   flags ──► logging            one line per wrong value, then logs
//!     │
//!     └────► client ──► watch    objects from the API server, as changes
//!                  └──► events   Events to the API server, bounded and never waited for
//!   shutdown                     SIGTERM and SIGINT, observable by every task
//!   serve                        /healthz, /readyz and /metrics
//! ```
//!
//! Nothing here decides anything: it is the shell around the deciding crates.

pub mod client;
pub mod clock;
pub mod duration;
pub mod events;
pub mod flags;
pub mod logging;
pub mod serve;
pub mod shutdown;
pub mod watch;
