//! Random shares of durations.

use std::time::Duration;

/// Numbers that look random and follow from a seed (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 75 to 100 % of `duration` (RFC 4271 §10).
    pub(super) fn of(&mut self, duration: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let share = 768 + u32::try_from(bits % 257).unwrap_or(0);
        duration / 1024 * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_to_all_of_it_and_everything_between() {
        let minute = Duration::from_secs(60);
        let mut jitter = Jitter::new(7);
        let shares: Vec<Duration> = (0..1000).map(|_| jitter.of(minute)).collect();
        assert!(shares.iter().all(|share| (Duration::from_secs(45)..=minute).contains(share)));
        assert!(shares.iter().any(|share| *share < Duration::from_secs(46)));
        assert!(shares.iter().any(|share| *share > Duration::from_secs(59)));
        assert_eq!(Jitter::new(7).of(minute), shares[0], "the seed decides");
        assert_ne!(Jitter::new(8).of(minute), shares[0]);
        let _ = jitter.of(Duration::MAX);
    }
}
