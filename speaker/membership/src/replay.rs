//! Which datagrams of a sender were seen before.

const WORDS: usize = 16;

/// So many counters below the newest one are remembered singly; anything older counts as seen.
///
/// A sender counts its datagrams to all peers in one sequence, so the window must span the burst of a large cluster:
/// 1,024 is ten datagrams to each of 100 peers.
pub(crate) const WINDOW: u64 = 64 * WORDS as u64;

/// A sliding window in the manner of RFC 4303 §3.4.3. Counters start at 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayWindow {
    newest: u64,
    /// A ring: the bit of counter `c` is `c % WINDOW`.
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// Whether this counter is new; it will not be a second time.
    pub(crate) fn accept(&mut self, counter: u64) -> bool {
        if counter == 0 || counter.saturating_add(WINDOW) <= self.newest {
            return false;
        }
        if counter > self.newest {
            self.advance_to(counter);
        }
        let (word, bit) = place(counter);
        match self.seen.get_mut(word) {
            Some(bits) if *bits & bit == 0 => {
                *bits |= bit;
                true
            }
            _ => false,
        }
    }

    /// Forgets the counters that leave the window.
    fn advance_to(&mut self, counter: u64) {
        if counter - self.newest >= WINDOW {
            self.seen = [0; WORDS];
        } else {
            for passed in self.newest + 1..=counter {
                let (word, bit) = place(passed);
                if let Some(bits) = self.seen.get_mut(word) {
                    *bits &= !bit;
                }
            }
        }
        self.newest = counter;
    }
}

fn place(counter: u64) -> (usize, u64) {
    let position = counter % WINDOW;
    (usize::try_from(position / 64).unwrap_or(0), 1 << (position % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the plain definition: new if not seen and not older than the window.
        #[test]
        fn agrees_with_a_set(counters in prop::collection::vec(prop_oneof![0..3_000u64, any::<u64>()], 0..200)) {
            let mut window = ReplayWindow::default();
            let mut seen = BTreeSet::new();
            let mut newest = 0u64;
            for counter in counters {
                let new = counter > 0 && counter.saturating_add(WINDOW) > newest && seen.insert(counter);
                newest = if new { newest.max(counter) } else { newest };
                prop_assert_eq!(window.accept(counter), new, "counter {}", counter);
            }
        }
    }
}
