//! What the configuration was before pools vanished.
//!
//! ```text
//!   pool there ──gone──► remembered ──────── grace over ──────► forgotten: its addresses are withdrawn
//!                             │
//!                             └─ its addresses have a pool with an advertisement again ─► forgotten, a moment later
//! ```
//!
//! Pools are deleted and created again: by GitOps tools, by `kubectl replace --force`, with the CustomResourceDefinition
//! itself. Services keep their addresses meanwhile, and the network shall not notice. So a pool that vanishes while one
//! of its addresses is in use is remembered for the grace time, with the advertisements that covered it.
//!
//! An advertisement that somebody deletes ends what it did, at once, as long as the pool exists. One that vanishes
//! after the pool, or up to [`TOGETHER`] before it, has vanished *with* it and is remembered as long as the pool is:
//! nobody promises an order. Advertisements that still exist count as they are now.
//!
//! The rules and their reasons stand in `docs/decisions/0061-orphaned-addresses.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_compiler::object::{BgpAdvertisement, IpAddressPool, L2Advertisement};
use herald_compiler::{Config, Objects, compile, config};

/// What happens within this time of each other is taken for one and the same change of the configuration.
const TOGETHER: Duration = Duration::from_secs(5);

/// What the configuration was.
#[derive(Debug)]
pub(super) struct Memory {
    grace: Duration,
    /// When the first decision was made.
    began: Option<Duration>,
    /// That was longer ago than the grace time.
    is_old: bool,
    /// Vanished since the last decision.
    vanished: Vanished,
    pools: BTreeMap<String, GonePool>,
    advertisements: BTreeMap<Key, GoneAdvertisement>,
    /// What exists and what is remembered, together.
    config: Arc<Config>,
}

#[derive(Debug, Default)]
struct Vanished {
    pools: Vec<IpAddressPool>,
    advertisements: Vec<Advertisement>,
}

/// An advertisement of either kind.
#[derive(Debug)]
enum Advertisement {
    L2(L2Advertisement),
    Bgp(BgpAdvertisement),
}

/// Kind and name of an advertisement.
type Key = (Kind, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    L2,
    Bgp,
}

#[derive(Debug)]
struct GonePool {
    object: IpAddressPool,
    at: Duration,
    /// Addresses of it that were in use.
    addresses: Vec<IpAddr>,
    /// All of them have a pool and an advertisement again; since when.
    served: Option<Duration>,
}

#[derive(Debug)]
struct GoneAdvertisement {
    object: Advertisement,
    at: Duration,
}

