//! Advertisements that disagree about the same route.

use std::fmt;

use super::Attributes;
use crate::address::Family;
use crate::config::BgpAdvertisement;

/// A value that a route can have only one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dispute {
    /// `localPref`: the older's, the younger's.
    LocalPref(u32, u32),
    /// `herald.med`: the older's, the younger's.
    Med(u32, u32),
    /// `herald.asPathPrepend`: the older's, the younger's.
    Prepend(u8, u8),
}

/// Two advertisements of which each says something else of the same route to the same peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict<'a> {
    /// The one whose value is announced.
    pub older: &'a BgpAdvertisement,
    /// The one whose value is not.
    pub younger: &'a BgpAdvertisement,
    /// What it is about.
    pub dispute: Dispute,
}

/// The first conflict among advertisements that all cover the same address of each of `families`, from the same node
/// for the same Service. The routes are announced all the same (`docs/decisions/0087`); this is to be told.
#[must_use]
pub fn conflicting<'a>(
    advertisements: impl IntoIterator<Item = &'a BgpAdvertisement>,
    families: &[Family],
) -> Option<Conflict<'a>> {
    let mut all: Vec<_> = advertisements.into_iter().filter(|one| Dispute::is_possible(&one.attributes)).collect();
    all.sort_by_key(|one| one.seniority());
    all.iter().enumerate().find_map(|(index, younger)| {
        all.iter().take(index).find_map(|older| {
            let dispute = Dispute::between(&older.attributes, &younger.attributes)?;
            meet(older, younger, families).then_some(Conflict { older, younger, dispute })
        })
    })
}

/// True if both announce some prefix of one of `families` to a peer that both name. All of one address: with equal
/// lengths it is the same prefix.
fn meet(one: &BgpAdvertisement, other: &BgpAdvertisement, families: &[Family]) -> bool {
    share_a_peer(one, other) && share_a_length(one, other, families)
}

/// True if some peer is meant by both.
pub(crate) fn share_a_peer(one: &BgpAdvertisement, other: &BgpAdvertisement) -> bool {
    match (&one.peers, &other.peers) {
        (Some(some), Some(others)) => !some.is_disjoint(others),
        _ => true,
    }
}

/// True if prefixes of one of `families` are equally long in both.
pub(crate) fn share_a_length(one: &BgpAdvertisement, other: &BgpAdvertisement, families: &[Family]) -> bool {
    families.iter().any(|family| one.length(*family) == other.length(*family))
}

impl Dispute {
    /// What two advertisements disagree about, if both set a value. Who sets none agrees with everything.
    pub(crate) fn between(older: &Attributes, younger: &Attributes) -> Option<Self> {
        fn differ<T: PartialEq + Copy>(a: Option<T>, b: Option<T>) -> Option<(T, T)> {
            a.zip(b).filter(|(a, b)| a != b)
        }
        differ(older.local_pref, younger.local_pref)
            .map(|(a, b)| Self::LocalPref(a, b))
            .or_else(|| differ(older.med, younger.med).map(|(a, b)| Self::Med(a, b)))
            .or_else(|| differ(older.prepend, younger.prepend).map(|(a, b)| Self::Prepend(a, b)))
    }

    /// True if somebody could disagree at all.
    pub(crate) fn is_possible(said: &Attributes) -> bool {
        said.local_pref.is_some() || said.med.is_some() || said.prepend.is_some()
    }

    /// The field's name under `spec`.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::LocalPref(..) => "localPref",
            Self::Med(..) => "herald.med",
            Self::Prepend(..) => "herald.asPathPrepend",
        }
    }

    /// The older's value and the younger's.
    #[must_use]
    pub fn values(self) -> (u32, u32) {
        match self {
            Self::LocalPref(a, b) | Self::Med(a, b) => (a, b),
            Self::Prepend(a, b) => (a.into(), b.into()),
        }
    }
}

/// A sentence about both.
impl fmt::Display for Conflict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, lost) = self.dispute.values();
        write!(
            f,
            "{field} {kept} of BGPAdvertisement \"{older}\" is announced, not {lost} of the younger \"{younger}\"",
            field = self.dispute.field(),
            older = self.older.name,
            younger = self.younger.name,
        )
    }
}
