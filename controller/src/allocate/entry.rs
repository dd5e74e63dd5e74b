//! One Service in the index, and what is going on with it.

use std::time::Duration;

use super::job::Ticket;
use crate::watch::SeenService;

/// First pause after a failed job of a Service; doubled each time.
const RETRY_MIN: Duration = Duration::from_millis(100);
/// Longest pause.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// A Service and its job.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) seen: SeenService,
    /// Where `seen` is from.
    pub(super) source: Source,
    pub(super) state: State,
    /// Jobs that failed since the last one that did not.
    pub(super) failures: u32,
}

/// Who said what is known about a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The watch.
    Watch,
    /// The answer to a request of ours; the watch may be behind it.
    Answer,
}

/// What is going on with a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Settled,
    /// A job is under way; nothing else is begun until it is done.
    Busy {
        ticket: Ticket,
        /// Something changed meanwhile: decide again afterwards.
        again: bool,
    },
    /// A job failed: ask how the Service stands at this time, unless the watch says so before.
    Retry { at: Duration },
}

impl Entry {
    pub(super) fn new(seen: SeenService) -> Self {
        Self { seen, source: Source::Watch, state: State::Settled, failures: 0 }
    }

    /// Whether `seen` says nothing newer than what is known. Only answers of ours can be ahead of
    /// the watch; what the watch says after what the watch said is always newer, also when the
    /// server's versions have gone backwards because it was restored from a backup.
    pub(super) fn is_ahead_of(&self, seen: &SeenService) -> bool {
        let version = |seen: &SeenService| seen.resource_version.parse::<u64>().ok();
        self.source == Source::Answer
            && self.seen.uid == seen.uid
            && match (version(&self.seen), version(seen)) {
                (Some(known), Some(said)) => said <= known,
                _ => self.seen.resource_version == seen.resource_version,
            }
    }

    /// How long to wait after one more failure.
    pub(super) fn backoff(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        RETRY_MIN.saturating_mul(1 << (self.failures - 1).min(16)).min(RETRY_MAX)
    }
}
