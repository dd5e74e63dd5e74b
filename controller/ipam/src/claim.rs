//! The addresses in use: who has each, on which terms, and which pool accounts for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::pool::Account;
use crate::{ServiceKey, SharingConflict, Terms};

/// Every address that some Service has or is about to get or to lose.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    claims: BTreeMap<IpAddr, Claim>,
    /// Addresses with at least one holder of that sharing key.
    by_sharing_key: BTreeMap<Arc<str>, BTreeSet<IpAddr>>,
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

/// The pool that accounts for an address in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) pool: Arc<str>,
    pub(crate) account: Account,
}

impl Claims {
    /// Notes that `key` has `address`. True if nobody had it before.
    pub(crate) fn add(&mut self, address: IpAddr, key: &ServiceKey, terms: &Arc<Terms>) -> bool {
        let claim = self.claims.entry(address).or_insert_with(|| Claim { holders: Vec::with_capacity(1), home: None });
        let first = claim.holders.is_empty();
        let before = match claim.holders.iter_mut().find(|holder| holder.key == *key) {
            Some(holder) => std::mem::replace(&mut holder.terms, terms.clone()).key.clone(),
            None => {
                claim.holders.push(Holder { key: key.clone(), terms: terms.clone() });
                None
            }
        };
        if let Some(sharing) = &terms.key {
            self.by_sharing_key.entry(sharing.clone()).or_default().insert(address);
        }
        self.forget_sharing(address, before);
        first
    }

    /// Notes that `key` does not have `address` any more. The answer is `Some` if nobody has it
    /// now, with the pool that accounted for it.
    pub(crate) fn remove(&mut self, address: IpAddr, key: &ServiceKey) -> Option<Option<Home>> {
        let claim = self.claims.get_mut(&address)?;
        let place = claim.holders.iter().position(|holder| holder.key == *key)?;
        let gone = claim.holders.swap_remove(place);
        let unused = claim.holders.is_empty();
        self.forget_sharing(address, gone.terms.key.clone());
        if unused { self.claims.remove(&address).map(|claim| claim.home) } else { None }
    }

    /// Takes `address` out of the index of `sharing` unless somebody still holds it with that key.
    fn forget_sharing(&mut self, address: IpAddr, sharing: Option<Arc<str>>) {
        let Some(sharing) = sharing else { return };
        let mut holders = self.claims.get(&address).into_iter().flat_map(|claim| &claim.holders);
        if holders.any(|holder| holder.terms.key.as_ref() == Some(&sharing)) {
            return;
        }
        if let Some(addresses) = self.by_sharing_key.get_mut(&sharing) {
            addresses.remove(&address);
            if addresses.is_empty() {
                self.by_sharing_key.remove(&sharing);
            }
        }
    }

    /// Whether `key` may have `address` on these terms, beside those who have it.
    ///
    /// # Errors
    /// The first rule that forbids it; among several holders that of the first by name.
    pub(crate) fn may_have(&self, address: IpAddr, key: &ServiceKey, terms: &Terms) -> Result<(), SharingConflict> {
        let others = self.claims.get(&address).into_iter().flat_map(|claim| &claim.holders);
        others
            .filter(|holder| holder.key != *key)
            .filter_map(|holder| terms.allow(address, &holder.key, &holder.terms).err())
            .min_by(|one, other| one.with().cmp(other.with()))
            .map_or(Ok(()), Err)
    }

    /// Addresses that somebody holds with this sharing key, ascending.
    pub(crate) fn shared_under(&self, sharing: &str) -> impl Iterator<Item = IpAddr> {
        self.by_sharing_key.get(sharing).into_iter().flatten().copied()
    }

    /// Every address in use, ascending.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.claims.keys().copied()
    }

    /// Who has `address`.
    pub(crate) fn holders(&self, address: IpAddr) -> impl Iterator<Item = &ServiceKey> {
        self.claims.get(&address).into_iter().flat_map(|claim| &claim.holders).map(|holder| &holder.key)
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
