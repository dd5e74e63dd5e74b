//! The compiled configuration, and the questions it answers.

mod advertisement;
mod peer;
#[cfg(test)]
mod tests;

pub use advertisement::BgpAdvertisement;
pub use peer::{Authentication, BfdProfile, BgpPeer, DEFAULT_HOLD_TIME, Endpoint, RemoteAs};

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::address::{AddressRange, Family, is_buggy};
use crate::object::Labels;
use crate::selector::{Selector, matches_any_or_empty};

/// What all accepted objects mean together. Immutable: a change of any object makes a new one.
/// Equal configurations mean the same, so a recompilation that changes nothing is seen by `==`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pools: Vec<Pool>,
    l2_advertisements: Vec<L2Advertisement>,
    bgp: Bgp,
    /// Every free range with the index of its pool. Ascending and disjoint, for binary search.
    free: Vec<(AddressRange, usize)>,
}

/// What is configured about BGP. Each list by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bgp {
    pub(crate) peers: Vec<BgpPeer>,
    pub(crate) advertisements: Vec<Arc<BgpAdvertisement>>,
    pub(crate) bfd_profiles: Vec<BfdProfile>,
}

/// A pool.
///
/// A pool whose spec is invalid stays here with [`usable`](Self::usable) false and no range: it
/// hands out nothing, but the addresses that came from it are retained, not orphaned. A typing
/// error in a pool must not take addresses from Services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Name.
    pub name: String,
    /// False if the spec is invalid; its verdict says why.
    pub usable: bool,
    /// Labels of the pool.
    pub labels: Labels,
    /// What the user wrote, item by item in that order. A Service that has one of these addresses
    /// keeps it and stays in this pool, also where an older pool has the address now.
    pub ranges: Vec<AddressRange>,
    /// What may be handed out anew: `ranges` without what belongs to an older pool and without
    /// repetitions. In the order of the items, ascending inside one. No address is free in two
    /// pools. Buggy addresses are *not* cut out (that would make 131,072 ranges of a `/8`): ask
    /// [`may_hand_out`](Self::may_hand_out).
    pub free_ranges: Vec<AddressRange>,
    /// False: used only when a Service asks for the pool or for an address in it.
    pub auto_assign: bool,
    /// Never hand out [buggy](is_buggy) addresses.
    pub avoid_buggy_ips: bool,
    /// Whom it serves; absent means every Service, after all pools that have one.
    pub allocation: Option<Allocation>,
    /// How many distinct addresses of each family the Services of one namespace may use; at least 1.
    /// It limits what is handed out and takes nothing away.
    pub max_per_namespace: Option<u64>,
}

/// Compiled `serviceAllocation`. A pool that has one is *pinned*: tried before those without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Rank among pinned pools, lowest first; `None` comes last.
    pub priority: Option<u64>,
    /// Names of the namespaces served, selectors already resolved. `None` means all; an empty set
    /// serves nobody.
    pub namespaces: Option<BTreeSet<String>>,
    /// Services served; empty means all, else one match is enough.
    pub service_selectors: Vec<Selector>,
}

/// An accepted layer-2 advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L2Advertisement {
    /// Name.
    pub name: String,
    /// Names of the pools it covers: names and selectors resolved, "all" spelled out.
    pub pools: BTreeSet<String>,
    /// Pools it names that do not exist. They mean nothing until they do.
    pub unknown_pools: BTreeSet<String>,
    /// Nodes that may announce; empty means all.
    pub node_selectors: Vec<Selector>,
    /// Services it applies to; empty means all.
    pub service_selectors: Vec<Selector>,
    /// Interfaces to answer on, by exact name; empty means all.
    pub interfaces: BTreeSet<String>,
    /// Nodes to prefer. See [`score`](Self::score).
    pub preferred: Vec<Preference>,
    /// Whether an address returns to the node that is first in the election as soon as that node may announce.
    pub failback: bool,
}

/// A compiled entry of `preferredNodeSelectors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// 1 to 100.
    pub weight: u32,
    /// The nodes meant.
    pub selector: Selector,
}

/// How many addresses a pool can hand out; saturates at `u128::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// IPv4 addresses.
    pub v4: u128,
    /// IPv6 addresses.
    pub v6: u128,
}

/// The pool an assigned address belongs to. See [`Config::home_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home<'a> {
    /// A pool contains the address.
    Inside(&'a Pool),
    /// No pool contains it any more, but the one it came from still exists (perhaps with a spec
    /// that is invalid just now): the Service keeps the address, announced as a host route only.
    Retained(&'a Pool),
    /// No pool contains it and the one it came from is gone or unknown.
    Orphaned,
}

impl<'a> Home<'a> {
    /// The pool, unless there is none.
    #[must_use]
    pub fn pool(self) -> Option<&'a Pool> {
        match self {
            Self::Inside(pool) | Self::Retained(pool) => Some(pool),
            Self::Orphaned => None,
        }
    }
}

impl Config {
    /// All lists must be sorted by name, and no address free twice.
    pub(crate) fn new(pools: Vec<Pool>, l2_advertisements: Vec<L2Advertisement>, bgp: Bgp) -> Self {
        let mut free: Vec<_> = pools
            .iter()
            .enumerate()
            .flat_map(|(index, pool)| pool.free_ranges.iter().map(move |range| (*range, index)))
            .collect();
        free.sort_unstable();
        Self { pools, l2_advertisements, bgp, free }
    }

    /// All pools, by name, also those that are not [usable](Pool::usable).
    #[must_use]
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// All accepted layer-2 advertisements, by name.
    #[must_use]
    pub fn l2_advertisements(&self) -> &[L2Advertisement] {
        &self.l2_advertisements
    }

