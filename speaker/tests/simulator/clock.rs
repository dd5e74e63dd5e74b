//! What a node takes for the time: since its speaker's start, without the time that its machine slept, and sometimes far
//! ahead, as after minutes without a processor that the others need not sit through here.

use std::time::Duration;

/// A node's monotonic clock, beside the simulation's time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    ahead: Duration,
    behind: Duration,
}

impl Clock {
    /// A process starts now.
    pub(crate) fn starting(now: Duration) -> Self {
        Self { ahead: Duration::ZERO, behind: now }
    }

    /// It has stood still for so long.
    pub(crate) fn stand_still(&mut self, time: Duration) {
        self.behind += time;
    }

    /// It has gone so much further than the others'.
    pub(crate) fn leap(&mut self, time: Duration) {
        self.ahead += time;
    }

    /// What it shows.
    pub(crate) fn shows(&self, now: Duration) -> Duration {
        (now + self.ahead).saturating_sub(self.behind)
    }

    /// When it shows that.
    pub(crate) fn when(&self, shows: Duration) -> Duration {
        shows.saturating_add(self.behind).saturating_sub(self.ahead)
    }
}
