//! The time a request takes.
//!
//! Writes under a [`Profile`] are modelled as one queue that serves a fixed number of them per second: a write begins
//! when the queue is free and is answered when its turn is over and its own latency has passed, whichever is later.
//! Besides, every request, reads and watches too, may be held back by a fixed time: a server far away, or in trouble.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Profile;
use crate::meta::Ids;

/// Delays requests as is wanted at the moment.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    profile: Option<Profile>,
    /// When the queue of writes is free.
    free_at: Option<Instant>,
    /// By how much every request is held back.
    delay: Duration,
}

impl Pace {
    pub(crate) fn new(profile: Option<Profile>) -> Self {
        Self { state: Mutex::new(State { profile, ..State::default() }) }
    }

    /// Writes take their time by this profile from now on.
    pub(crate) fn set_profile(&self, profile: Option<Profile>) {
        let mut state = self.lock();
        *state = State { profile, free_at: None, delay: state.delay };
    }

    /// Requests are held back by this much from now on.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Waits as long as every request is held back.
    pub(crate) async fn request(&self) {
        let delay = self.delay();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// Waits as long as a write takes.
    pub(crate) async fn write(&self, ids: &Ids) {
        let until = {
            let mut state = self.lock();
            let Some(profile) = state.profile else { return };
            let spread = profile.jitter.mul_f64(2.0 * ids.fraction());
            let latency = (profile.write + spread).saturating_sub(profile.jitter);
            let now = Instant::now();
            let turn = Duration::from_secs(1) / profile.writes_per_second.max(1);
            let end = state.free_at.map_or(now, |at| at.max(now)) + turn;
            state.free_at = Some(end);
            end.max(now + latency)
        };
        tokio::time::sleep_until(until).await;
    }

    fn delay(&self) -> Duration {
        self.lock().delay
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        Pace::default().request().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_profile_and_a_delay_come_and_go() {
        let (pace, ids) = (Pace::default(), Ids::new());
        pace.set_delay(Duration::from_millis(200));
        pace.set_profile(Some(Profile::REALISTIC));
        let start = Instant::now();
        pace.request().await;
        assert_eq!(start.elapsed(), Duration::from_millis(200));
        pace.write(&ids).await;
        assert!(start.elapsed() >= Duration::from_millis(206));

        pace.set_profile(None);
        pace.set_delay(Duration::ZERO);
        let start = Instant::now();
        pace.request().await;
        pace.write(&ids).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