    /// All accepted BGP peers, by name.
    #[must_use]
    pub fn bgp_peers(&self) -> &[BgpPeer] {
        &self.bgp.peers
    }

    /// The accepted BGP peer called `name`.
    #[must_use]
    pub fn bgp_peer(&self, name: &str) -> Option<&BgpPeer> {
        let index = self.bgp.peers.binary_search_by(|peer| peer.name.as_str().cmp(name)).ok()?;
        self.bgp.peers.get(index)
    }

    /// All BGP advertisements that are used, wholly or in part, by name.
    #[must_use]
    pub fn bgp_advertisements(&self) -> &[Arc<BgpAdvertisement>] {
        &self.bgp.advertisements
    }

    /// The BFD profile called `name`.
    #[must_use]
    pub fn bfd_profile(&self, name: &str) -> Option<&BfdProfile> {
        let index = self.bgp.bfd_profiles.binary_search_by(|profile| profile.name.as_str().cmp(name)).ok()?;
        self.bgp.bfd_profiles.get(index)
    }

    /// The pool called `name`.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Pool> {
        let index = self.pools.binary_search_by(|pool| pool.name.as_str().cmp(name)).ok()?;
        self.pools.get(index)
    }

    /// The pool that may hand out `address`: of several that list it, the oldest. Logarithmic in
    /// the number of ranges.
    #[must_use]
    pub fn pool_of(&self, address: IpAddr) -> Option<&Pool> {
        let after = self.free.partition_point(|(range, _)| range.first() <= address);
        let (range, index) = self.free.get(after.checked_sub(1)?)?;
        range.contains(address).then(|| self.pools.get(*index)).flatten()
    }

    /// The pool of an address that a Service already has. `recorded` is the pool it came from
    /// (annotation `metallb.io/ip-allocated-from-pool`).
    ///
    /// The recorded pool has it while it lists it, so that an older pool that lists it too moves
    /// nothing; else whichever pool contains it; else it is retained or orphaned.
    #[must_use]
    pub fn home_of(&self, address: IpAddr, recorded: Option<&str>) -> Home<'_> {
        let recorded = recorded.and_then(|name| self.pool(name));
        match (recorded, self.pool_of(address)) {
            (Some(pool), _) if pool.lists(address) => Home::Inside(pool),
            (_, Some(pool)) => Home::Inside(pool),
            (Some(pool), None) => Home::Retained(pool),
            (None, None) => Home::Orphaned,
        }
    }

    /// The layer-2 advertisements that cover the pool called `pool`.
    pub fn l2_advertisements_of<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = &'a L2Advertisement> + 'a {
        self.l2_advertisements.iter().filter(move |advertisement| advertisement.pools.contains(pool))
    }

    /// The BGP advertisements that cover the pool called `pool`.
    pub fn bgp_advertisements_of<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = &'a Arc<BgpAdvertisement>> + 'a {
        self.bgp.advertisements.iter().filter(move |advertisement| advertisement.pools.contains(pool))
    }
}

impl Pool {
    /// True if the user listed `address` here, handed out from here or not.
    #[must_use]
    pub fn lists(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// True if the pool's settings allow handing out `address` at all (`avoidBuggyIPs`).
    #[must_use]
    pub fn may_hand_out(&self, address: IpAddr) -> bool {
        !(self.avoid_buggy_ips && is_buggy(address))
    }

    /// True if a Service with these labels in `namespace` may use the pool. Also binding for
    /// Services that ask for the pool or for an address in it.
    #[must_use]
    pub fn serves(&self, namespace: &str, service_labels: &Labels) -> bool {
        self.allocation.as_ref().is_none_or(|allocation| allocation.serves(namespace, service_labels))
    }

    /// How many addresses may be handed out in all, whether in use or not.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        let mut capacity = Capacity::default();
        for range in &self.free_ranges {
            let buggy = if self.avoid_buggy_ips { range.buggy() } else { 0 };
            let count = match range.family() {
                Family::V4 => &mut capacity.v4,
                Family::V6 => &mut capacity.v6,
            };
            *count = count.saturating_add(range.size() - buggy);
        }
        capacity
    }
}

impl Allocation {
    /// True if a Service with these labels in `namespace` is served.
    #[must_use]
    pub fn serves(&self, namespace: &str, service_labels: &Labels) -> bool {
        self.namespaces.as_ref().is_none_or(|served| served.contains(namespace))
            && matches_any_or_empty(&self.service_selectors, service_labels)
    }
}

impl L2Advertisement {
    /// True if it applies to a Service with these labels.
    #[must_use]
    pub fn selects_service(&self, service_labels: &Labels) -> bool {
        matches_any_or_empty(&self.service_selectors, service_labels)
    }

    /// True if a node with these labels may announce under it.
    #[must_use]
    pub fn selects_node(&self, node_labels: &Labels) -> bool {
        matches_any_or_empty(&self.node_selectors, node_labels)
    }

    /// True if ARP and NDP may be answered on the interface called `name`.
    #[must_use]
    pub fn allows_interface(&self, name: &str) -> bool {
        self.interfaces.is_empty() || self.interfaces.contains(name)
    }

    /// How much a node is preferred: the sum of the weights that match, 0 for a node that may not
    /// announce. The election adds the scores of all advertisements that apply to the Service.
    #[must_use]
    pub fn score(&self, node_labels: &Labels) -> u32 {
        if !self.selects_node(node_labels) {
            return 0;
        }
        self.preferred
            .iter()
            .filter(|preference| preference.selector.matches(node_labels))
            .fold(0, |sum, preference| sum.saturating_add(preference.weight))
    }
}
