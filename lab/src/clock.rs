//! The lab's only clock.
//!
//! Everything the lab measures is a difference of two readings of this one
//! monotonic clock, so probes, captures and steps can be compared directly.

use std::time::Instant;

/// Reads the monotonic clock.
#[must_use]
pub fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the lab measures; this is its one clock")]
    Instant::now()
}
