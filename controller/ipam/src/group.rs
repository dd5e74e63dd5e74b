//! Which shared addresses have room for one more Service, and on which ports.
//!
//! Thousands of Services may use one sharing key, and the lowest address that has room for the
//! next one must be found without asking them all. Addresses whose holders agree (one key, one
//! backend) form a *group*; beside it stand, for each port, those of its addresses on which the
//! port is taken. Both are interval sets, so that runs of addresses are stepped over at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::Family;
use herald_compiler::address::numeric;

use crate::interval::IntervalSet;
use crate::{Port, Terms};

/// What the holders of an address agree on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Agreement {
    key: Arc<str>,
    backend: Arc<str>,
}

impl Agreement {
    /// What a Service with these terms agrees to; `None` if it shares with nobody.
    pub(crate) fn of(terms: &Terms) -> Option<Self> {
        Some(Self { key: terms.key.clone()?, backend: terms.backend.clone() })
    }
}

/// All shared addresses by what their holders agree on.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<(Agreement, Family), Group>,
}

#[derive(Debug, Default)]
struct Group {
    addresses: IntervalSet,
    taken: BTreeMap<Port, IntervalSet>,
}

impl Groups {
    /// `address` is shared on this agreement, and these ports are taken on it, with others or not.
    pub(crate) fn join(&mut self, agreement: &Agreement, address: IpAddr, ports: &[Port]) {
        let number = numeric(address);
        let group = self.groups.entry((agreement.clone(), Family::of(address))).or_default();
        group.addresses.insert(number, number);
        for port in ports {
            group.taken.entry(*port).or_default().insert(number, number);
        }
    }

    /// These ports are not taken on `address` any more.
    pub(crate) fn give_up(&mut self, agreement: &Agreement, address: IpAddr, ports: impl Iterator<Item = Port>) {
        let Some(group) = self.groups.get_mut(&(agreement.clone(), Family::of(address))) else { return };
        for port in ports {
            if let Some(taken) = group.taken.get_mut(&port) {
                taken.remove(numeric(address));
                if taken.is_empty() {
                    group.taken.remove(&port);
                }
            }
        }
    }

    /// `address` is not shared on this agreement any more; its ports must have been given up.
    pub(crate) fn leave(&mut self, agreement: &Agreement, address: IpAddr) {
        let name = (agreement.clone(), Family::of(address));
        if let Some(group) = self.groups.get_mut(&name) {
            group.addresses.remove(numeric(address));
            if group.addresses.is_empty() {
                self.groups.remove(&name);
            }
        }
    }

    /// The lowest address from `first` to `last` that is shared on this agreement and has all of
    /// `ports` free. Numeric values of `family`.
    pub(crate) fn lowest_with_room(
        &self,
        agreement: &Agreement,
        family: Family,
        ports: &[Port],
        (first, last): (u128, u128),
    ) -> Option<u128> {
        let group = self.groups.get(&(agreement.clone(), family))?;
        let mut from = first;
        loop {
            let number = group.addresses.next(from).filter(|number| *number <= last)?;
            let taken = ports.iter().filter_map(|port| group.taken.get(port)?.run_end(number)).max();
            match taken {
                None => return Some(number),
                Some(end) => from = end.checked_add(1)?,
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    fn tcp(number: u16) -> Port {
        Port { protocol: Protocol::Tcp, number }
    }

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn the_lowest_address_with_all_ports_free() {
        let mut groups = Groups::default();
        let agreement = Agreement::of(&Terms::new(Some("k"), "", [])).unwrap();
        let other = Agreement::of(&Terms::new(Some("k"), "app=x", [])).unwrap();
        for last in [1, 2, 3, 7] {
            groups.join(&agreement, ip(last), &[tcp(80)]);
        }
        groups.join(&agreement, ip(2), &[tcp(443)]);
        groups.join(&other, ip(5), &[]);
        let find = |groups: &Groups, ports: &[Port], range: (u8, u8)| {
            let range = (numeric(ip(range.0)), numeric(ip(range.1)));
            groups.lowest_with_room(&agreement, Family::V4, ports, range).map(|number| Family::V4.address(number))
        };
        assert_eq!(find(&groups, &[tcp(80)], (0, 255)), None);
        assert_eq!(find(&groups, &[tcp(443)], (0, 255)), Some(ip(1)));
        assert_eq!(find(&groups, &[tcp(443)], (2, 255)), Some(ip(3)));
        assert_eq!(find(&groups, &[tcp(443)], (4, 6)), None);
        groups.give_up(&agreement, ip(3), [tcp(80)].into_iter());
        assert_eq!(find(&groups, &[tcp(80), tcp(443)], (0, 255)), Some(ip(3)));
        groups.leave(&agreement, ip(3));
        assert_eq!(find(&groups, &[tcp(81)], (3, 255)), Some(ip(7)));
        for last in [1, 2, 7] {
            groups.give_up(&agreement, ip(last), [tcp(80), tcp(443)].into_iter());
            groups.leave(&agreement, ip(last));
        }
        groups.leave(&other, ip(5));
        assert!(groups.is_empty());
    }
}
