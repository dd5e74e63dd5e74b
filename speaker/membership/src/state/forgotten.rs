//! What is kept of a node that was forgotten: which of its lives ended, so that a recording does not raise it.

use std::collections::BTreeMap;

/// So many forgotten nodes are remembered, 16 bytes each; then the oldest life gives way.
const REMEMBERED: usize = 1_024;

/// The newest life of each forgotten node.
///
/// A peer's replay window goes with the peer. What it said is still authentic, and was for our present life: only its
/// rank tells it from what a node says that is back. One that was merely cut off learns from our refusal that it has to
/// go above, and does.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    /// By [`crate::packet::body::name_tag`].
    ranks: BTreeMap<u64, u64>,
}

impl Forgotten {
    /// A node is forgotten, whose newest life had this rank.
    pub(super) fn add(&mut self, name_tag: u64, rank: u64) {
        if rank == 0 {
            return; // nothing of it was ever believed
        }
        let known = self.ranks.entry(name_tag).or_default();
        *known = rank.max(*known);
        if self.ranks.len() > REMEMBERED {
            let oldest = self.ranks.iter().min_by_key(|(_, rank)| **rank).map(|(name_tag, _)| *name_tag);
            oldest.and_then(|name_tag| self.ranks.remove(&name_tag));
        }
    }

    /// The lowest rank at which a node is believed.
    pub(super) fn least(&self, name_tag: u64) -> u64 {
        self.ranks.get(&name_tag).map_or(0, |rank| rank.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lives_give_way_and_the_newest_counts() {
        let mut forgotten = Forgotten::default();
        for node in 1..=2 * REMEMBERED as u64 {
            forgotten.add(node, node);
            forgotten.add(node, node - 1);
        }
        assert_eq!(forgotten.ranks.len(), REMEMBERED);
        let nodes = [1, 1_024, 1_025, 2_048, 2_049];
        assert_eq!(nodes.map(|node| forgotten.least(node)), [0, 0, 1_026, 2_049, 0]);
    }
}
