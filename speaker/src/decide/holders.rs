//! Services with one address: who has it, and who only shows it.
//!
//! The controller gives an address to several Services only if they may share it. Two that show one address against
//! those rules (a restored backup, a status written by hand, another product) are nobody's wish; still somebody has to
//! answer, and exactly one node. So the oldest Service (creation time, then namespace and name) has the address, with
//! all that may share it with those before them. The others are *displaced*: they have no say in who announces it.
//!
//! Two Services may share an address if both have the same key, the same traffic policy, with Local also the same
//! selector, and no port in common.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::watch::service::{ServiceKey, ServiceSeen};

/// The Services of every address, and who among them is displaced.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// In order of their names.
    services: BTreeMap<IpAddr, Vec<ServiceKey>>,
    /// Displaced Services with the older one that has the address. Only addresses that have any are in here.
    displaced: BTreeMap<IpAddr, BTreeMap<ServiceKey, ServiceKey>>,
    /// Addresses whose Services have changed since the last [`sift`](Self::sift).
    changed: BTreeSet<IpAddr>,
}

impl Holders {
    /// A Service that showed `before` shows `after` now, or is otherwise not what it was.
    pub(super) fn follow(&mut self, service: &ServiceKey, before: &[IpAddr], after: &[IpAddr]) {
        for ip in before.iter().filter(|ip| !after.contains(ip)) {
            let Some(services) = self.services.get_mut(ip) else { continue };
            if let Ok(place) = services.binary_search(service) {
                services.remove(place);
            }
            if services.is_empty() {
                self.services.remove(ip);
            }
        }
        for ip in after {
            let services = self.services.entry(*ip).or_insert_with(|| Vec::with_capacity(1));
            if let Err(place) = services.binary_search(service) {
                services.insert(place, service.clone());
            }
        }
        self.changed.extend(before.iter().chain(after));
    }

    /// Finds out who has what since things changed. Returns the Services that have an address now that they did not
    /// have, or the reverse.
    pub(super) fn sift(&mut self, all: &BTreeMap<ServiceKey, ServiceSeen>) -> BTreeSet<ServiceKey> {
        let mut turned = BTreeSet::new();
        for ip in std::mem::take(&mut self.changed) {
            let new = match self.services.get(&ip).map(Vec::as_slice) {
                None | Some([] | [_]) => BTreeMap::new(),
                Some(services) => displaced(services.iter().filter_map(|key| Some((key, all.get(key)?)))),
            };
            let old = self.displaced.remove(&ip).unwrap_or_default();
            let differ = |service: &&ServiceKey| old.get(*service) != new.get(*service);
            turned.extend(old.keys().chain(new.keys()).filter(differ).cloned());
            if !new.is_empty() {
                self.displaced.insert(ip, new);
            }
        }
        turned
    }

    /// The older Service that has `ip` instead of `service`; `None` if it has it itself.
    pub(super) fn displacer(&self, ip: IpAddr, service: &ServiceKey) -> Option<&ServiceKey> {
        self.displaced.get(&ip)?.get(service)
    }
}

