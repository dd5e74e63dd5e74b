//! The time a write takes under a [`Profile`].
//!
//! Modelled as one queue that serves a fixed number of writes per second: a write begins when the queue is free and is
//! answered when its turn is over and its own latency has passed, whichever is later.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Profile;
use crate::meta::Ids;

/// Delays writes as the profile says.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    profile: Option<Profile>,
    free_at: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(profile: Option<Profile>) -> Self {
        Self { profile, free_at: Mutex::new(None) }
    }

    /// Waits as long as a write takes.
    pub(crate) async fn write(&self, ids: &Ids) {
        let Some(profile) = self.profile else { return };
        let spread = profile.jitter.mul_f64(2.0 * ids.fraction());
        let latency = (profile.write + spread).saturating_sub(profile.jitter);
        let until = {
            let now = Instant::now();
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = Duration::from_secs(1) / profile.writes_per_second.max(1);
            let end = free_at.map_or(now, |at| at.max(now)) + turn;
            *free_at = Some(end);
            end.max(now + latency)
        };
        tokio::time::sleep_until(until).await;
    }
}
