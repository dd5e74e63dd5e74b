//! What is said of a route, and what is said of one that several advertisements want.

use std::collections::BTreeSet;

use super::{ExtendedCommunity, LargeCommunity, StandardCommunity};
use crate::config::BgpAdvertisement;

/// What is said of a route. Next hop and AS path follow from the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes {
    /// LOCAL_PREF for internal peers; `None`: unset, which is 100 to them.
    pub local_pref: Option<u32>,
    /// MULTI_EXIT_DISC; `None`: not sent.
    pub med: Option<u32>,
    /// How many times more than once the own AS number stands in the path that external peers see, up to 16; `None`:
    /// unset, which is 0.
    pub prepend: Option<u8>,
    /// Standard communities, the registered ones included.
    pub communities: BTreeSet<StandardCommunity>,
    /// Large communities.
    pub large_communities: BTreeSet<LargeCommunity>,
    /// Extended communities.
    pub extended_communities: BTreeSet<ExtendedCommunity>,
}

impl Attributes {
    /// Adds what a younger advertisement says of the same route: its communities, and whatever is unset so far.
    fn complete(&mut self, younger: &Self) {
        let Self { local_pref, med, prepend, communities, large_communities, extended_communities } = younger;
        self.local_pref = self.local_pref.or(*local_pref);
        self.med = self.med.or(*med);
        self.prepend = self.prepend.or(*prepend);
        self.communities.extend(communities);
        self.large_communities.extend(large_communities);
        self.extended_communities.extend(extended_communities);
    }
}

/// What the peer called `peer` is told of a prefix that all of `advertisements` want; `None` if none of them is for that
/// peer.
///
/// Communities are united. Of a value that there can be only one of, the oldest advertisement that sets it decides
/// (`docs/decisions/0087`). Neither order nor repetitions among `advertisements` have an influence.
#[must_use]
pub fn attributes<'a>(
    peer: &str,
    advertisements: impl IntoIterator<Item = &'a BgpAdvertisement>,
) -> Option<Attributes> {
    let mut telling: Vec<_> = advertisements.into_iter().filter(|one| one.announces_to(peer)).collect();
    telling.sort_by_key(|one| one.seniority());
    let (oldest, younger) = telling.split_first()?;
    let mut told = oldest.attributes.clone();
    for one in younger {
        told.complete(&one.attributes);
    }
    Some(told)
}
