//! What many durations come to.

use std::time::Duration;

/// Durations of the same thing, sorted.
#[derive(Clone, Debug)]
pub struct Quantiles(Vec<Duration>);

impl Quantiles {
    /// Of these durations.
    #[must_use]
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The duration that so many percent of them do not exceed, in milliseconds.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied().map_or(0.0, ms)
    }
}

/// In milliseconds.
#[must_use]
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let all = Quantiles::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!([50, 99, 100].map(|percent| all.percentile(percent)), [100.0, 198.0, 200.0]);
        assert_eq!(Quantiles::of(vec![Duration::from_millis(3)]).percentile(99), 3.0);
        assert_eq!(Quantiles::of(Vec::new()).percentile(99), 0.0);
    }
}
