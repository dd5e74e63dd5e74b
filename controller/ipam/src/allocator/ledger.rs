//! The allocator's books: which Service claims which address, kept in line with what is free, with
//! the pools' counts, and with who waits.

use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::config;

use super::{Allocator, Record};
use crate::claim::Home;
use crate::pool::{Account, PoolSpace};
use crate::wait::Topic;
use crate::{ServiceKey, Terms};

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

    /// Every address that a Service shows or should show.
    pub(crate) fn claimed(&self, key: &ServiceKey) -> Vec<IpAddr> {
        self.records.get(key).map(Record::claimed).unwrap_or_default()
    }

    /// Replaces a record and brings its claims in line.
    pub(super) fn reclaim(&mut self, key: &ServiceKey, before: &[IpAddr], record: Record) {
        let after = record.claimed();
        let terms = record.terms.clone();
        self.records.insert(key.clone(), record);
        for address in before.iter().filter(|address| !after.contains(address)) {
            self.unclaim(*address, key);
        }
        for address in after {
            self.claim(address, key, &terms);
        }
    }

    pub(super) fn claim(&mut self, address: IpAddr, key: &ServiceKey, terms: &Arc<Terms>) {
        if self.claims.add(address, key, terms)
            && let Some(space) = self.handing_out(address)
        {
            space.occupy(address);
        }
        self.settle_home(address);
    }

    pub(super) fn unclaim(&mut self, address: IpAddr, key: &ServiceKey) {
        if let Some(home) = self.claims.remove(address, key) {
            if let Some(home) = home {
                self.account(address, &home, false);
            }
            if let Some(space) = self.handing_out(address) {
                space.vacate(address);
            }
        }
        self.wake(address);
    }

    /// Wakes who waits for `address`, or for any address of the pool that hands it out.
    pub(super) fn wake(&mut self, address: IpAddr) {
        self.waits.wake(&Topic::Address(address));
        if let Some(pool) = self.config.pool_of(address) {
            self.waits.wake(&Topic::Pool(pool.name.as_str().into()));
        }
    }

    /// Has the right pool account for an address in use.
    pub(super) fn settle_home(&mut self, address: IpAddr) {
        let recorded = self
            .claims
            .holders(address)
            .filter_map(|holder| self.records.get(holder))
            .find_map(|record| record.pool.as_deref());
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
        if let Some(before) = before {
            self.account(address, &before, false);
        }
        if let Some(home) = &home {
            self.account(address, home, true);
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
