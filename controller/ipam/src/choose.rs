//! Picking addresses for a Service that has none.
//!
//! What the user asked for goes before everything: requested addresses, then a requested pool.
//! Without a wish the pools are tried in two groups, those with `serviceAllocation` (*pinned*, by
//! priority, then by name) before all others (by name), and in a pool the first address of each
//! family in the order of use that is free or may be shared.

use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::{Config, Family, Pool};

use crate::group::Agreement;
use crate::pool::{PoolSpace, admits};
use crate::refusal::Pools;
use crate::{AddressRefusal, Allocator, FamilyPolicy, PoolRefusal, Refusal, ServiceRequest, Wish};

/// Addresses found for a Service.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) pool: Arc<str>,
    /// Why the second family is missing, for a Service that prefers two.
    pub(crate) no_second: Option<Refusal>,
}

/// Addresses that the Service has and is to leave. Any other that it has is as good to it as a free one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leaving<'a> {
    pub(crate) addresses: &'a [IpAddr],
    /// Where there is no other, it may stay.
    pub(crate) may_stay: bool,
}

/// Pools to try without being asked for, in the order to try them.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pinned: Vec<Arc<str>>,
    open: Vec<Arc<str>>,
}

/// A pool that has one of two families.
struct Partial<'a> {
    address: IpAddr,
    space: &'a PoolSpace,
    /// Why it does not have the other.
    lacking: PoolRefusal,
}

impl Order {
    pub(crate) fn of(config: &Config) -> Self {
        let mut pinned: Vec<_> =
            config.pools().iter().filter_map(|pool| Some((rank(pool)?, Arc::from(pool.name.as_str())))).collect();
        pinned.sort();
        let open = config.pools().iter().filter(|pool| pool.allocation.is_none());
        Self {
            pinned: pinned.into_iter().map(|(_, name)| name).collect(),
            open: open.map(|pool| pool.name.as_str().into()).collect(),
        }
    }
}

/// Place of a pinned pool; those without a priority come last.
fn rank(pool: &Pool) -> Option<(bool, u64)> {
    let allocation = pool.allocation.as_ref()?;
    Some((allocation.priority.is_none(), allocation.priority.unwrap_or_default()))
}

impl Allocator {
    /// Finds addresses for a Service as if it had none. Nothing is changed.
    pub(crate) fn choose(
        &self,
        request: &ServiceRequest,
        wish: &Wish,
        leaving: Leaving<'_>,
    ) -> Result<Choice, Refusal> {
        if self.config.pools().is_empty() {
            return Err(Refusal::NoPools);
        }
        wish.fits(&request.families).map_err(Refusal::Invalid)?;
        match &wish.pool {
            _ if !wish.addresses.is_empty() => self.requested(request, wish),
            Some(pool) => self.in_named_pool(request, pool, leaving),
            None => self.automatic(request, leaving),
        }
    }

    /// An address of `family` from the pool called `pool`, for a Service that has one of the other.
    pub(crate) fn second(&self, request: &ServiceRequest, pool: &Pool, family: Family) -> Result<IpAddr, Refusal> {
        let refused = match (admits(pool, request), self.spaces.get(pool.name.as_str())) {
            (Err(why), _) => why,
            (Ok(()), Some(space)) => match self.candidate(request, space, family, Leaving::default()) {
                Ok((_, address)) => return Ok(address),
                Err(why) => why,
            },
            (Ok(()), None) => PoolRefusal::NoFamily(family),
        };
        Err(Refusal::NoneAvailable(vec![(pool.name.as_str().into(), refused)]))
    }

    fn requested(&self, request: &ServiceRequest, wish: &Wish) -> Result<Choice, Refusal> {
        let addresses = wish.addresses.clone();
        let mut from: Option<&Pool> = None;
        for address in &addresses {
            let Some(pool) = self.config.pool_of(*address) else {
                let (address, known) = (*address, Pools::of(&self.config));
                return Err(Refusal::NotInAnyPool { addresses, address, known });
            };
            if from.is_some_and(|from| from.name != pool.name) {
                return Err(Refusal::TwoPools(addresses));
            }
            if let Some(wanted) = wish.pool.as_ref().filter(|wanted| **wanted != pool.name) {
                return Err(Refusal::NotInThatPool { addresses, pool: wanted.clone() });
            }
            let why = if let Err(why) = admits(pool, request) {
                Some(AddressRefusal::Pool(why))
            } else if !pool.may_hand_out(*address) {
                Some(AddressRefusal::Avoided)
            } else if let Err(conflict) = self.claims.may_have(*address, &request.key, &request.terms) {
                Some(AddressRefusal::InUse(conflict))
            } else {
                let space = self.spaces.get(pool.name.as_str());
                space.and_then(|space| self.over_quota(&request.key, space, *address)).map(AddressRefusal::Pool)
            };
            if let Some(why) = why {
                return Err(Refusal::Address { address: *address, pool: pool.name.as_str().into(), why });
            }
            from = Some(pool);
        }
        // No address at all can't get here; if it did, there would be no pool to name.
        let pool = from.ok_or(Refusal::NoPools)?.name.as_str().into();
        Ok(Choice { addresses, pool, no_second: None })
    }

    fn in_named_pool(&self, request: &ServiceRequest, name: &str, leaving: Leaving<'_>) -> Result<Choice, Refusal> {
        let Some(pool) = self.config.pool(name) else {
            return Err(Refusal::UnknownPool { pool: name.to_owned(), known: Pools::of(&self.config) });
        };
        let mut refused = Vec::new();
        self.first_of(request, [pool], leaving, &mut refused).ok_or(Refusal::NoneAvailable(refused))
    }