/// Of the Services with one address, those that may not have it, each with an older one that does.
fn displaced<'a>(
    services: impl Iterator<Item = (&'a ServiceKey, &'a ServiceSeen)>,
) -> BTreeMap<ServiceKey, ServiceKey> {
    let mut services: Vec<_> = services.collect();
    services.sort_by_key(|(key, seen)| (seen.created, *key));
    let mut services = services.into_iter();
    let Some((first, oldest)) = services.next() else { return BTreeMap::new() };
    // All that have it have the oldest one's key and policy, so only ports have to be compared with each of them.
    let mut taken = BTreeMap::new();
    taken.extend(oldest.sharing.iter().flat_map(|terms| &terms.ports).map(|port| (*port, first)));
    let mut displaced = BTreeMap::new();
    for (key, seen) in services {
        let by = match (&oldest.sharing, &seen.sharing) {
            (Some(theirs), Some(mine))
                if mine.key == theirs.key && seen.local == oldest.local && mine.selector == theirs.selector =>
            {
                mine.ports.iter().find_map(|port| taken.get(port)).copied()
            }
            _ => Some(first),
        };
        match by {
            Some(by) => drop(displaced.insert(key.clone(), by.clone())),
            None => taken.extend(seen.sharing.iter().flat_map(|terms| &terms.ports).map(|port| (*port, key))),
        }
    }
    displaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::service::{Protocol, Sharing};

    const IP: &str = "192.0.2.1";

    fn key(name: &str) -> ServiceKey {
        ServiceKey::new("n", name)
    }

    fn alone(created: i64) -> ServiceSeen {
        ServiceSeen {
            uid: String::new(),
            labels: BTreeMap::new(),
            addresses: vec![IP.parse().unwrap()],
            pool: None,
            local: false,
            created,
            sharing: None,
        }
    }

    fn shared(created: i64, port: i32) -> ServiceSeen {
        let terms = Sharing { key: "k".into(), selector: BTreeMap::new(), ports: [(Protocol::Tcp, port)].into() };
        ServiceSeen { sharing: Some(Box::new(terms)), ..alone(created) }
    }

    fn local(seen: ServiceSeen, app: &str) -> ServiceSeen {
        let mut seen = ServiceSeen { local: true, ..seen };
        if let Some(terms) = &mut seen.sharing {
            terms.selector.insert("app".into(), app.into());
        }
        seen
    }

    /// Who is displaced by whom.
    fn sifted(services: &[(&str, ServiceSeen)]) -> Vec<(String, String)> {
        let services: Vec<_> = services.iter().map(|(name, seen)| (key(name), seen)).collect();
        let displaced = displaced(services.iter().map(|(key, seen)| (key, *seen)));
        displaced.into_iter().map(|(one, by)| (one.name().to_owned(), by.name().to_owned())).collect()
    }

    fn by(one: &str, other: &str) -> Vec<(String, String)> {
        vec![(one.to_owned(), other.to_owned())]
    }

    #[test]
    fn the_older_one_has_it_and_of_two_as_old_the_first_by_name() {
        assert_eq!(sifted(&[("a", alone(2)), ("b", alone(1))]), by("a", "b"));
        assert_eq!(sifted(&[("b", alone(1)), ("a", alone(1))]), by("b", "a"));
        assert_eq!(sifted(&[("a", alone(1))]), []);
    }

    #[test]
    fn sharing_takes_one_key_one_policy_and_no_common_port() {
        let udp = |created| {
            let mut seen = shared(created, 80);
            seen.sharing.as_mut().unwrap().ports = [(Protocol::Udp, 80)].into();
            seen
        };
        let other_key = |created| {
            let mut seen = shared(created, 443);
            seen.sharing.as_mut().unwrap().key = "other".into();
            seen
        };
        for second in [shared(2, 443), udp(2)] {
            assert_eq!(sifted(&[("a", shared(1, 80)), ("b", second)]), []);
        }
        for second in [shared(2, 80), other_key(2), alone(2), local(shared(2, 443), "x")] {
            assert_eq!(sifted(&[("a", shared(1, 80)), ("b", second.clone())]), by("b", "a"), "{second:?}");
        }
        assert_eq!(sifted(&[("a", alone(1)), ("b", shared(2, 443))]), by("b", "a"), "a key alone is no agreement");
        let first = local(shared(1, 80), "x");
        assert_eq!(sifted(&[("a", first.clone()), ("b", local(shared(2, 443), "x"))]), []);
        assert_eq!(sifted(&[("a", first.clone()), ("b", local(shared(2, 443), "y"))]), by("b", "a"));
        // Local without a selector is not the same as Cluster: two nodes would own the address.
        let no_selector = ServiceSeen { local: true, ..shared(2, 443) };
        assert_eq!(sifted(&[("a", shared(1, 80)), ("b", no_selector)]), by("b", "a"));
    }

    #[test]
    fn who_is_displaced_displaces_nobody() {
        // b collides with a; c only with b, which has not got the address.
        let b = {
            let mut seen = shared(2, 80);
            seen.sharing.as_mut().unwrap().ports.insert((Protocol::Tcp, 443));
            seen
        };
        assert_eq!(sifted(&[("a", shared(1, 80)), ("b", b), ("c", shared(3, 443))]), by("b", "a"));
        // And a port is taken by whoever has it, not only by the oldest.
        assert_eq!(sifted(&[("a", shared(1, 1)), ("b", shared(2, 2)), ("c", shared(3, 2))]), by("c", "b"));
    }

    #[test]
    fn those_are_told_whose_standing_changes() {
        let ip: IpAddr = IP.parse().unwrap();
        let mut all = BTreeMap::new();
        let mut holders = Holders::default();
        let mut set = |name: &str, seen: Option<ServiceSeen>| {
            let shown = |seen: Option<&ServiceSeen>| seen.map_or(vec![], |seen| seen.addresses.clone());
            let (before, after) = (shown(all.get(&key(name))), shown(seen.as_ref()));
            match seen {
                Some(seen) => drop(all.insert(key(name), seen)),
                None => drop(all.remove(&key(name))),
            }
            holders.follow(&key(name), &before, &after);
            let turned = holders.sift(&all);
            (turned.into_iter().collect::<Vec<_>>(), holders.displacer(ip, &key("young")).cloned())
        };
        assert_eq!(set("young", Some(alone(2))), (vec![], None));
        assert_eq!(set("old", Some(alone(1))), (vec![key("young")], Some(key("old"))));
        assert_eq!(set("old", Some(alone(1))), (vec![], Some(key("old"))), "nothing new");
        let elsewhere = ServiceSeen { addresses: vec!["192.0.2.2".parse().unwrap()], ..alone(1) };
        assert_eq!(set("old", Some(elsewhere)), (vec![key("young")], None));
        assert_eq!(set("old", Some(alone(1))), (vec![key("young")], Some(key("old"))));
        assert_eq!(set("old", None), (vec![key("young")], None));
        assert_eq!(set("young", None), (vec![], None));
        assert!(holders.services.is_empty() && holders.displaced.is_empty(), "nothing is left behind");
    }

    #[test]
    fn thousands_on_one_address_are_no_trouble() {
        let mut all = BTreeMap::new();
        let mut holders = Holders::default();
        for number in 0..20_000 {
            let service = key(&number.to_string());
            let seen = alone(number);
            holders.follow(&service, &[], &seen.addresses);
            all.insert(service, seen);
        }
        assert_eq!(holders.sift(&all).len(), 19_999);
        assert_eq!(holders.displacer(IP.parse().unwrap(), &key("7")), Some(&key("0")));
    }
}
