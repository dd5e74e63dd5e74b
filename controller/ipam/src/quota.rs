//! How many of a pool's addresses each namespace uses, for pools that limit it.
//!
//! A quota limits what is handed out. It takes nothing away: who has more than a quota that was lowered keeps
//! it. Counted are distinct addresses inside the pool, for each family; one that several Services of a namespace
//! share counts once for that namespace, and once for every other namespace that shares it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::Family;
use herald_compiler::address::numeric;

use crate::PoolRefusal;
use crate::interval::IntervalSet;
use crate::pool::PoolSpace;
use crate::{Allocator, ServiceKey};

/// The quota of one pool, and what is used of it.
#[derive(Debug)]
pub(crate) struct Quota {
    max: u64,
    used: BTreeMap<(Arc<str>, Family), Used>,
}

/// The addresses of one family that one namespace uses.
#[derive(Debug, Default)]
struct Used {
    count: u64,
    addresses: IntervalSet,
}

impl Quota {
    /// At most `max` addresses of each family for a namespace.
    pub(crate) fn new(max: u64) -> Self {
        Self { max, used: BTreeMap::new() }
    }

    /// Notes that `namespace` uses `address` now, or no longer.
    pub(crate) fn account(&mut self, address: IpAddr, namespace: &Arc<str>, used: bool) {
        let (name, number) = ((namespace.clone(), Family::of(address)), numeric(address));
        if used {
            let entry = self.used.entry(name).or_default();
            if !entry.addresses.contains(number) {
                entry.addresses.insert(number, number);
                entry.count = entry.count.saturating_add(1);
            }
        } else if let Some(entry) = self.used.get_mut(&name)
            && entry.addresses.remove(number)
        {
            entry.count = entry.count.saturating_sub(1);
            if entry.count == 0 {
                self.used.remove(&name);
            }
        }
    }

    /// The lowest address from `from` on that `namespace` uses. Numeric values of `family`.
    fn next(&self, namespace: &Arc<str>, family: Family, from: u128) -> Option<u128> {
        self.used.get(&(namespace.clone(), family))?.addresses.next(from)
    }

    fn uses(&self, namespace: &Arc<str>, address: IpAddr) -> bool {
        let used = self.used.get(&(namespace.clone(), Family::of(address)));
        used.is_some_and(|used| used.addresses.contains(numeric(address)))
    }

    fn count(&self, namespace: &Arc<str>, family: Family) -> u64 {
        self.used.get(&(namespace.clone(), family)).map_or(0, |used| used.count)
    }
}

impl Allocator {
    /// Why a Service may take no address of `family` from `space` that its namespace does not use yet, if
    /// it may not. What it alone has does not count: a Service that moves needs no room for two.
    pub(crate) fn spent(&self, key: &ServiceKey, space: &PoolSpace, family: Family) -> Option<PoolRefusal> {
        let quota = space.quota()?;
        let namespace = &key.namespace;
        let own = self.claimed(key).into_iter().filter(|address| {
            Family::of(*address) == family && quota.uses(namespace, *address) && !self.has_neighbor(*address, key)
        });
        let own = u64::try_from(own.count()).unwrap_or(u64::MAX);
        let used = quota.count(namespace, family).saturating_sub(own);
        let (namespace, max) = (namespace.clone(), quota.max);
        (used >= max).then_some(PoolRefusal::Quota { namespace, family, used, max })
    }

    /// Why the quota of `space` does not let a Service take `address`, if it does not.
    pub(crate) fn over_quota(&self, key: &ServiceKey, space: &PoolSpace, address: IpAddr) -> Option<PoolRefusal> {
        self.spent(key, space, Family::of(address)).filter(|_| !self.has_neighbor(address, key))
    }

    /// The lowest address from `from` on that other Services of the namespace use. Numeric values of `family`.
    pub(crate) fn used_by_neighbors(
        &self,
        key: &ServiceKey,
        space: &PoolSpace,
        family: Family,
        mut from: u128,
    ) -> Option<u128> {
        loop {
            let number = space.quota()?.next(&key.namespace, family, from)?;
            if self.has_neighbor(family.address(number), key) {
                return Some(number);
            }
            // Its own alone; there are but a few of those.
            from = number.checked_add(1)?;
        }
    }

    /// Whether another Service of the same namespace has `address`.
    pub(crate) fn has_neighbor(&self, address: IpAddr, key: &ServiceKey) -> bool {
        self.holders(address).any(|holder| holder != key && holder.namespace == key.namespace)
    }
}
