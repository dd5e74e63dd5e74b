//! The addresses in use: who has each, on which terms, and which pool accounts for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::group::{Agreement, Groups};
use crate::pool::Account;
use crate::{Port, ServiceKey, SharingConflict, Terms};

/// Every address that some Service has or is about to get or to lose.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    claims: BTreeMap<IpAddr, Claim>,
    groups: Groups,
}

/// An address in use.
#[derive(Debug)]
struct Claim {
    /// Mostly one. More share it, or are found to have it against the rules.
    holders: Vec<Holder>,
    home: Option<Home>,
}

#[derive(Debug)]
struct Holder {
    key: ServiceKey,
    terms: Arc<Terms>,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// Nobody had the address before.
    First,
    /// Others have it, or it had it on other terms.
    Changed,
    /// It had it, on these terms.
    Known,
}

/// The pool that accounts for an address in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) pool: Arc<str>,
    pub(crate) account: Account,
}

impl Claim {
    /// What all holders agree on; `None` if they don't, or if there is none.
    fn agreement(&self) -> Option<Agreement> {
        let (first, others) = self.holders.split_first()?;
        let same = |other: &Holder| other.terms.key == first.terms.key && other.terms.backend == first.terms.backend;
        others.iter().all(same).then(|| Agreement::of(&first.terms)).flatten()
    }

    /// Whether all holders may have the address beside each other.
    fn is_lawful(&self) -> bool {
        let mut taken = BTreeSet::new();
        self.holders.len() < 2
            || (self.agreement().is_some()
                && self.holders.iter().flat_map(|holder| &holder.terms.ports).all(|port| taken.insert(*port)))
    }
}

impl Claims {
    /// Notes that `key` has `address`.
    pub(crate) fn add(&mut self, address: IpAddr, key: &ServiceKey, terms: &Arc<Terms>) -> Added {
        let claim = self.claims.entry(address).or_insert_with(|| Claim { holders: Vec::with_capacity(1), home: None });
        let added = if claim.holders.is_empty() { Added::First } else { Added::Changed };
        if claim.holders.iter().any(|holder| holder.key == *key && Arc::ptr_eq(&holder.terms, terms)) {
            return Added::Known;
        }
        self.withdraw(address, key);
        let Some(claim) = self.claims.get_mut(&address) else { return added };
        let before = claim.agreement();
        claim.holders.push(Holder { key: key.clone(), terms: terms.clone() });
        match (before, claim.agreement()) {
            (_, Some(now)) => self.groups.join(&now, address, &terms.ports),
            (Some(before), None) => {
                // They agree no longer: nobody can join them.
                let others = claim.holders.iter().filter(|holder| holder.key != *key);
                let ports = others.flat_map(|holder| holder.terms.ports.iter().copied());
                self.groups.give_up(&before, address, ports);
                self.groups.leave(&before, address);
            }
            _ => {}
        }
        added
    }

    /// Notes that `key` does not have `address` any more. The answer is `Some` if nobody has it
    /// now, with the pool that accounted for it.
    pub(crate) fn remove(&mut self, address: IpAddr, key: &ServiceKey) -> Option<Option<Home>> {
        self.withdraw(address, key);
        if !self.claims.get(&address)?.holders.is_empty() {
            return None;
        }
        self.claims.remove(&address).map(|claim| claim.home)
    }

    /// Takes a holder out, and the groups along.
    fn withdraw(&mut self, address: IpAddr, key: &ServiceKey) {
        let Some(claim) = self.claims.get_mut(&address) else { return };
        let Some(place) = claim.holders.iter().position(|holder| holder.key == *key) else { return };
        let before = claim.agreement();
        let gone = claim.holders.swap_remove(place);
        let still = |port: &Port| claim.holders.iter().any(|holder| holder.terms.ports.binary_search(port).is_ok());
        match (before, claim.agreement()) {
            (Some(before), now) => {
                let given_up = gone.terms.ports.iter().filter(|port| !still(port)).copied();
                self.groups.give_up(&before, address, given_up);
                if now.is_none() {
                    self.groups.leave(&before, address);
                }
            }
            // The one they could not agree with is gone.
            (None, Some(now)) => {
                for holder in &claim.holders {
                    self.groups.join(&now, address, &holder.terms.ports);
                }
            }
            (None, None) => {}
        }
    }

    /// Whether `key` may have `address` on these terms, beside those who have it.
    ///
    /// # Errors
    /// The first rule that forbids it; among several holders that of the first by name.
    pub(crate) fn may_have(&self, address: IpAddr, key: &ServiceKey, terms: &Terms) -> Result<(), SharingConflict> {
        self.may_have_beside(address, key, terms, |_| true)
    }

    /// The same beside those only who `count`.
    pub(crate) fn may_have_beside(
        &self,
        address: IpAddr,
        key: &ServiceKey,
        terms: &Terms,
        counts: impl Fn(&ServiceKey) -> bool,
    ) -> Result<(), SharingConflict> {
        let others = self.claims.get(&address).into_iter().flat_map(|claim| &claim.holders);
        others
            .filter(|holder| holder.key != *key && counts(&holder.key))
            .filter_map(|holder| terms.allow(address, &holder.key, &holder.terms).err())
            .min_by(|one, other| one.with().cmp(other.with()))
            .map_or(Ok(()), Err)
    }

    /// The shared addresses by what their holders agree on.
    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Every address in use, ascending.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.claims.keys().copied()
    }

    /// Who has `address`.
    pub(crate) fn holders(&self, address: IpAddr) -> impl Iterator<Item = &ServiceKey> {
        self.claims.get(&address).into_iter().flat_map(|claim| &claim.holders).map(|holder| &holder.key)
    }

    /// Whether all who have `address` may have it beside each other.
    pub(crate) fn is_lawful(&self, address: IpAddr) -> bool {
        self.claims.get(&address).is_none_or(Claim::is_lawful)
    }

    /// The pool that accounts for `address`.
    pub(crate) fn home(&self, address: IpAddr) -> Option<&Home> {
        self.claims.get(&address)?.home.as_ref()
    }

    /// Has another pool account for `address`.
    pub(crate) fn set_home(&mut self, address: IpAddr, home: Option<Home>) {
        if let Some(claim) = self.claims.get_mut(&address) {
            claim.home = home;
        }
    }
}
