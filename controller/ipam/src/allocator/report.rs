//! What the allocator's books say about pools and addresses. Counts are kept; nothing is walked but what is asked for.

use std::net::IpAddr;

use herald_compiler::Family;

use super::Allocator;
use crate::ServiceKey;
use crate::pool::{PoolSpace, PoolUsage};

impl Allocator {
    /// How full the pool called `pool` is.
    #[must_use]
    pub fn usage(&self, pool: &str) -> Option<PoolUsage> {
        self.spaces.get(pool).map(PoolSpace::usage)
    }

    /// How many addresses of `family` the pool called `pool` hands out in all.
    #[must_use]
    pub fn capacity(&self, pool: &str, family: Family) -> u128 {
        self.spaces.get(pool).map_or(0, |space| space.capacity(family))
    }

    /// The addresses in use that came from the pool called `pool` and are outside of it now, ascending, each with
    /// the first by name of the Services that have it.
    pub fn retained(&self, pool: &str) -> impl Iterator<Item = (IpAddr, &ServiceKey)> {
        let addresses = self.spaces.get(pool).into_iter().flat_map(PoolSpace::retained);
        addresses.filter_map(|address| Some((*address, self.holders(*address).min()?)))
    }

    /// Who waits for an address of the pool called `pool`: how many Services, and which, first come first.
    pub fn waiting_for(&self, pool: &str) -> (usize, impl Iterator<Item = &ServiceKey>) {
        self.waits.for_pool(pool.into())
    }

    /// How many addresses are on Services that may not have them beside each other, one of them ours at least.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates.len()
    }

    /// The Services that have `address`, or are about to get or to lose it.
    pub fn holders(&self, address: IpAddr) -> impl Iterator<Item = &ServiceKey> {
        self.claims.holders(address)
    }
}
