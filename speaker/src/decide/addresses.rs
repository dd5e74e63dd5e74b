//! Which addresses this node owns, for which Services.
//!
//! An address may be shared by several Services; it is owned while one of them is announced from here, on the
//! interfaces that any of them allows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use herald_neighbor::{MacAddr, Scope};

use super::step::Step;
use crate::watch::service::ServiceKey;

/// How an address is owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Where it is announced.
    pub(super) scope: Scope,
    /// Before whose claims this node steps back.
    pub(super) ahead: BTreeSet<MacAddr>,
}

impl Terms {
    fn union(self, other: Self) -> Self {
        let Self { scope, mut ahead } = other;
        ahead.extend(self.ahead);
        Self { scope: self.scope.union(scope), ahead }
    }
}

/// Owned addresses with the Services that want them.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    wanted: BTreeMap<IpAddr, BTreeMap<ServiceKey, Terms>>,
    of_service: BTreeMap<ServiceKey, BTreeSet<IpAddr>>,
}

impl Addresses {
    /// `service` wants exactly `addresses` on these terms from now on; what that changes is added to `steps`, gains
    /// before losses.
    pub(super) fn set(&mut self, service: &ServiceKey, addresses: &[IpAddr], terms: Terms, steps: &mut Vec<Step>) {
        for ip in addresses {
            let before = self.terms(*ip);
            self.wanted.entry(*ip).or_default().insert(service.clone(), terms.clone());
            let after = self.terms(*ip);
            if before != after {
                steps.extend(after.map(|Terms { scope, ahead }| Step::Own { ip: *ip, scope, ahead }));
            }
        }
        if !addresses.is_empty() {
            self.of_service.entry(service.clone()).or_default().extend(addresses);
        }
        self.keep(service, addresses, steps);
    }

    /// `service` wants no others than `addresses` from now on, on the terms it has them on.
    pub(super) fn keep(&mut self, service: &ServiceKey, addresses: &[IpAddr], steps: &mut Vec<Step>) {
        let Some(mut kept) = self.of_service.remove(service) else { return };
        let lost: Vec<_> = kept.iter().copied().filter(|ip| !addresses.contains(ip)).collect();
        for ip in lost {
            kept.remove(&ip);
            let before = self.terms(ip);
            if let Some(services) = self.wanted.get_mut(&ip) {
                services.remove(service);
                if services.is_empty() {
                    self.wanted.remove(&ip);
                }
            }
            match self.terms(ip) {
                None => steps.push(Step::Disown { ip }),
                after if before == after => {}
                after => steps.extend(after.map(|Terms { scope, ahead }| Step::Own { ip, scope, ahead })),
            }
        }
        if !kept.is_empty() {
            self.of_service.insert(service.clone(), kept);
        }
    }

    /// Whether a Service's addresses, if it has any here, step back before exactly these.
    pub(super) fn has_ahead(&self, service: &ServiceKey, ahead: &BTreeSet<MacAddr>) -> bool {
        let Some(first) = self.of_service.get(service).and_then(BTreeSet::first) else { return true };
        self.wanted.get(first).and_then(|services| services.get(service)).is_none_or(|terms| terms.ahead == *ahead)
    }

    /// Every owned address.
    pub(super) fn owned(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.wanted.keys().copied()
    }

    /// The Services for which an address is owned.
    pub(super) fn services(&self, ip: IpAddr) -> impl Iterator<Item = &ServiceKey> {
        self.wanted.get(&ip).into_iter().flat_map(BTreeMap::keys)
    }

    /// Whether an address is owned.
    pub(super) fn owns(&self, ip: IpAddr) -> bool {
        self.wanted.contains_key(&ip)
    }

    fn terms(&self, ip: IpAddr) -> Option<Terms> {
        self.wanted.get(&ip)?.values().cloned().reduce(Terms::union)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ServiceKey {
        ServiceKey::new("n", name)
    }

    fn named(names: &[&str]) -> Scope {
        Scope::Named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn own(ip: IpAddr, scope: Scope) -> Step {
        Step::Own { ip, scope, ahead: BTreeSet::new() }
    }

    fn set(addresses: &mut Addresses, service: &str, ips: &[IpAddr], scope: &Scope) -> Vec<Step> {
        let mut steps = Vec::new();
        addresses.set(&key(service), ips, Terms { scope: scope.clone(), ahead: BTreeSet::new() }, &mut steps);
        steps
    }

    #[test]
    fn a_shared_address_stays_until_the_last_service_leaves() {
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let mut addresses = Addresses::default();
        assert_eq!(set(&mut addresses, "a", &[ip], &named(&["x"])), [own(ip, named(&["x"]))]);
        assert_eq!(set(&mut addresses, "b", &[ip], &named(&["y"])), [own(ip, named(&["x", "y"]))]);
        assert_eq!(set(&mut addresses, "b", &[ip], &named(&["y"])), [], "nothing new, nothing said");
        assert_eq!(set(&mut addresses, "a", &[], &Scope::All), [own(ip, named(&["y"]))]);
        assert_eq!(set(&mut addresses, "b", &[], &Scope::All), [Step::Disown { ip }]);
        assert_eq!(addresses.owned().count(), 0);
    }

    #[test]
    fn gains_come_before_losses() {
        let [one, two]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let mut addresses = Addresses::default();
        set(&mut addresses, "a", &[one], &Scope::All);
        let steps = set(&mut addresses, "a", &[two], &Scope::All);
        assert_eq!(steps, [own(two, Scope::All), Step::Disown { ip: one }]);
    }
}
