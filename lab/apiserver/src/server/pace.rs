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

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_write_takes_its_latency_and_many_take_turns() {
        let profile =
            Profile { write: Duration::from_millis(8), jitter: Duration::from_millis(2), writes_per_second: 100 };
        let (pace, ids) = (Pace::new(Some(profile)), Ids::new());
        let start = Instant::now();
        pace.write(&ids).await;
        let one = start.elapsed();
        assert!(one >= Duration::from_millis(10) && one <= Duration::from_millis(12), "{one:?}");

        let start = Instant::now();
        join_all((0..100).map(|_| pace.write(&ids))).await;
        let hundred = start.elapsed();
        assert!(hundred >= Duration::from_millis(990) && hundred <= Duration::from_millis(1_010), "{hundred:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_profile_nothing_waits() {
        let start = Instant::now();
        Pace::default().write(&Ids::new()).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
