//! A set of numbers kept as intervals.
//!
//! The free addresses of a pool are a few long runs, however large the pool is: a fresh `/8` is one
//! interval, and each address handed out from the low end only moves its start. So memory follows
//! fragmentation, not size, and each operation costs O(log n) in the number of intervals.

use std::collections::BTreeMap;

/// Numbers from `0` to `u128::MAX`, kept as disjoint intervals that never touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IntervalSet {
    /// First number of an interval to its last, both included.
    intervals: BTreeMap<u128, u128>,
}

impl IntervalSet {
    /// The lowest number.
    pub(crate) fn first(&self) -> Option<u128> {
        self.intervals.first_key_value().map(|(first, _)| *first)
    }

    /// Whether there is no number in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The lowest number that is not below `from`.
    pub(crate) fn next(&self, from: u128) -> Option<u128> {
        if self.contains(from) {
            return Some(from);
        }
        self.intervals.range(from..).next().map(|(first, _)| *first)
    }

    /// The last number of the run without gaps that `number` is in; `None` if it is not in the set.
    pub(crate) fn run_end(&self, number: u128) -> Option<u128> {
        self.at_or_before(number).map(|(_, last)| last).filter(|last| number <= *last)
    }

    /// Whether `number` is in the set.
    pub(crate) fn contains(&self, number: u128) -> bool {
        self.at_or_before(number).is_some_and(|(_, last)| number <= last)
    }

    /// Adds `first..=last`; numbers that are in it already stay. Nothing happens if `first > last`.
    pub(crate) fn insert(&mut self, mut first: u128, mut last: u128) {
        if first > last {
            return;
        }
        // Swallow every interval that overlaps or touches the new one, from the right end leftwards.
        while let Some((other_first, other_last)) = self.at_or_before(last.saturating_add(1)) {
            if other_last < first && other_last + 1 < first {
                break;
            }
            self.intervals.remove(&other_first);
            first = first.min(other_first);
            last = last.max(other_last);
        }
        self.intervals.insert(first, last);
    }

    /// Takes `number` out; false if it was not in.
    pub(crate) fn remove(&mut self, number: u128) -> bool {
        let Some((first, last)) = self.at_or_before(number).filter(|(_, last)| number <= *last) else {
            return false;
        };
        self.intervals.remove(&first);
        if first < number {
            self.intervals.insert(first, number - 1);
        }
        if number < last {
            self.intervals.insert(number + 1, last);
        }
        true
    }

    /// The last interval that starts at or before `number`.
    fn at_or_before(&self, number: u128) -> Option<(u128, u128)> {
        self.intervals.range(..=number).next_back().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u128, u128),
        Remove(u128),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u128..60, 0_u128..8).prop_map(|(first, more)| Step::Insert(first, first + more)),
            (0_u128..70).prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn equals_a_plain_set(steps in proptest::collection::vec(step(), 0..80)) {
            let (mut set, mut plain) = (IntervalSet::default(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Insert(first, last) => {
                        set.insert(first, last);
                        plain.extend(first..=last);
                    }
                    Step::Remove(number) => {
                        prop_assert_eq!(set.remove(number), plain.remove(&number));
                    }
                }
                prop_assert_eq!(set.first(), plain.first().copied());
                prop_assert_eq!(set.is_empty(), plain.is_empty());
                for number in 0..72 {
                    prop_assert_eq!(set.contains(number), plain.contains(&number));
                    prop_assert_eq!(set.next(number), plain.range(number..).next().copied());
                    let run_end = (number..).take_while(|one| plain.contains(one)).last();
                    prop_assert_eq!(set.run_end(number), run_end);
                }
                // Intervals never touch, or memory would grow with history.
                let ends: Vec<_> = set.intervals.iter().collect();
                for pair in ends.windows(2) {
                    prop_assert!(pair[0].1 + 1 < *pair[1].0);
                }
            }
        }
    }

    #[test]
    fn reaches_both_ends_of_the_numbers() {
        let mut set = IntervalSet::default();
        set.insert(0, u128::MAX);
        assert!(set.remove(u128::MAX) && set.remove(0));
        assert!(!set.contains(0) && !set.contains(u128::MAX));
        assert_eq!(set.first(), Some(1));
        set.insert(u128::MAX, u128::MAX);
        set.insert(0, 0);
        assert_eq!(set.intervals, BTreeMap::from([(0, u128::MAX)]));
    }

    #[test]
    fn an_empty_range_adds_nothing() {
        let mut set = IntervalSet::default();
        set.insert(5, 4);
        assert_eq!(set, IntervalSet::default());
    }
}
