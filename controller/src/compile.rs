//! The configuration objects, and what they mean together.
//!
//! Watches say what changed; the meaning is worked out when somebody asks for it, so that a
//! hundred changes in a row are compiled once.

use std::collections::BTreeMap;
use std::sync::Arc;

use herald_compiler::verdict::{Kind, Verdict};
use herald_compiler::{Config, Objects, compile, object};
use herald_crds::{IPAddressPool, L2Advertisement, border};
use herald_runtime::watch::Change;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

#[cfg(test)]
mod tests;

/// A pool as last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenPool {
    /// What the user wrote.
    pub object: object::IpAddressPool,
    /// What its status says.
    pub status: SeenStatus,
}

/// A layer-2 advertisement as last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenAdvertisement {
    /// What the user wrote.
    pub object: object::L2Advertisement,
    /// What its status says.
    pub status: SeenStatus,
}

/// The status of a configuration object as last seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenStatus {
    /// The counters of a pool; `None` while its status has none, and for other kinds.
    pub counters: Option<Counters>,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// The four counters of a pool's status; numbers beyond int64 are its largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Distinct IPv4 addresses in use.
    pub assigned_v4: i64,
    /// Distinct IPv6 addresses in use.
    pub assigned_v6: i64,
    /// IPv4 addresses that could still be handed out.
    pub available_v4: i64,
    /// IPv6 addresses that could still be handed out.
    pub available_v6: i64,
}

impl SeenPool {
    /// Takes from a pool what matters.
    #[must_use]
    pub fn of(pool: &IPAddressPool) -> Self {
        let status = pool.status.as_ref();
        let counters = status.map(|status| Counters {
            assigned_v4: status.assigned_ipv4,
            assigned_v6: status.assigned_ipv6,
            available_v4: status.available_ipv4,
            available_v6: status.available_ipv6,
        });
        let conditions = status.map(|status| status.conditions.clone()).unwrap_or_default();
        Self { object: border::pool(pool), status: SeenStatus { counters, conditions } }
    }
}

impl SeenAdvertisement {
    /// Takes from an advertisement what matters.
    #[must_use]
    pub fn of(advertisement: &L2Advertisement) -> Self {
        let conditions = advertisement.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
        let object = border::l2_advertisement(advertisement);
        Self { object, status: SeenStatus { counters: None, conditions } }
    }
}

/// All configuration objects.
#[derive(Debug, Default)]
pub struct ConfigObjects {
    pools: BTreeMap<String, SeenPool>,
    advertisements: BTreeMap<String, SeenAdvertisement>,
    namespaces: BTreeMap<String, object::Namespace>,
    listed: Listed,
    /// Something changed since the last compilation.
    stale: bool,
    config: Arc<Config>,
    verdicts: BTreeMap<(Kind, String), Verdict>,
}

#[derive(Debug, Default)]
struct Listed {
    pools: bool,
    namespaces: bool,
}

impl ConfigObjects {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something happened to pools.
    pub fn pools(&mut self, change: Change<SeenPool>) {
        self.listed.pools |= matches!(change, Change::Reset(_));
        let spec = |pool: &SeenPool| pool.object.clone();
        self.stale |= follow(&mut self.pools, change, |pool| pool.object.meta.name.clone(), spec);
    }

    /// Something happened to layer-2 advertisements.
    pub fn l2_advertisements(&mut self, change: Change<SeenAdvertisement>) {
        let spec = |one: &SeenAdvertisement| one.object.clone();
        self.stale |= follow(&mut self.advertisements, change, |one| one.object.meta.name.clone(), spec);
    }

    /// Something happened to namespaces.
    pub fn namespaces(&mut self, change: Change<object::Namespace>) {
        self.listed.namespaces |= matches!(change, Change::Reset(_));
        let spec = object::Namespace::clone;
        self.stale |= follow(&mut self.namespaces, change, |namespace| namespace.name.clone(), spec);
    }

    /// What is still to be listed before addresses may be handed out; `None` if nothing.
    /// Advertisements are not waited for: they say nothing about who gets an address.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        match self.listed {
            Listed { pools: false, .. } => Some("IPAddressPools not listed yet"),
            Listed { namespaces: false, .. } => Some("Namespaces not listed yet"),
            Listed { .. } => None,
        }
    }

    /// Compiles if anything changed. The new configuration, unless it means the same as before.
    pub fn compile(&mut self) -> Option<Arc<Config>> {
        if !std::mem::take(&mut self.stale) {
            return None;
        }
        let objects = Objects {
            pools: self.pools.values().map(|pool| pool.object.clone()).collect(),
            l2_advertisements: self.advertisements.values().map(|one| one.object.clone()).collect(),
            namespaces: self.namespaces.values().cloned().collect(),
        };
        let compilation = compile(&objects);
        self.verdicts =
            compilation.verdicts.into_iter().map(|verdict| ((verdict.kind, verdict.name.clone()), verdict)).collect();
        if *compilation.config == *self.config {
            return None;
        }
        self.config = compilation.config;
        Some(self.config.clone())
    }

    /// The configuration as of the last compilation.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The status of an object was written and says this now; the watch will say so, too.
    pub fn wrote_status(&mut self, (kind, name): &(Kind, String), status: SeenStatus) {
        let known = match kind {
            Kind::IpAddressPool => self.pools.get_mut(name).map(|pool| &mut pool.status),
            Kind::L2Advertisement => self.advertisements.get_mut(name).map(|one| &mut one.status),
        };
        if let Some(known) = known {
            *known = status;
        }
    }

    /// The verdicts of the last compilation, each with what the object's status says now.
    pub fn verdicts(&self) -> impl Iterator<Item = (&Verdict, &SeenStatus)> {
        self.verdicts.values().filter_map(|verdict| {
            let status = match verdict.kind {
                Kind::IpAddressPool => &self.pools.get(&verdict.name)?.status,
                Kind::L2Advertisement => &self.advertisements.get(&verdict.name)?.status,
            };
            Some((verdict, status))
        })
    }
}

/// Makes `objects` follow a change. True if what users wrote (`spec`) is different now.
fn follow<T, S: PartialEq>(
    objects: &mut BTreeMap<String, T>,
    change: Change<T>,
    name: impl Fn(&T) -> String,
    spec: impl Fn(&T) -> S,
) -> bool {
    match change {
        Change::Reset(all) => {
            let all: BTreeMap<_, _> = all.into_iter().map(|one| (name(&one), one)).collect();
            let same = all.len() == objects.len()
                && all.iter().all(|(name, one)| objects.get(name).is_some_and(|before| spec(before) == spec(one)));
            *objects = all;
            !same
        }
        Change::Applied(one) => {
            let wanted = spec(&one);
            objects.insert(name(&one), one).is_none_or(|before| spec(&before) != wanted)
        }
        Change::Deleted(one) => objects.remove(&name(&one)).is_some(),
        Change::Broken(_) => false,
    }
}
