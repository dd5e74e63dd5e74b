//! The addresses of one family that a pool may hand out, numbered in the order in which it does.
//!
//! A pool's ranges are used in the order written, each from its low end, and with `avoidBuggyIPs`
//! without the addresses that end in .0 or .255. A *position* counts along exactly that order:
//!
//! ```text
//!  ranges     10.0.0.254-10.0.1.2, 10.0.0.10-10.0.0.11      avoidBuggyIPs
//!  positions  10.0.0.254=0  10.0.1.1=1  10.0.1.2=2  10.0.0.10=3  10.0.0.11=4
//! ```
//!
//! So "the next free address" is the lowest free position, an avoided address has none, and the
//! capacity is a subtraction. Nothing here walks addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use herald_compiler::address::numeric;
use herald_compiler::{AddressRange, Family};

/// Positions for the addresses of some ranges of one family.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    family: Family,
    numbering: Numbering,
    /// In order of use, thus by ascending `base`.
    pieces: Vec<Piece>,
    /// First index of a piece to its place in `pieces`.
    by_index: BTreeMap<u128, usize>,
}

/// A range as indices, and the position of its first address.
#[derive(Clone, Copy, Debug)]
struct Piece {
    first: u128,
    last: u128,
    base: u128,
}

/// Which addresses have an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// All: the index is the address's numeric value.
    All,
    /// IPv4 addresses that end in 1 to 254: 254 indices for each block of 256.
    SkipBuggy,
}

impl Numbering {
    fn index(self, value: u128) -> Option<u128> {
        match (self, value % 256) {
            (Self::All, _) => Some(value),
            (Self::SkipBuggy, 0 | 255) => None,
            (Self::SkipBuggy, octet) => Some(value / 256 * 254 + (octet - 1)),
        }
    }

    fn value(self, index: u128) -> u128 {
        match self {
            Self::All => index,
            Self::SkipBuggy => index / 254 * 256 + index % 254 + 1,
        }
    }

    /// The indices from `first` to `last`, if there is any.
    fn indices(self, first: u128, last: u128) -> Option<(u128, u128)> {
        // At most two neighbours have no index: .255 and the next .0.
        let first = (first..=last).take(3).find_map(|value| self.index(value))?;
        let last = (0..3).map_while(|step| last.checked_sub(step)).find_map(|value| self.index(value))?;
        (first <= last).then_some((first, last))
    }
}

impl Layout {
    /// Numbers the ranges of `family`; others are passed over. The ranges must be disjoint.
    pub(crate) fn new(family: Family, numbering: Numbering, ranges: &[AddressRange]) -> Self {
        let numbering = match family {
            Family::V4 => numbering,
            Family::V6 => Numbering::All,
        };
        let mut layout = Self { family, numbering, pieces: Vec::new(), by_index: BTreeMap::new() };
        for range in ranges.iter().filter(|range| range.family() == family) {
            let indices = numbering.indices(numeric(range.first()), numeric(range.last()));
            let base = layout.last_position().map_or(Some(0), |last| last.checked_add(1));
            if let (Some((first, last)), Some(base)) = (indices, base) {
                layout.by_index.insert(first, layout.pieces.len());
                layout.pieces.push(Piece { first, last, base });
            }
        }
        layout
    }

    /// The highest position; `None` without any address.
    pub(crate) fn last_position(&self) -> Option<u128> {
        self.pieces.last().map(|piece| piece.base + (piece.last - piece.first))
    }

    /// How many addresses there are; saturates one short of `::/0`.
    pub(crate) fn capacity(&self) -> u128 {
        self.last_position().map_or(0, |last| last.saturating_add(1))
    }

