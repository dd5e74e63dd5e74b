//! Which addresses this node owns, for which Services.
//!
//! An address may be shared by several Services; it is owned while one of them is announced from here, on the
//! interfaces that any of them allows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use herald_neighbor::Scope;

use super::world::Step;
use crate::watch::service::ServiceKey;

/// Owned addresses with the Services that want them.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    wanted: BTreeMap<IpAddr, BTreeMap<ServiceKey, Scope>>,
    of_service: BTreeMap<ServiceKey, BTreeSet<IpAddr>>,
}

impl Addresses {
    /// `service` wants exactly `addresses` on `scope` from now on; what that changes is added to `steps`, gains before
    /// losses.
    pub(super) fn set(&mut self, service: &ServiceKey, addresses: &[IpAddr], scope: &Scope, steps: &mut Vec<Step>) {
        let new: BTreeSet<IpAddr> = addresses.iter().copied().collect();
        let old = self.of_service.remove(service).unwrap_or_default();
        for ip in &new {
            let before = self.scope(*ip);
            self.wanted.entry(*ip).or_default().insert(service.clone(), scope.clone());
            let after = self.scope(*ip);
            if before != after {
                steps.extend(after.map(|scope| Step::Own { ip: *ip, scope }));
            }
        }
        for ip in old.difference(&new) {
            let before = self.scope(*ip);
            if let Some(services) = self.wanted.get_mut(ip) {
                services.remove(service);
                if services.is_empty() {
                    self.wanted.remove(ip);
                }
            }
            match self.scope(*ip) {
                None => steps.push(Step::Disown { ip: *ip }),
                Some(scope) if before.as_ref() != Some(&scope) => steps.push(Step::Own { ip: *ip, scope }),
                Some(_) => {}
            }
        }
        if !new.is_empty() {
            self.of_service.insert(service.clone(), new);
        }
    }

    /// Every owned address.
    pub(super) fn owned(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.wanted.keys().copied()
    }

    fn scope(&self, ip: IpAddr) -> Option<Scope> {
        self.wanted.get(&ip)?.values().cloned().reduce(Scope::union)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ServiceKey {
        ServiceKey { namespace: "n".into(), name: name.into() }
    }

    fn named(names: &[&str]) -> Scope {
        Scope::Named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn set(addresses: &mut Addresses, service: &str, ips: &[IpAddr], scope: &Scope) -> Vec<Step> {
        let mut steps = Vec::new();
        addresses.set(&key(service), ips, scope, &mut steps);
        steps
    }

    #[test]
    fn a_shared_address_stays_until_the_last_service_leaves() {
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let mut addresses = Addresses::default();
        assert_eq!(set(&mut addresses, "a", &[ip], &named(&["x"])), [Step::Own { ip, scope: named(&["x"]) }]);
        assert_eq!(set(&mut addresses, "b", &[ip], &named(&["y"])), [Step::Own { ip, scope: named(&["x", "y"]) }]);
        assert_eq!(set(&mut addresses, "b", &[ip], &named(&["y"])), [], "nothing new, nothing said");
        assert_eq!(set(&mut addresses, "a", &[], &Scope::All), [Step::Own { ip, scope: named(&["y"]) }]);
        assert_eq!(set(&mut addresses, "b", &[], &Scope::All), [Step::Disown { ip }]);
        assert_eq!(addresses.owned().count(), 0);
    }

    #[test]
    fn gains_come_before_losses() {
        let [one, two]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let mut addresses = Addresses::default();
        set(&mut addresses, "a", &[one], &Scope::All);
        let steps = set(&mut addresses, "a", &[two], &Scope::All);
        assert_eq!(steps, [Step::Own { ip: two, scope: Scope::All }, Step::Disown { ip: one }]);
    }
}