    fn automatic(&self, request: &ServiceRequest, leaving: Leaving<'_>) -> Result<Choice, Refusal> {
        let mut refused = Vec::new();
        for group in [&self.order.pinned, &self.order.open] {
            let mut usable = Vec::with_capacity(group.len());
            for pool in group.iter().filter_map(|name| self.config.pool(name)) {
                if pool.auto_assign || !pool.usable {
                    usable.push(pool);
                } else {
                    refused.push((pool.name.as_str().into(), PoolRefusal::NotAutoAssigned));
                }
            }
            if let Some(choice) = self.first_of(request, usable, leaving, &mut refused) {
                return Ok(choice);
            }
        }
        Err(Refusal::NoneAvailable(refused))
    }

    /// The first of `pools` that has all families; for a Service that only prefers two, else the
    /// first that has its primary family, else the first that has the other.
    fn first_of<'a>(
        &'a self,
        request: &ServiceRequest,
        pools: impl IntoIterator<Item = &'a Pool>,
        leaving: Leaving<'_>,
        refused: &mut Vec<(Arc<str>, PoolRefusal)>,
    ) -> Option<Choice> {
        let mut partial: Vec<Partial<'_>> = Vec::new();
        let mut families = request.families.clone();
        families.sort_unstable();
        for pool in pools {
            let Some(space) = self.spaces.get(pool.name.as_str()) else { continue };
            if let Err(why) = admits(pool, request) {
                refused.push((space.name.clone(), why));
                continue;
            }
            let mut found = Vec::with_capacity(2);
            let mut lacking = None;
            for family in &families {
                match self.candidate(request, space, *family, leaving) {
                    Ok((_, address)) => found.push(address),
                    Err(why) => lacking = lacking.or(Some(why)),
                }
            }
            let Some(lacking) = lacking else {
                return Some(Choice { addresses: found, pool: space.name.clone(), no_second: None });
            };
            refused.push((space.name.clone(), lacking.clone()));
            partial.extend(found.first().map(|address| Partial { address: *address, space, lacking }));
        }
        if request.policy != FamilyPolicy::PreferDualStack {
            return None;
        }
        let best = request
            .families
            .iter()
            .find_map(|family| partial.iter().find(|partial| Family::of(partial.address) == *family))?;
        let pool = best.space.name.clone();
        Some(Choice {
            addresses: vec![best.address],
            no_second: Some(Refusal::NoneAvailable(vec![(pool.clone(), best.lacking.clone())])),
            pool,
        })
    }

    /// The address of `family` that this Service would get from `space`, with its position.
    fn candidate(
        &self,
        request: &ServiceRequest,
        space: &PoolSpace,
        family: Family,
        leaving: Leaving<'_>,
    ) -> Result<(u128, IpAddr), PoolRefusal> {
        let spent = self.spent(&request.key, space, family);
        let free = space.first_free(family);
        // Not free, and yet to be had: what others share, and what the Service itself has.
        let own = self
            .claimed(&request.key)
            .into_iter()
            .filter(|address| Family::of(*address) == family)
            .filter(|address| self.claims.may_have(*address, &request.key, &request.terms).is_ok())
            .filter_map(|address| Some((space.position(address)?, address)));
        let (left, own): (Vec<_>, Vec<_>) = own.partition(|(_, address)| leaving.addresses.contains(address));
        let may = |address: &IpAddr| spent.is_none() || self.has_neighbor(*address, &request.key);
        let best = free.into_iter().chain(own).filter(|(_, address)| may(address)).min();
        let end = best.map(|(position, _)| position);
        let shared = self.shareable(request, space, family, end, leaving, spent.is_some());
        let last = left.into_iter().min().filter(|_| leaving.may_stay);
        shared.or(best).or(last).ok_or_else(|| match space.capacity(family) {
            0 => PoolRefusal::NoFamily(family),
            capacity => spent.unwrap_or(PoolRefusal::Full { family, capacity }),
        })
    }

    /// The first address of `space` before position `end` that others share and that has room, and that is
    /// not to be left; if `neighbors_only`, only of those that Services of the same namespace have.
    fn shareable(
        &self,
        request: &ServiceRequest,
        space: &PoolSpace,
        family: Family,
        end: Option<u128>,
        leaving: Leaving<'_>,
        neighbors_only: bool,
    ) -> Option<(u128, IpAddr)> {
        let agreement = Agreement::of(&request.terms)?;
        let before_end = |position: u128| end.is_none_or(|end| position < end);
        for (mut first, last, _) in space.ranges(family).take_while(|(_, _, base)| before_end(*base)) {
            let ports = &request.terms.ports;
            while let Some(number) = self.claims.groups().lowest_with_room(&agreement, family, ports, (first, last)) {
                if neighbors_only {
                    // Two ascending lists that take turns to leap ahead.
                    let Some(theirs) = self.used_by_neighbors(&request.key, space, family, number) else { break };
                    if theirs > number {
                        first = theirs;
                        continue;
                    }
                }
                let address = family.address(number);
                // Addresses that the pool avoids have no position.
                if let Some(position) = space.position(address).filter(|_| !leaving.addresses.contains(&address)) {
                    return before_end(position).then_some((position, address));
                }
                first = number.checked_add(1)?;
            }
        }
        None
    }
}
