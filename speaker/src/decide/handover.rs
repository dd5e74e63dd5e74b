//! Make before break: who has an address keeps answering until the next owner says that it has it.
//!
//! Two speakers never learn of a change at the same moment. If each acted alone, an address could be without an owner
//! in between: the old one has seen that it is no longer elected, the new one has not seen that it is. So the old one
//! waits for the new one's facts ([`herald_membership::Facts::owned`]): milliseconds after the new owner has announced
//! itself. What keeps the old one from serving (no endpoint here, no network) also keeps it from waiting, and a
//! successor that says nothing is not waited for longer than [`LIMIT`] by a node that should not announce any more; one that
//! may as well ([`Patience::Endless`]) goes on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use herald_membership::Digest;

use super::verdict::{Reason, Verdict};
use crate::watch::service::ServiceKey;

/// How long to wait for a successor that says it does not have the address (yet).
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// How long to wait for one that has too many addresses to say so of each.
const LIMIT_UNKNOWN: Duration = Duration::from_millis(300);

/// For how long this node goes on serving what is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It can't.
    None,
    /// It should not, but does until the next owner has had its time.
    Limited,
    /// It may as well: the next owner is only better.
    Endless,
}

/// The Services that are being handed over.
#[derive(Debug, Default)]
pub(super) struct Handovers {
    under_way: BTreeMap<ServiceKey, Handover>,
}

#[derive(Debug)]
struct Handover {
    to: String,
    since: Duration,
    ends: Duration,
}

/// What is weighed.
#[derive(Debug)]
pub(super) struct Case<'a> {
    /// What was decided the last time.
    pub(super) old: Option<&'a Verdict>,
    /// What was decided now.
    pub(super) new: Verdict,
    /// Whether this node goes on serving it.
    pub(super) patience: Patience,
    /// What the new owner says that it has, if there is one that is alive.
    pub(super) owned: Option<&'a Digest>,
}

impl Handovers {
    /// What becomes of a Service that shows `shown`.
    pub(super) fn weigh(&mut self, service: &ServiceKey, shown: &[IpAddr], case: Case<'_>, now: Duration) -> Verdict {
        let Case { old, new, patience, owned } = case;
        let before = self.under_way.remove(service);
        let (Verdict::Not(Reason::Owner(to)), Some(old), Some(owned)) = (&new, old, owned) else {
            return new;
        };
        if patience == Patience::None {
            return new;
        }
        let (Verdict::Announce { addresses, scope, .. } | Verdict::HandingOver { addresses, scope, .. }) = old else {
            return new;
        };
        let addresses: Vec<_> = addresses.iter().copied().filter(|ip| shown.contains(ip)).collect();
        let since = before.filter(|before| before.to == *to).map_or(now, |before| before.since);
        let ends = match (has_all(owned, &addresses), patience) {
            (Some(true), _) => return new,
            (Some(false), Patience::Endless) => Duration::MAX,
            (Some(false), _) => since + LIMIT,
            (None, _) => since + LIMIT_UNKNOWN,
        };
        if now >= ends || addresses.is_empty() {
            return new;
        }
        let verdict = Verdict::HandingOver { to: to.clone(), addresses, scope: scope.clone() };
        self.under_way.insert(service.clone(), Handover { to: to.clone(), since, ends });
        verdict
    }

    /// A Service that is no more is not handed over.
    pub(super) fn forget(&mut self, service: &ServiceKey) {
        self.under_way.remove(service);
    }

    /// The Services whose next owner has had its time.
    pub(super) fn overdue(&self, now: Duration) -> impl Iterator<Item = &ServiceKey> {
        self.under_way.iter().filter(move |(_, handover)| now >= handover.ends).map(|(service, _)| service)
    }

    /// When the first is overdue.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.under_way.values().map(|handover| handover.ends).min()
    }

    /// Whether nothing is being handed over.
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

/// Whether all addresses are in a digest; `None` if it doesn't say of one and has the others.
fn has_all(owned: &Digest, addresses: &[IpAddr]) -> Option<bool> {
    let mut all = Some(true);
    for ip in addresses {
        match owned.contains(&ip.to_string()) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}
