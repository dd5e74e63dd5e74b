//! What this node announces: prefixes, with the advertisements that want each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::bgp::{Prefix, Wanted};
use herald_compiler::{BgpAdvertisement, Family};

use crate::watch::service::ServiceKey;

/// Every prefix, and what each Service contributes. A change of one Service costs the same among ten and among ten
/// thousand, also if all of them are in one aggregate.
#[derive(Debug, Default)]
pub(super) struct Rib {
    /// The advertisements of each prefix, with how many Services want it by each.
    routes: BTreeMap<Prefix, Vec<(Arc<BgpAdvertisement>, usize)>>,
    of_service: BTreeMap<ServiceKey, Contribution>,
    /// The Services of each prefix that is more than one address, announced or suppressed.
    aggregates: BTreeMap<Prefix, BTreeSet<ServiceKey>>,
    /// Addresses that this node can't serve though another may, with how many Services have each.
    unservable: BTreeMap<IpAddr, usize>,
    /// Prefixes with other advertisements than when they were told.
    touched: BTreeSet<Prefix>,
}

/// On whose behalf a prefix is announced.
type Advertisements = Box<[Arc<BgpAdvertisement>]>;

/// What one Service contributes.
#[derive(Debug, Default)]
struct Contribution {
    routes: Box<[(Prefix, Advertisements)]>,
    suppressed: Box<[Prefix]>,
    unservable: Box<[IpAddr]>,
}

impl Rib {
    /// A Service wants these routes from now on, and of its addresses this node can't serve those. Returns the Services
    /// that have to be decided about again, itself perhaps too: an aggregate of theirs may be announced now, or may not any
    /// more.
    pub(super) fn set(&mut self, service: &ServiceKey, wanted: &Wanted, unservable: &[IpAddr]) -> BTreeSet<ServiceKey> {
        let routes = wanted.routes.iter();
        let new = Contribution {
            routes: routes.map(|(prefix, advertisements)| (*prefix, advertisements.as_slice().into())).collect(),
            suppressed: wanted.suppressed.iter().copied().collect(),
            unservable: unservable.into(),
        };
        let old = self.of_service.remove(service).unwrap_or_default();
        new.routes.iter().for_each(|(prefix, advertisements)| self.add(*prefix, advertisements));
        old.routes.iter().for_each(|(prefix, advertisements)| self.remove(*prefix, advertisements));
        for prefix in old.aggregates() {
            if let Some(services) = self.aggregates.get_mut(&prefix) {
                services.remove(service);
                if services.is_empty() {
                    self.aggregates.remove(&prefix);
                }
            }
        }
        for prefix in new.aggregates() {
            self.aggregates.entry(prefix).or_default().insert(service.clone());
        }
        let again = self.serve(&old.unservable, &new.unservable);
        if !new.is_empty() {
            self.of_service.insert(service.clone(), new);
        }
        again
    }

    /// Whether every address in use inside of `prefix` can be served here.
    pub(super) fn serves_all_of(&self, prefix: Prefix) -> bool {
        let range = prefix.range();
        self.unservable.range(range.first()..=range.last()).next().is_none()
    }

    /// The advertisements that want `prefix`.
    pub(super) fn advertisements(&self, prefix: Prefix) -> impl Iterator<Item = &Arc<BgpAdvertisement>> {
        self.routes.get(&prefix).into_iter().flatten().map(|(advertisement, _)| advertisement)
    }

    /// Every prefix.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        self.routes.keys().copied()
    }

    /// The prefixes that have changed since this was asked the last time.
    pub(super) fn take_touched(&mut self) -> BTreeSet<Prefix> {
        std::mem::take(&mut self.touched)
    }

    /// Whether nothing is announced.
    pub(super) fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Whether nothing is known of any Service.
    pub(super) fn is_blank(&self) -> bool {
        self.of_service.is_empty()
    }

    /// The Services that contribute something.
    pub(super) fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.of_service.keys()
    }

    /// What a Service wants announced.
    pub(super) fn of(&self, service: &ServiceKey) -> impl Iterator<Item = (Prefix, &[Arc<BgpAdvertisement>])> {
        let contribution = self.of_service.get(service);
        let routes = contribution.into_iter().flat_map(|contribution| &contribution.routes);
        routes.map(|(prefix, advertisements)| (*prefix, &**advertisements))
    }

    fn add(&mut self, prefix: Prefix, advertisements: &[Arc<BgpAdvertisement>]) {
        let of_prefix = self.routes.entry(prefix).or_default();
        for advertisement in advertisements {
            match of_prefix.iter_mut().find(|(known, _)| Arc::ptr_eq(known, advertisement)) {
                Some((_, count)) => *count += 1,
                None => {
                    of_prefix.reserve_exact(1);
                    of_prefix.push((Arc::clone(advertisement), 1));
                    self.touched.insert(prefix);
                }
            }
        }
    }

    fn remove(&mut self, prefix: Prefix, advertisements: &[Arc<BgpAdvertisement>]) {
        let Some(of_prefix) = self.routes.get_mut(&prefix) else { return };
        for advertisement in advertisements {
            let Some(place) = of_prefix.iter().position(|(known, _)| Arc::ptr_eq(known, advertisement)) else {
                continue;
            };
            let Some((_, count)) = of_prefix.get_mut(place) else { continue };
            *count -= 1;
            if *count == 0 {
                of_prefix.remove(place);
                self.touched.insert(prefix);
            }
        }
        if of_prefix.is_empty() {
            self.routes.remove(&prefix);
        }
    }

    /// This node can't serve `new` instead of `old`.
    fn serve(&mut self, old: &[IpAddr], new: &[IpAddr]) -> BTreeSet<ServiceKey> {
        if old == new {
            return BTreeSet::new();
        }
        let concerned: BTreeSet<_> = old.iter().chain(new).flat_map(|ip| self.around(*ip)).collect();
        let before: Vec<_> = concerned.iter().map(|prefix| self.serves_all_of(*prefix)).collect();
        for ip in new {
            *self.unservable.entry(*ip).or_default() += 1;
        }
        for ip in old {
            if let Some(count) = self.unservable.get_mut(ip) {
                *count -= 1;
                if *count == 0 {
                    self.unservable.remove(ip);
                }
            }
        }
        let changed = concerned.iter().zip(before).filter(|(prefix, before)| self.serves_all_of(**prefix) != *before);
        changed.flat_map(|(prefix, _)| self.aggregates.get(prefix).into_iter().flatten().cloned()).collect()
    }

    /// The aggregates that contain an address.
    fn around(&self, ip: IpAddr) -> Vec<Prefix> {
        if self.aggregates.is_empty() {
            return Vec::new();
        }
        let lengths = 0..Family::of(ip).bits();
        lengths
            .filter_map(|length| Prefix::new(ip, length))
            .filter(|prefix| self.aggregates.contains_key(prefix))
            .collect()
    }
}

impl Contribution {
    fn aggregates(&self) -> BTreeSet<Prefix> {
        let announced = self.routes.iter().map(|(prefix, _)| *prefix).filter(|prefix| !prefix.is_host());
        announced.chain(self.suppressed.iter().copied()).collect()
    }

    fn is_empty(&self) -> bool {
        self.routes.is_empty() && self.suppressed.is_empty() && self.unservable.is_empty()
    }
}
