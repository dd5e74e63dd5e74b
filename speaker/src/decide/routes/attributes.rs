//! From what the configuration says of a route to what the protocol says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use herald_bgp::{Attributes, Community, ExtendedCommunity, LargeCommunity, Prefix};
use herald_compiler::{BgpAdvertisement, bgp};

/// What peers are told, one value for all routes of which the same is said: they share messages and memory.
#[derive(Debug, Default)]
pub(super) struct Told {
    known: BTreeSet<Arc<Attributes>>,
    /// How many there may be before those are looked for that no route has any more.
    limit: usize,
}

/// Answers of [`Told::of`] for one peer and a while.
pub(super) type Answers = BTreeMap<Vec<*const BgpAdvertisement>, Option<Arc<Attributes>>>;

/// Below this many nothing is worth looking for.
const FEW: usize = 64;

impl Told {
    /// What `peer` is told of a prefix that `advertisements` want; `None`: nothing. `leaving`: the route goes away soon.
    pub(super) fn of<'a>(
        &mut self,
        peer: &str,
        advertisements: impl Iterator<Item = &'a Arc<BgpAdvertisement>>,
        leaving: bool,
        answers: &mut Answers,
    ) -> Option<Arc<Attributes>> {
        let advertisements: Vec<_> = advertisements.collect();
        let key = advertisements.iter().map(|one| Arc::as_ptr(one)).collect();
        let answer = answers.entry(key).or_insert_with(|| {
            let said = bgp::attributes(peer, advertisements.iter().map(|one| &***one))?;
            Some(self.shared(convert(&said, leaving)))
        });
        answer.clone()
    }

    fn shared(&mut self, attributes: Attributes) -> Arc<Attributes> {
        if let Some(known) = self.known.get(&attributes) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.limit.max(FEW) {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.limit = self.known.len() * 2;
        }
        let attributes = Arc::new(attributes);
        self.known.insert(Arc::clone(&attributes));
        attributes
    }
}

/// What is said of a route, in the protocol's types. A route that is `leaving` carries GRACEFUL_SHUTDOWN and, inside of
/// an AS, the lowest preference (RFC 8326 §4).
fn convert(from: &bgp::Attributes, leaving: bool) -> Attributes {
    let bgp::Attributes { local_pref, med, prepend, communities, large_communities, extended_communities } = from;
    let large = |community: &bgp::LargeCommunity| {
        let [global, local1, local2] = community.0;
        LargeCommunity { global, local1, local2 }
    };
    let mut communities: BTreeSet<_> = communities.iter().map(|community| Community(community.0)).collect();
    communities.extend(leaving.then_some(Community::GRACEFUL_SHUTDOWN));
    Attributes {
        local_pref: if leaving { Some(0) } else { *local_pref },
        med: *med,
        prepend: prepend.unwrap_or(0),
        communities,
        large_communities: large_communities.iter().map(large).collect(),
        extended_communities: extended_communities.iter().map(|community| ExtendedCommunity(community.0)).collect(),
    }
}

/// A prefix in the protocol's type.
pub(super) fn prefix(from: bgp::Prefix) -> Option<Prefix> {
    Prefix::new(from.address(), from.length())
}

/// A family in the protocol's type.
pub(super) fn family(from: herald_compiler::Family) -> herald_bgp::Family {
    match from {
        herald_compiler::Family::V4 => herald_bgp::Family::Ipv4,
        herald_compiler::Family::V6 => herald_bgp::Family::Ipv6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_says_so() {
        let mut said = bgp::Attributes { local_pref: Some(200), prepend: Some(2), ..bgp::Attributes::default() };
        said.communities.insert(bgp::StandardCommunity(0x0001_0002));
        said.large_communities.insert(bgp::LargeCommunity([1, 2, 3]));
        said.extended_communities.insert(bgp::ExtendedCommunity([0, 2, 0, 1, 0, 0, 0, 9]));
        let stays = convert(&said, false);
        assert_eq!((stays.local_pref, stays.prepend, stays.communities.len()), (Some(200), 2, 1));
        assert!(stays.large_communities.contains(&LargeCommunity { global: 1, local1: 2, local2: 3 }));
        let leaves = convert(&said, true);
        assert_eq!(leaves.local_pref, Some(0));
        assert!(leaves.communities.contains(&Community::GRACEFUL_SHUTDOWN) && leaves.communities.len() == 2);
        assert_eq!(leaves.extended_communities, stays.extended_communities);
    }

    #[test]
    fn equal_attributes_are_one_value_and_unused_ones_are_forgotten() {
        let mut told = Told::default();
        let with = |med| Attributes { med: Some(med), ..Attributes::default() };
        assert!(Arc::ptr_eq(&told.shared(with(1)), &told.shared(with(1))));
        let kept: Vec<_> = (0..200).map(|med| told.shared(with(med))).collect();
        for med in 1000..10_000 {
            told.shared(with(med));
        }
        assert!(told.known.len() <= 2 * (kept.len() + FEW), "{}", told.known.len());
        assert!(Arc::ptr_eq(&kept[7], &told.shared(with(7))));
    }
}
