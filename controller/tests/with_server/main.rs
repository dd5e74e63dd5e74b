//! The controller in front of the embedded API server, which answers as a real one does.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests, with functions of their own")]

mod announced;
mod api;
mod bgp;
mod cluster;
mod program;
mod standby;
mod told;
