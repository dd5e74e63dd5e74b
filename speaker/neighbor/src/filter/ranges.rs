//! Sets of IPv4 addresses as sorted ranges with gaps between them.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// Disjoint, sorted, never adjacent: between any two lies at least one address that is in neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub(super) fn new(ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>) -> Self {
        let mut sorted: Vec<(u32, u32)> = ranges
            .into_iter()
            .map(|range| (range.start().to_bits(), range.end().to_bits()))
            .filter(|(first, last)| first <= last)
            .collect();
        sorted.sort_unstable();

        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The lowest address, if there is any.
    pub(super) fn lowest(&self) -> Option<u32> {
        self.0.first().map(|(first, _)| *first)
    }

    /// Where membership changes above the lowest address, counted from there and in order: the first address after each
    /// range, and the first one of each range but the lowest. The lowest address itself is inside.
    pub(super) fn bounds(&self) -> Vec<u32> {
        let lowest = self.lowest().unwrap_or_default();
        let changes = self.0.iter().flat_map(|(first, last)| {
            // Only the range of all addresses there are has no address after it.
            [Some(first - lowest), (last - lowest).checked_add(1)]
        });
        changes.flatten().skip(1).collect()
    }

    /// Closes the smallest gaps until at most `count` ranges (at least one) are left.
    pub(super) fn merge_to(&mut self, count: usize) {
        let mut gaps: Vec<(u32, usize)> =
            self.0.windows(2).enumerate().map(|(at, pair)| (pair[1].0 - pair[0].1, at + 1)).collect();
        let to_close = self.0.len().saturating_sub(count.max(1));
        gaps.sort_unstable();
        let mut closed: Vec<usize> = gaps.into_iter().take(to_close).map(|(_, at)| at).collect();
        closed.sort_unstable();

        let mut closed = closed.into_iter().peekable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(count);
        for (at, range) in self.0.iter().enumerate() {
            match merged.last_mut() {
                Some(before) if closed.next_if_eq(&at).is_some() => before.1 = range.1,
                _ => merged.push(*range),
            }
        }
        self.0 = merged;
    }
}
