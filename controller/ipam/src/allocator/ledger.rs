//! The allocator's books: which Service claims which address, kept in line with what is free, with
//! the pools' counts, and with who waits.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::{Family, config};

use super::{Allocator, Record};
use crate::claim::{Added, Home};
use crate::pool::{Account, PoolSpace};
use crate::wait::Topic;
use crate::{ServiceKey, ServiceRequest, Terms};

/// With how many addresses at most a Service shares; each honest one has one or two, or twice that while it moves.
const SHARED_MAX: usize = 8;

impl Allocator {
    /// Records a decision.
    pub(super) fn change(&mut self, key: &ServiceKey, edit: impl FnOnce(&mut Record)) {
        let Some(mut record) = self.records.get(key).cloned() else { return };
        let before = record.claimed();
        edit(&mut record);
        record.decided_terms = record.terms.clone();
        record.news = false;
        self.reclaim(key, &before, record);
    }

    /// The pool that is recorded on a Service; the name of one that exists is kept once.
    pub(super) fn pool_name(&self, request: &ServiceRequest) -> Option<Arc<str>> {
        let recorded = request.recorded_pool.as_ref()?;
        Some(self.spaces.get_key_value(recorded).map_or(recorded, |(name, _)| name).clone())
    }

    /// Every address that a Service shows or should show.
    pub(crate) fn claimed(&self, key: &ServiceKey) -> Vec<IpAddr> {
        self.records.get(key).map(Record::claimed).unwrap_or_default()
    }

    /// Replaces a record and brings its claims in line.
    pub(super) fn reclaim(&mut self, key: &ServiceKey, before: &[IpAddr], record: Record) {
        let after = record.claimed();
        // A status with so many addresses is nobody's honest work. They are in use all the same, but shared with nobody:
        // thousands of addresses times thousands of ports would take minutes.
        let terms = if after.len() > SHARED_MAX { self.alone.clone() } else { record.terms.clone() };
        self.records.insert(key.clone(), record);
        for address in before.iter().filter(|address| after.binary_search(address).is_err()) {
            self.unclaim(*address, key);
        }
        for address in after {
            self.claim(address, key, &terms);
        }
    }

    pub(super) fn claim(&mut self, address: IpAddr, key: &ServiceKey, terms: &Arc<Terms>) {
        let joins = !self.is_used_in(address, &key.namespace);
        let added = self.claims.add(address, key, terms);
        if added == Added::First
            && let Some(space) = self.handing_out(address)
        {
            space.occupy(address);
        }
        if joins && let Some(home) = self.claims.home(address).cloned() {
            self.account_namespace(address, &home, &key.namespace, true);
        }
        self.settle_home(address);
        // Whether it may have it beside the others costs less to see than whether all may.
        let unlawful = || self.claims.may_have(address, key, terms).is_err();
        if added == Added::Changed && (self.duplicates.contains(&address) || unlawful()) {
            self.settle_duplicate(address);
        }
    }

    pub(super) fn unclaim(&mut self, address: IpAddr, key: &ServiceKey) {
        let home = self.claims.home(address).cloned();
        let gone = self.claims.remove(address, key);
        if let Some(home) = home.filter(|_| !self.is_used_in(address, &key.namespace)) {
            self.account_namespace(address, &home, &key.namespace, false);
        }
        match gone {
            Some(home) => {
                if let Some(home) = home {
                    self.account(address, &home, false);
                }
                if let Some(space) = self.handing_out(address) {
                    space.vacate(address);
                }
            }
            None => self.settle_home(address),
        }
        if self.duplicates.contains(&address) {
            self.settle_duplicate(address);
        }
        self.wake(address, &key.namespace);
    }

    /// Wakes who waits for `address`, for any address of the pool that hands it out, or for one of them that
    /// `namespace` uses.
    pub(super) fn wake(&mut self, address: IpAddr, namespace: &Arc<str>) {
        self.waits.wake(&Topic::Address(address));
        if let Some(pool) = self.config.pool_of(address) {
            let pool: Arc<str> = pool.name.as_str().into();
            self.waits.wake(&Topic::Pool(pool.clone()));
            self.waits.wake(&Topic::Quota(pool, namespace.clone(), Family::of(address)));
        }
    }

    /// Notes whether some have `address` who may not have it beside each other, and has all of them told. What
    /// other products do among themselves is none of our business.
    fn settle_duplicate(&mut self, address: IpAddr) {
        let ours = |key: &ServiceKey| self.records.get(key).is_some_and(|record| !record.foreign);
        if !self.claims.is_lawful(address) && self.claims.holders(address).any(ours) {
            self.duplicates.insert(address);
        } else {
            self.duplicates.remove(&address);
        }
        self.disturbed.extend(self.claims.holders(address).cloned());
    }

    /// Whether a Service of `namespace` has `address`.
    fn is_used_in(&self, address: IpAddr, namespace: &Arc<str>) -> bool {
        self.claims.holders(address).any(|holder| holder.namespace == *namespace)
    }

    /// Has the quota of a pool count an address inside it to a namespace, or no longer.
    fn account_namespace(&mut self, address: IpAddr, home: &Home, namespace: &Arc<str>, used: bool) {
        if home.account == Account::Inside
            && let Some(space) = self.spaces.get_mut(&home.pool)
        {
            space.account_namespace(address, namespace, used);
            self.waits.wake(&Topic::Quota(home.pool.clone(), namespace.clone(), Family::of(address)));
        }
    }

    /// Has the right pool account for an address in use.
    pub(super) fn settle_home(&mut self, address: IpAddr) {
        let recorded = self
            .claims
            .holders(address)
            .filter_map(|holder| self.records.get(holder))
            .find_map(|record| record.pool.as_deref());
        if self.claims.holders(address).next().is_none() {
            return;
        }
        let home = match self.config.home_of(address, recorded) {
            config::Home::Inside(pool) => Some((pool, Account::Inside)),
            config::Home::Retained(pool) => Some((pool, Account::Retained)),
            config::Home::Orphaned => None,
        };
        let home = home.map(|(pool, account)| Home { pool: pool.name.as_str().into(), account });
        let before = self.claims.home(address).cloned();
        if before == home {
            return;
        }
        let namespaces: BTreeSet<_> = self.claims.holders(address).map(|holder| holder.namespace.clone()).collect();
        if let Some(before) = before {
            self.account(address, &before, false);
            for namespace in &namespaces {
                self.account_namespace(address, &before, namespace, false);
            }
        }
        if let Some(home) = &home {
            self.account(address, home, true);
            for namespace in &namespaces {
                self.account_namespace(address, home, namespace, true);
            }
        }
        self.claims.set_home(address, home);
    }

    pub(super) fn account(&mut self, address: IpAddr, home: &Home, used: bool) {
        if let Some(space) = self.spaces.get_mut(&home.pool) {
            space.account(address, home.account, used);
        }
    }

    /// The space of the pool that may hand out `address`.
    pub(super) fn handing_out(&mut self, address: IpAddr) -> Option<&mut PoolSpace> {
        let pool = self.config.pool_of(address)?;
        self.spaces.get_mut(pool.name.as_str())
    }
}