impl Memory {
    /// Remembers nothing yet, and nothing for longer than `grace`.
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            began: None,
            is_old: false,
            vanished: Vanished::default(),
            pools: BTreeMap::new(),
            advertisements: BTreeMap::new(),
            config: Arc::default(),
        }
    }

    /// These pools are no more.
    pub(super) fn pools_vanished(&mut self, pools: Vec<IpAddressPool>) {
        self.vanished.pools.extend(pools);
    }

    /// These advertisements are no more.
    pub(super) fn advertisements_vanished(&mut self, advertisements: Vec<L2Advertisement>) {
        self.vanished.advertisements.extend(advertisements.into_iter().map(Advertisement::L2));
    }

    /// These advertisements for BGP are no more.
    pub(super) fn bgp_advertisements_vanished(&mut self, advertisements: Vec<BgpAdvertisement>) {
        self.vanished.advertisements.extend(advertisements.into_iter().map(Advertisement::Bgp));
    }

    /// Whether anything is remembered.
    pub(super) fn remembers(&self) -> bool {
        !self.pools.is_empty()
    }

    /// The configuration has become `after`, which follows from `objects`. `in_use` tells the addresses in use with
    /// the pools they had before, by name; it is asked only if a pool has vanished.
    pub(super) fn follow(
        &mut self,
        objects: &Objects,
        after: &Config,
        in_use: impl FnOnce() -> BTreeMap<String, Vec<IpAddr>>,
        now: Duration,
    ) {
        let Vanished { pools, advertisements } = std::mem::take(&mut self.vanished);
        if self.grace.is_zero() {
            return;
        }
        // What is back before it was missed was never away.
        let pools: Vec<_> = pools.into_iter().filter(|pool| after.pool(&pool.meta.name).is_none()).collect();
        if !pools.is_empty() {
            let mut in_use = in_use();
            for object in pools {
                // Without an address in use there is nothing to go on with, and memory must not grow with deletions.
                let Some(addresses) = in_use.remove(&object.meta.name) else { continue };
                let gone = GonePool { object, at: now, addresses, served: None };
                self.pools.insert(gone.object.meta.name.clone(), gone);
            }
        }
        for object in advertisements {
            self.advertisements.insert(object.key(), GoneAdvertisement { object, at: now });
        }
        let l2 = objects.l2_advertisements.iter().map(|one| (Kind::L2, one.meta.name.clone()));
        let bgp = objects.bgp_advertisements.iter().map(|one| (Kind::Bgp, one.meta.name.clone()));
        let present: BTreeSet<Key> = l2.chain(bgp).collect();
        self.advertisements.retain(|key, _| !present.contains(key));
        self.compile(objects);
        for (name, gone) in &mut self.pools {
            // In every way that it was announced before.
            let by_l2 = self.config.l2_advertisements_of(name).next().is_some();
            let by_bgp = self.config.bgp_advertisements_of(name).next().is_some();
            let served = |address: &IpAddr| {
                after.home_of(*address, Some(name)).pool().is_some_and(|pool| {
                    (!by_l2 || after.l2_advertisements_of(&pool.name).next().is_some())
                        && (!by_bgp || after.bgp_advertisements_of(&pool.name).next().is_some())
                })
            };
            gone.served = gone.addresses.iter().all(served).then(|| gone.served.unwrap_or(now));
        }
    }

    /// A decision is made now: forgets what has been remembered for long enough. True if that may change what becomes
    /// of addresses that have no pool, or no advertisement.
    pub(super) fn turn(&mut self, objects: &Objects, now: Duration) -> bool {
        let began = *self.began.get_or_insert(now);
        let (pools, advertisements) = (self.pools.len(), self.advertisements.len());
        self.pools.retain(|_, pool| now < pool.end(self.grace));
        let gone = &self.pools;
        self.advertisements.retain(|_, one| {
            now < one.at.saturating_add(TOGETHER) || gone.values().any(|pool| pool.vanished_with(one))
        });
        let forgotten = self.pools.len() < pools;
        if forgotten || self.advertisements.len() < advertisements {
            self.compile(objects);
        }
        let aged = !self.is_old && now >= began.saturating_add(self.grace);
        self.is_old |= aged;
        forgotten || aged
    }

    /// When [`turn`](Self::turn) has something to forget.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let pools = self.pools.values().map(|pool| pool.end(self.grace));
        let alone = |gone: &&GoneAdvertisement| !self.pools.values().any(|pool| pool.vanished_with(gone));
        let advertisements = self.advertisements.values().filter(alone).map(|gone| gone.at.saturating_add(TOGETHER));
        let start = self.began.filter(|_| !self.is_old).map(|began| began.saturating_add(self.grace));
        pools.chain(advertisements).chain(start).min()
    }

    /// Whether it may be that others remember what this speaker has never seen, because it has just started.
    pub(super) fn is_young(&self) -> bool {
        self.began.is_some() && !self.is_old
    }

    /// The remembered advertisements for an address without a pool, or whose pool has no advertisement; `None` if no
    /// pool is remembered that had it.
    pub(super) fn advertisements_for(
        &self,
        address: IpAddr,
        recorded: Option<&str>,
    ) -> Option<impl Iterator<Item = &config::L2Advertisement>> {
        let gone = self.pool_of(address, recorded)?;
        let counts = |one: &&config::L2Advertisement| self.counts(gone, (Kind::L2, one.name.clone()));
        Some(self.config.l2_advertisements_of(&gone.object.meta.name).filter(counts))
    }

    /// The same for BGP.
    pub(super) fn bgp_advertisements_for(
        &self,
        address: IpAddr,
        recorded: Option<&str>,
    ) -> Option<impl Iterator<Item = &Arc<config::BgpAdvertisement>>> {
        let gone = self.pool_of(address, recorded)?;
        let counts = |one: &&Arc<config::BgpAdvertisement>| self.counts(gone, (Kind::Bgp, one.name.clone()));
        Some(self.config.bgp_advertisements_of(&gone.object.meta.name).filter(counts))
    }

    /// The remembered pool that an address came from.
    fn pool_of(&self, address: IpAddr, recorded: Option<&str>) -> Option<&GonePool> {
        let by_name = recorded.and_then(|name| self.pools.get(name));
        let listing = || {
            let lists = |name: &str| self.config.pool(name).is_some_and(|pool| pool.lists(address));
            self.pools.values().find(|gone| lists(&gone.object.meta.name))
        };
        by_name.or_else(listing)
    }

    /// Whether an advertisement is still there, or vanished with this pool.
    fn counts(&self, gone: &GonePool, advertisement: Key) -> bool {
        self.advertisements.get(&advertisement).is_none_or(|advertisement| gone.vanished_with(advertisement))
    }

    /// What exists and what is remembered, together.
    fn compile(&mut self, objects: &Objects) {
        if self.pools.is_empty() {
            self.config = Arc::default();
            return;
        }
        let mut objects = objects.clone();
        let present: BTreeSet<_> = objects.pools.iter().map(|pool| pool.meta.name.clone()).collect();
        let gone = self.pools.values().map(|pool| &pool.object);
        objects.pools.extend(gone.filter(|pool| !present.contains(&pool.meta.name)).cloned());
        for gone in self.advertisements.values() {
            match &gone.object {
                Advertisement::L2(object) => objects.l2_advertisements.push(object.clone()),
                Advertisement::Bgp(object) => objects.bgp_advertisements.push(object.clone()),
            }
        }
        self.config = compile(&objects).config;
    }
}

impl Advertisement {
    fn key(&self) -> Key {
        match self {
            Self::L2(object) => (Kind::L2, object.meta.name.clone()),
            Self::Bgp(object) => (Kind::Bgp, object.meta.name.clone()),
        }
    }
}

impl GonePool {
    fn end(&self, grace: Duration) -> Duration {
        let grace = self.at.saturating_add(grace);
        self.served.map_or(grace, |since| grace.min(since.saturating_add(TOGETHER)))
    }

    fn vanished_with(&self, advertisement: &GoneAdvertisement) -> bool {
        advertisement.at.saturating_add(TOGETHER) >= self.at
    }
}
