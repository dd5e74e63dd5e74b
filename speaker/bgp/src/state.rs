//! The state machine of one peer (RFC 4271 §8).
//!
//! The shell opens and closes connections, moves bytes and sleeps; what it does follows from [`Action`]s, and what
//! happens to it is an [`Event`].

mod action;
mod config;
mod event;
mod negotiated;

pub use action::{Action, Closing, DownReason};
pub use config::{ConfigError, GracefulRestartConfig, PeerConfig, RemoteAs};
pub use event::{Connection, Event};
pub use negotiated::{Negotiated, PeerRestart};
