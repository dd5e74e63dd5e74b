//! How fast frames may go out that nobody asked for.

use std::time::Duration;

/// A token bucket, kept as one instant: when it would be full again (the "virtual scheduling" form of the generic cell
/// rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Time that one uses up.
    cost: Duration,
    /// How far ahead of the steady pace a train may run.
    ahead: Duration,
    full_at: Duration,
}

impl Pace {
    /// So many per second when very many wait; so many back to back after a pause.
    pub(crate) const fn new(per_second: u32, at_once: u32) -> Self {
        let nanos = 1_000_000_000 / per_second as u64;
        Self {
            cost: Duration::from_nanos(nanos),
            ahead: Duration::from_nanos(nanos * (at_once as u64 - 1)),
            full_at: Duration::ZERO,
        }
    }

    pub(crate) fn admit(&mut self, now: Duration) -> bool {
        if self.ready_at() > now {
            return false;
        }
        self.full_at = self.full_at.max(now) + self.cost;
        true
    }

    pub(crate) fn ready_at(&self) -> Duration {
        self.full_at.saturating_sub(self.ahead)
    }
}
