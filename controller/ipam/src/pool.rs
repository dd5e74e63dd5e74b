//! What is free and what is used in one pool.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::{Family, Pool};

use crate::PoolRefusal;
use crate::interval::IntervalSet;
use crate::key::ServiceKey;
use crate::layout::{Layout, Numbering};
use crate::quota::Quota;
use crate::request::ServiceRequest;

/// How full a pool is. Counts saturate: a `/48` has more addresses than the numbers of any API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Distinct IPv4 addresses in use; a shared one counts once.
    pub assigned_v4: u64,
    /// Distinct IPv6 addresses in use.
    pub assigned_v6: u64,
    /// IPv4 addresses that can still be handed out.
    pub available_v4: u64,
    /// IPv6 addresses that can still be handed out.
    pub available_v6: u64,
    /// Addresses in use that came from this pool and are outside of its ranges now.
    pub retained: u64,
}

/// The free addresses of one pool, and how many are used.
#[derive(Debug)]
pub(crate) struct PoolSpace {
    pub(crate) name: Arc<str>,
    v4: FamilySpace,
    v6: FamilySpace,
    /// Addresses in use that came from here and are outside now.
    retained: BTreeSet<IpAddr>,
    quota: Option<Quota>,
}

/// The part of a pool of one family.
#[derive(Debug)]
struct FamilySpace {
    layout: Layout,
    free: IntervalSet,
    free_count: u128,
    /// Distinct addresses in use whose home this pool is.
    assigned: u64,
}

/// How an address in use relates to the pool that accounts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// It lies in the pool's ranges.
    Inside,
    /// It came from the pool and is outside now.
    Retained,
}

impl PoolSpace {
    /// The space of `pool` with everything free.
    pub(crate) fn new(pool: &Pool) -> Self {
        let numbering = if pool.avoid_buggy_ips { Numbering::SkipBuggy } else { Numbering::All };
        let space = |family| FamilySpace::new(Layout::new(family, numbering, &pool.free_ranges));
        Self {
            name: pool.name.as_str().into(),
            v4: space(Family::V4),
            v6: space(Family::V6),
            retained: BTreeSet::new(),
            quota: pool.max_per_namespace.map(Quota::new),
        }
    }

    /// What limits namespaces, if anything does.
    pub(crate) fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    /// The addresses in use that came from here and are outside now, ascending.
    pub(crate) fn retained(&self) -> &BTreeSet<IpAddr> {
        &self.retained
    }

    /// How many addresses of `family` it hands out in all.
    pub(crate) fn capacity(&self, family: Family) -> u128 {
        self.family(family).layout.capacity()
    }

    /// The free address that comes first in the order of use, with its position.
    pub(crate) fn first_free(&self, family: Family) -> Option<(u128, IpAddr)> {
        let space = self.family(family);
        let position = space.free.first()?;
        Some((position, space.layout.address(position)?))
    }

    /// The ranges of `family` in the order of use; see [`Layout::ranges`].
    pub(crate) fn ranges(&self, family: Family) -> impl Iterator<Item = (u128, u128, u128)> {
        self.family(family).layout.ranges()
    }

    /// Where `address` stands in the order of use; `None` if it is not to be handed out from here.
    pub(crate) fn position(&self, address: IpAddr) -> Option<u128> {
        self.family(Family::of(address)).layout.position(address)
    }

    /// Notes that `address` is in use now. Addresses that the pool does not hand out are ignored.
    pub(crate) fn occupy(&mut self, address: IpAddr) {
        let space = self.family_mut(Family::of(address));
        if space.layout.position(address).is_some_and(|position| space.free.remove(position)) {
            space.free_count = space.free_count.saturating_sub(1);
        }
    }

    /// Notes that `address` is free again.
    pub(crate) fn vacate(&mut self, address: IpAddr) {
        let space = self.family_mut(Family::of(address));
        if let Some(position) = space.layout.position(address).filter(|position| !space.free.contains(*position)) {
            space.free.insert(position, position);
            space.free_count = space.free_count.saturating_add(1);
        }
    }

    /// Counts an address in use to this pool, or no longer.
    pub(crate) fn account(&mut self, address: IpAddr, account: Account, used: bool) {
        match (account, used) {
            (Account::Inside, true) => {
                let count = &mut self.family_mut(Family::of(address)).assigned;
                *count = count.saturating_add(1);
            }
            (Account::Inside, false) => {
                let count = &mut self.family_mut(Family::of(address)).assigned;
                *count = count.saturating_sub(1);
            }
            (Account::Retained, true) => {
                self.retained.insert(address);
            }
            (Account::Retained, false) => {
                self.retained.remove(&address);
            }
        }
    }

    /// Counts an address of this pool to a namespace that uses it, or no longer.
    pub(crate) fn account_namespace(&mut self, address: IpAddr, namespace: &Arc<str>, used: bool) {
        if let Some(quota) = &mut self.quota {
            quota.account(address, namespace, used);
        }
    }

    pub(crate) fn usage(&self) -> PoolUsage {
        let available = |space: &FamilySpace| u64::try_from(space.free_count).unwrap_or(u64::MAX);
        PoolUsage {
            assigned_v4: self.v4.assigned,
            assigned_v6: self.v6.assigned,
            available_v4: available(&self.v4),
            available_v6: available(&self.v6),
            retained: u64::try_from(self.retained.len()).unwrap_or(u64::MAX),
        }
    }

    fn family(&self, family: Family) -> &FamilySpace {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    fn family_mut(&mut self, family: Family) -> &mut FamilySpace {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}

impl FamilySpace {
    fn new(layout: Layout) -> Self {
        let mut free = IntervalSet::default();
        if let Some(last) = layout.last_position() {
            free.insert(0, last);
        }
        Self { free_count: layout.capacity(), layout, free, assigned: 0 }
    }
}

/// Whether `pool` is for this Service at all, asked for or not.
pub(crate) fn admits(pool: &Pool, request: &ServiceRequest) -> Result<(), PoolRefusal> {
    let ServiceRequest { key: ServiceKey { namespace, .. }, labels, .. } = request;
    if !pool.usable {
        return Err(PoolRefusal::NotAccepted);
    }
    if pool.serves(namespace, labels) {
        return Ok(());
    }
    let wrong_namespace = pool
        .allocation
        .as_ref()
        .and_then(|allocation| allocation.namespaces.as_ref())
        .is_some_and(|served| !served.contains(&**namespace));
    Err(if wrong_namespace { PoolRefusal::Namespace(namespace.clone()) } else { PoolRefusal::Labels })
}
