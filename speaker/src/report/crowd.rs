//! How many ServiceBGPStatus objects there may be: one for each Service and node are more than etcd should keep for
//! the sake of convenience.
//!
//! With `--service-bgp-status=auto`, a speaker that would make a new one counts those of all nodes first (one request for
//! [`SHARE`] of them) and makes none while there are [`LIMIT`]. Those that exist are kept up to date.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::flags::ServiceBgpStatus;
use crate::watch::service::ServiceKey;

/// So many objects, of all Services and nodes, and no more are made.
pub const LIMIT: usize = 5_000;
/// How many may be made after a count. Speakers count at the same time: there may be so many too many for each.
pub(super) const SHARE: usize = 10;
/// Between two counts that leave no room.
pub(super) const AGAIN: Duration = Duration::from_secs(60);

/// Whether a new object may be made.
#[derive(Debug)]
pub(super) struct Crowd {
    mode: ServiceBgpStatus,
    /// How many may be made.
    left: usize,
    /// It is to be counted.
    ask: bool,
    /// The next count is not before.
    not_before: Duration,
    /// The last count left no room.
    full: bool,
    /// Those that wait for room.
    waiting: BTreeSet<ServiceKey>,
}

impl Crowd {
    pub(super) fn new(mode: ServiceBgpStatus) -> Self {
        Self { mode, left: 0, ask: false, not_before: Duration::ZERO, full: false, waiting: BTreeSet::new() }
    }

    /// Whether there are objects at all.
    pub(super) fn is_off(&self) -> bool {
        self.mode == ServiceBgpStatus::Off
    }

    /// Until when the object about a Service has to wait; `None`: it may be written.
    pub(super) fn wait(&mut self, service: &ServiceKey, exists: bool, now: Duration) -> Option<Duration> {
        if exists || self.mode == ServiceBgpStatus::On {
            return None;
        }
        if self.left > 0 {
            self.left -= 1;
            self.waiting.remove(service);
            return None;
        }
        if self.full {
            self.waiting.insert(service.clone());
        }
        self.ask |= self.not_before <= now;
        Some(self.not_before.max(now))
    }

    /// Whether it is to be counted now; answer with [`counted`](Self::counted).
    pub(super) fn take_question(&mut self) -> bool {
        std::mem::take(&mut self.ask)
    }

    /// There are so many; `None`: that can't be asked now.
    pub(super) fn counted(&mut self, count: Option<usize>, now: Duration) {
        let Some(count) = count else {
            self.not_before = now + super::ledger::RETRY;
            return;
        };
        self.left = LIMIT.saturating_sub(count).min(SHARE);
        self.full = self.left == 0;
        self.not_before = if self.full { now + AGAIN } else { now };
    }

    /// Nothing is to be said of this Service: it does not wait for room.
    pub(super) fn forget(&mut self, service: &ServiceKey) {
        self.waiting.remove(service);
    }

    /// Whether there are Services without an object for want of room.
    pub(super) fn is_crowded(&self) -> bool {
        !self.waiting.is_empty()
    }
}
