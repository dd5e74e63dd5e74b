//! Sets of addresses as sorted ranges with gaps between them. IPv4 addresses are numbers below 2³².

/// Disjoint, sorted, never adjacent: between any two lies at least one address that is in neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    /// Ranges that overlap or touch become one; one that ends before it begins is left out.
    pub(super) fn new(ranges: impl IntoIterator<Item = (u128, u128)>) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();

        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    pub(super) fn one(first: u128, last: u128) -> Self {
        Self(vec![(first, last)])
    }

    /// Adds a range above all others.
    pub(super) fn push(&mut self, first: u128, last: u128) {
        self.0.push((first, last));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// First and last address of each range.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u128, u128)> {
        self.0.iter().copied()
    }

    /// Closes the smallest gaps until at most `count` ranges (at least one) are left.
    pub(super) fn merge_to(&mut self, count: usize) {
        let mut gaps: Vec<(u128, usize)> =
            self.0.windows(2).enumerate().map(|(at, pair)| (pair[1].0 - pair[0].1, at + 1)).collect();
        let to_close = self.0.len().saturating_sub(count.max(1));
        gaps.sort_unstable();
        let mut closed: Vec<usize> = gaps.into_iter().take(to_close).map(|(_, at)| at).collect();
        closed.sort_unstable();

        let mut closed = closed.into_iter().peekable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(count);
        for (at, range) in self.0.iter().enumerate() {
            match merged.last_mut() {
                Some(before) if closed.next_if_eq(&at).is_some() => before.1 = range.1,
                _ => merged.push(*range),
            }
        }
        self.0 = merged;
    }
}
