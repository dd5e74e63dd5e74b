//! What a peer announces to us. Nothing of it is used: it is checked, counted against a limit, and dropped.
//!
//! A router that sends us its whole table costs the memory of [`Received::limit`] prefixes, however many it sends. The
//! session stays: ending it would take our own routes away for something that does no harm.

use std::collections::BTreeSet;

use crate::packet::{ReceivedUpdate, Treatment};
use crate::value::{Family, Prefix};

/// Routes that a peer has announced in this session.
#[derive(Clone, Debug)]
pub struct Received {
    limit: usize,
    prefixes: BTreeSet<Prefix>,
    over: bool,
    /// UPDATEs of which some attribute was discarded (RFC 7606).
    pub discarded: u64,
    /// UPDATEs that were treated as withdrawals (RFC 7606).
    pub treated_as_withdraw: u64,
    ends: BTreeSet<Family>,
}

impl Received {
    /// Nothing yet; counts up to `limit` prefixes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let (prefixes, ends) = (BTreeSet::new(), BTreeSet::new());
        Self { limit, prefixes, over: false, discarded: 0, treated_as_withdraw: 0, ends }
    }

    /// How many prefixes are counted.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Takes in an UPDATE.
    pub fn take(&mut self, update: &ReceivedUpdate) {
        match update.treatment {
            Treatment::Accept => {}
            Treatment::DiscardAttribute { .. } => self.discarded += 1,
            Treatment::TreatAsWithdraw { .. } => self.treated_as_withdraw += 1,
        }
        for prefix in &update.withdrawn {
            self.prefixes.remove(prefix);
        }
        for prefix in &update.announced {
            if self.prefixes.len() >= self.limit && !self.prefixes.contains(prefix) {
                self.over = true;
                break;
            }
            self.prefixes.insert(*prefix);
        }
        self.ends.extend(update.end_of_rib);
    }

    /// How many prefixes the peer announces now; [`limit`](Self::limit) if it was ever more in this session.
    #[must_use]
    pub fn count(&self) -> usize {
        if self.over { self.limit } else { self.prefixes.len() }
    }

    /// Whether it was ever more than are counted, so that the number says no more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the peer has told all its routes of the family once (End-of-RIB).
    #[must_use]
    pub fn is_complete(&self, family: Family) -> bool {
        self.ends.contains(&family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn hosts(numbers: std::ops::Range<u8>) -> Vec<Prefix> {
        numbers.map(|number| Prefix::host(IpAddr::from([192, 0, 2, number]))).collect()
    }

    #[test]
    fn a_million_routes_cost_what_the_limit_costs() {
        let mut received = Received::new(10);
        let announce = |numbers| ReceivedUpdate { announced: hosts(numbers), ..ReceivedUpdate::default() };
        received.take(&announce(0..9));
        received.take(&announce(0..9));
        assert_eq!((received.count(), received.is_over()), (9, false), "the same again");
        received.take(&ReceivedUpdate { withdrawn: hosts(0..4), ..ReceivedUpdate::default() });
        assert_eq!(received.count(), 5);
        received.take(&announce(0..255));
        assert_eq!((received.count(), received.is_over()), (10, true));
        assert_eq!(received.prefixes.len(), 10);
        received.take(&ReceivedUpdate { withdrawn: hosts(0..255), ..ReceivedUpdate::default() });
        assert!(received.is_over(), "who knows how many there are");
    }
}
