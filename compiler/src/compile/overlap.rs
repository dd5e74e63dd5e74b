//! Which pool has an address that several list.
//!
//! Pools claim their ranges in order of seniority. Claimed intervals are kept disjoint and sorted,
//! one step per interval met, so that a new range is cut along them:
//!
//! ```text
//! claimed   ├──── a ────┤        ├─ b ─┤
//! new            ├───────── c ─────────────┤
//! free                   ├──────┤       ├──┤      → c
//! overlap        ├───────┤       ├─────┤          → with a, with b
//! ```

use std::collections::BTreeMap;

use crate::address::{AddressRange, Family, numeric};

/// The intervals claimed so far, each with its owner. Owners are numbered by the caller.
#[derive(Default)]
pub(super) struct Claims {
    /// First address → (last address, owner). Disjoint.
    claimed: BTreeMap<(Family, u128), (u128, usize)>,
}

/// What became of one claim.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What the claimant has now and nobody had before. Ascending.
    pub(super) free: Vec<AddressRange>,
    /// What somebody had before (perhaps the claimant), and who. Ascending.
    pub(super) taken: Vec<(AddressRange, usize)>,
}

impl Claims {
    /// Gives `owner` what is left of `range`.
    pub(super) fn claim(&mut self, owner: usize, range: AddressRange) -> Outcome {
        let family = range.family();
        let (first, last) = (numeric(range.first()), numeric(range.last()));
        let mut outcome = Outcome::default();
        // Compared as numbers: one past the last IPv4 address would wrap to the first.
        let piece = |from: u128, to: u128| {
            (from <= to).then(|| AddressRange::new(family.address(from), family.address(to))).flatten()
        };
        // Where the part that nobody was found to have yet begins; None past the last address.
        let mut unclaimed = Some(first);
        for (start, end, holder) in self.meeting(family, first, last) {
            let (from, to) = (start.max(first), end.min(last));
            if let (Some(begin), Some(before)) = (unclaimed, from.checked_sub(1)) {
                outcome.free.extend(piece(begin, before));
            }
            outcome.taken.extend(piece(from, to).map(|part| (part, holder)));
            unclaimed = to.checked_add(1);
        }
        outcome.free.extend(unclaimed.and_then(|begin| piece(begin, last)));
        for part in &outcome.free {
            self.claimed.insert((family, numeric(part.first())), (numeric(part.last()), owner));
        }
        outcome
    }

    /// The claimed intervals that have an address in `first..=last`, ascending.
    fn meeting(&self, family: Family, first: u128, last: u128) -> impl Iterator<Item = (u128, u128, usize)> + '_ {
        // The one that starts before `first` may reach into it; it is the only one of its kind.
        let reaching_in =
            self.claimed.range((family, 0)..(family, first)).next_back().filter(move |(_, (end, _))| *end >= first);
        let starting_inside = self.claimed.range((family, first)..=(family, last));
        reaching_in.into_iter().chain(starting_inside).map(|((_, start), (end, owner))| (*start, *end, *owner))
    }
}
