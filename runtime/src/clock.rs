//! The two clocks of a program, each in one place.
//!
//! Deciding crates never read a clock: they take the time since an arbitrary origin as a `Duration`. A shell
//! makes one [`Monotonic`] at its start and hands its readings down.

use std::time::Duration;

use tokio::time::Instant;

/// Monotonic time since the program's own origin, for deciding crates.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    origin: Instant,
}

impl Monotonic {
    /// A clock whose zero is now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Time since the origin.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The instant at which [`Monotonic::now`] will say `at`, to sleep until.
    #[must_use]
    pub fn instant(&self, at: Duration) -> Instant {
        self.origin + at
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::start()
    }
}

/// Wall-clock time, for what people read (conditions, Events). Never for deciding.
#[must_use]
pub fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
