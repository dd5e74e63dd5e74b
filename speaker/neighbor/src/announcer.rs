//! When an address is announced without being asked for.
//!
//! ```text
//!   won           0.1   0.5        1.5              3.5                                       about every 60 s
//!    |-------------|-----|----------|----------------|------------------ … -------------|------------------ … ----
//!    first round    the burst, for caches that missed it                refresh, because switches forget
//! ```
//!
//! A round is one announcement of one address on all its interfaces; with a refresh goes a question who else has it. The first round comes at once; four more follow
//! ([`BURST_GAPS`]); then one per refresh interval, stretched or shortened by up to a fifth so that thousands of
//! addresses do not fall due together. Losing the address ends it at once.
//!
//! Thousands of addresses won in one moment are not announced in one moment: at most [`ROUNDS_AT_ONCE`] rounds go out
//! back to back, then [`ROUNDS_PER_SECOND`]. What is due longest goes first, so every address has its first round before
//! any has its second. For IPv4 that is 5,000 frames per second and interface, a third of a percent of a gigabit link and
//! below the one percent at which switches' storm control commonly cuts in.
//!
//! Only instants and addresses live here; frames are made elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::pace::Pace;

/// Pauses between the rounds that follow a first one.
pub const BURST_GAPS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1), Duration::from_secs(2)];

/// Rounds per second when very many addresses are due.
pub const ROUNDS_PER_SECOND: u32 = 2_500;

/// Rounds that may go out back to back after a pause.
pub const ROUNDS_AT_ONCE: u32 = 250;

/// No address is announced twice within this time, however often it is asked for: a flapping link is no reason.
pub const SHORTEST_GAP: Duration = BURST_GAPS[0];

const PACE: Pace = Pace::new(ROUNDS_PER_SECOND, ROUNDS_AT_ONCE);

/// One announcement of one address on all its interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) ip: IpAddr,
    /// Not of the burst: the address has been ours for a while.
    pub(crate) refresh: bool,
}

/// The schedule of all addresses.
#[derive(Debug)]
pub(crate) struct Announcer {
    refresh: Option<Duration>,
    seed: u64,
    addresses: BTreeMap<IpAddr, Entry>,
    due: BTreeSet<(Duration, IpAddr)>,
    pace: Pace,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// When the next round is due; `None` after the burst if there is no refresh.
    next: Option<Duration>,
    last: Option<Duration>,
    /// How many rounds went out since the burst was begun.
    rounds: usize,
    /// The next round is a refresh.
    next_is_refresh: bool,
    /// How many refreshes went out, so that each has a jitter of its own.
    refreshes: u64,
}

impl Announcer {
    pub(crate) fn new(refresh: Duration, seed: u64) -> Self {
        let refresh = Some(refresh).filter(|refresh| !refresh.is_zero());
        Self { refresh, seed, addresses: BTreeMap::new(), due: BTreeSet::new(), pace: PACE }
    }

    /// Begins to announce `ip`: first round now, then the burst. Again, if it is announced already.
    pub(crate) fn start(&mut self, ip: IpAddr, now: Duration) {
        let last = self.addresses.get(&ip).and_then(|entry| entry.last);
        let refreshes = self.addresses.get(&ip).map_or(0, |entry| entry.refreshes);
        let earliest = last.map_or(now, |last| now.max(last + SHORTEST_GAP));
        self.schedule(ip, Entry { next: Some(earliest), last, rounds: 0, next_is_refresh: false, refreshes });
    }

    /// One round soon, without a burst; does nothing for an address that is not announced.
    pub(crate) fn once(&mut self, ip: IpAddr, now: Duration) {
        if let Some(&entry) = self.addresses.get(&ip) {
            let soon = entry.last.map_or(now, |last| now.max(last + SHORTEST_GAP));
            // Due anyway by then, as what it is.
            if entry.next.is_none_or(|next| soon < next) {
                self.schedule(ip, Entry { next: Some(soon), next_is_refresh: false, ..entry });
            }
        }
    }

    /// Ends the announcements of `ip`. None goes out after this.
    pub(crate) fn stop(&mut self, ip: IpAddr) {
        if let Some(Entry { next: Some(next), .. }) = self.addresses.remove(&ip) {
            self.due.remove(&(next, ip));
        }
    }

    /// The next round that is due and may go out now; the address's following one is scheduled. `None` when nothing is due,
    /// or the pace does not allow it yet: then [`next_deadline`](Self::next_deadline) says when.
    pub(crate) fn next_due(&mut self, now: Duration) -> Option<Round> {
        let &(at, ip) = self.due.first()?;
        if at > now || !self.pace.admit(now) {
            return None;
        }
        let mut entry = self.addresses.get(&ip).copied()?;
        entry.last = Some(now);
        entry.next = match BURST_GAPS.get(entry.rounds) {
            Some(gap) => Some(now + *gap),
            None => self.refresh.map(|refresh| now + self.jittered(refresh, ip, entry.refreshes)),
        };
        let refresh = entry.next_is_refresh;
        entry.next_is_refresh = entry.rounds >= BURST_GAPS.len();
        match BURST_GAPS.get(entry.rounds) {
            Some(_) => entry.rounds += 1,
            None => entry.refreshes = entry.refreshes.wrapping_add(1),
        }
        self.due.remove(&(at, ip));
        self.schedule(ip, entry);
        Some(Round { ip, refresh })
    }

    /// When to look again, if ever.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.due.first().map(|&(at, _)| at.max(self.pace.ready_at()))
    }

    fn schedule(&mut self, ip: IpAddr, entry: Entry) {
        if let Some(Entry { next: Some(before), .. }) = self.addresses.insert(ip, entry) {
            self.due.remove(&(before, ip));
        }
        if let Some(next) = entry.next {
            self.due.insert((next, ip));
        }
    }

    /// `refresh` × 0.8 … 1.2 (but no less than the shortest gap), the same for the same seed, address and count.
    fn jittered(&self, refresh: Duration, ip: IpAddr, count: u64) -> Duration {
        let address = match ip {
            IpAddr::V4(v4) => u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        let halves = [address >> 64, address & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0));
        let mixed = [halves[0], halves[1], count].into_iter().fold(self.seed, |hash, word| mix(hash ^ word));
        let per_mille = u32::try_from(mixed % 401).unwrap_or(200) + 800;
        (refresh / 1000 * per_mille).max(SHORTEST_GAP)
    }
}

/// A bijection that spreads every input bit over the output (the finalizer of SplitMix64).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
