//! What is due when: at most one instant per address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// Addresses and when each is due.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    by_address: BTreeMap<IpAddr, Duration>,
    by_time: BTreeSet<(Duration, IpAddr)>,
}

impl Deadlines {
    /// `ip` is due at `at`, and at no other time.
    pub(crate) fn set(&mut self, ip: IpAddr, at: Duration) {
        self.clear(ip);
        self.by_address.insert(ip, at);
        self.by_time.insert((at, ip));
    }

    /// As [`set`](Self::set), unless it is due some time already.
    pub(crate) fn set_if_none(&mut self, ip: IpAddr, at: Duration) {
        if !self.by_address.contains_key(&ip) {
            self.set(ip, at);
        }
    }

    pub(crate) fn clear(&mut self, ip: IpAddr) {
        if let Some(before) = self.by_address.remove(&ip) {
            self.by_time.remove(&(before, ip));
        }
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out one that is due, the longest overdue first.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<IpAddr> {
        let &(at, ip) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.clear(ip);
        Some(ip)
    }
}