    /// The ranges in the order of use: numeric values of the first and last address that have a
    /// position, and the position of the first.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u128, u128, u128)> {
        let value = |index| self.numbering.value(index);
        self.pieces.iter().map(move |piece| (value(piece.first), value(piece.last), piece.base))
    }

    /// The position of `address`; `None` if it is not to be handed out from here.
    pub(crate) fn position(&self, address: IpAddr) -> Option<u128> {
        if Family::of(address) != self.family {
            return None;
        }
        let index = self.numbering.index(numeric(address))?;
        let (_, place) = self.by_index.range(..=index).next_back()?;
        let piece = self.pieces.get(*place)?;
        (index <= piece.last).then(|| piece.base + (index - piece.first))
    }

    /// The address at `position`; `None` beyond the last one.
    pub(crate) fn address(&self, position: u128) -> Option<IpAddr> {
        let after = self.pieces.partition_point(|piece| piece.base <= position);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        let index = piece.first.checked_add(position - piece.base)?;
        (index <= piece.last).then(|| self.family.address(self.numbering.value(index)))
    }
}

#[cfg(test)]
mod tests {
    use herald_compiler::address::is_buggy;
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> AddressRange {
        AddressRange::parse(text).unwrap()
    }

    fn v4(value: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(value).into()
    }

    #[test]
    fn positions_follow_the_order_of_use() {
        let ranges = [range("10.0.0.254-10.0.1.2"), range("10.0.0.10-10.0.0.11")];
        let layout = Layout::new(Family::V4, Numbering::SkipBuggy, &ranges);
        let all: Vec<_> = (0..=9).map_while(|position| layout.address(position)).collect();
        let expected = ["10.0.0.254", "10.0.1.1", "10.0.1.2", "10.0.0.10", "10.0.0.11"];
        assert_eq!(all, expected.map(|text| text.parse::<IpAddr>().unwrap()));
        assert_eq!(layout.capacity(), 5);
        assert_eq!(layout.position("10.0.0.255".parse().unwrap()), None);
        assert_eq!(layout.position("10.0.0.12".parse().unwrap()), None);
    }

    #[test]
    fn all_of_ipv6_has_positions() {
        let layout = Layout::new(Family::V6, Numbering::SkipBuggy, &[range("::/0"), range("10.0.0.0/8")]);
        let last: IpAddr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        assert_eq!(layout.position(last), Some(u128::MAX));
        assert_eq!(layout.address(u128::MAX), Some(last));
        assert_eq!(layout.capacity(), u128::MAX);
        assert_eq!(layout.position("10.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn a_range_of_avoided_addresses_holds_nothing() {
        for text in ["10.0.0.0/32", "10.0.0.255-10.0.1.0", "0.0.0.0/32", "255.255.255.255/32"] {
            let layout = Layout::new(Family::V4, Numbering::SkipBuggy, &[range(text)]);
            assert_eq!((layout.capacity(), layout.address(0)), (0, None), "{text}");
        }
    }

    proptest! {
        /// Against a walk over the addresses, for a few small ranges in any order.
        #[test]
        fn equals_a_walk(skip: bool, cuts in proptest::collection::btree_set(0_u32..1600, 2..9), swap: bool) {
            let cuts: Vec<_> = cuts.into_iter().collect();
            let mut ranges: Vec<_> = cuts
                .chunks_exact(2)
                .map(|ends| AddressRange::new(v4(ends[0]), v4(ends[1])).unwrap())
                .collect();
            if swap {
                ranges.reverse();
            }
            let numbering = if skip { Numbering::SkipBuggy } else { Numbering::All };
            let layout = Layout::new(Family::V4, numbering, &ranges);
            let walk = |range: &AddressRange| (numeric(range.first())..=numeric(range.last())).map(|v| Family::V4.address(v));
            let expected: Vec<_> = ranges.iter().flat_map(walk).filter(|address| !(skip && is_buggy(*address))).collect();
            prop_assert_eq!(layout.capacity(), expected.len() as u128);
            for (position, address) in expected.iter().enumerate() {
                prop_assert_eq!(layout.address(position as u128), Some(*address));
                prop_assert_eq!(layout.position(*address), Some(position as u128));
            }
            prop_assert_eq!(layout.address(expected.len() as u128), None);
            for value in 0..1600 {
                prop_assert_eq!(layout.position(v4(value)).is_some(), expected.contains(&v4(value)));
            }
        }
    }
}
