//! The rules for a new address, in the simplest words: walk everything, take the first that fits.

use std::collections::BTreeSet;
use std::net::IpAddr;

use herald_compiler::address::numeric;
use herald_compiler::{Config, Family, Pool};
use herald_ipam::{FamilyPolicy, ServiceKey, ServiceRequest, Terms};

/// Somebody who has addresses.
pub struct Holder {
    pub key: ServiceKey,
    pub terms: Terms,
    pub addresses: Vec<IpAddr>,
}

pub fn lawful(one: &Terms, other: &Terms) -> bool {
    let same_key = one.key.is_some() && one.key == other.key;
    let apart = one.ports.iter().all(|port| !other.ports.contains(port));
    same_key && one.backend == other.backend && apart
}

/// Whether the namespace uses `address` already, or may use one more.
fn within_quota(pool: &Pool, holders: &[Holder], key: &ServiceKey, address: IpAddr) -> bool {
    let others = holders.iter().filter(|holder| holder.key != *key && holder.key.namespace == key.namespace);
    let used: BTreeSet<_> = others
        .flat_map(|holder| &holder.addresses)
        .filter(|other| pool.lists(**other) && other.is_ipv4() == address.is_ipv4())
        .collect();
    used.contains(&address) || pool.max_per_namespace.is_none_or(|max| (used.len() as u64) < max)
}

/// What a Service that has nothing would get; none of `avoided`.
pub fn choose(config: &Config, holders: &[Holder], request: &ServiceRequest, avoided: &[IpAddr]) -> Vec<IpAddr> {
    let Ok(wish) = &request.wish else { return vec![] };
    let usable = |pool: &Pool, address: IpAddr| {
        let free = pool.free_ranges.iter().any(|range| range.contains(address));
        let others = holders.iter().filter(|holder| holder.key != request.key && holder.addresses.contains(&address));
        free && pool.may_hand_out(address)
            && !avoided.contains(&address)
            && others.into_iter().all(|other| lawful(&request.terms, &other.terms))
            && within_quota(pool, holders, &request.key, address)
    };
    let serves = |pool: &&Pool| pool.serves(&request.key.namespace, &request.labels);
    let mut pools: Vec<&Pool> = config.pools().iter().filter(serves).collect();
    if request.families.is_empty() || (request.policy == FamilyPolicy::RequireDualStack && request.families.len() < 2) {
        return vec![];
    }
    if !wish.addresses.is_empty() {
        let covered = request.families.len() == wish.addresses.len()
            && request.families.iter().all(|family| wish.addresses.iter().any(|one| Family::of(*one) == *family));
        let from = pools.iter().find(|pool| {
            wish.pool.as_ref().is_none_or(|name| *name == pool.name)
                && wish.addresses.iter().all(|address| usable(pool, *address))
        });
        return if covered && from.is_some() { wish.addresses.clone() } else { vec![] };
    }
    match &wish.pool {
        Some(name) => pools.retain(|pool| pool.name == *name),
        None => pools.retain(|pool| pool.auto_assign),
    }
    let first = |pool: &&Pool, family: Family| {
        let ranges = pool.free_ranges.iter().filter(|range| range.family() == family);
        let mut all = ranges.flat_map(|range| numeric(range.first())..=numeric(range.last()));
        all.find(|value| usable(pool, family.address(*value))).map(|value| family.address(value))
    };
    let (mut pinned, open): (Vec<_>, Vec<_>) = pools.into_iter().partition(|pool| pool.allocation.is_some());
    let priority = |pool: &Pool| pool.allocation.as_ref().and_then(|one| one.priority).unwrap_or(u64::MAX);
    pinned.sort_by_key(|pool| (priority(pool), pool.name.clone()));
    let groups = if wish.pool.is_some() { vec![[pinned, open].concat()] } else { vec![pinned, open] };
    let mut families = request.families.clone();
    families.sort();
    for group in groups {
        for pool in &group {
            let found: Vec<_> = families.iter().filter_map(|family| first(pool, *family)).collect();
            if found.len() == families.len() {
                return found;
            }
        }
        if request.policy == FamilyPolicy::PreferDualStack {
            for family in &request.families {
                if let Some(address) = group.iter().find_map(|pool| first(pool, *family)) {
                    return vec![address];
                }
            }
        }
    }
    vec![]
}
