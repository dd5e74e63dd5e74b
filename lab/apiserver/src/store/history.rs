//! What happened to a collection's objects.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Object;

/// One write, seen by watchers.
#[derive(Debug)]
pub(crate) struct Event {
    /// The write's revision.
    pub(crate) revision: u64,
    /// Key inside the collection.
    pub(crate) key: String,
    /// Content after the write; for a deletion the last content, at the deletion's revision.
    pub(crate) object: Arc<Object>,
    /// Content before the write; absent for a creation.
    pub(crate) previous: Option<Arc<Object>>,
    /// Whether the write was a deletion.
    pub(crate) deleted: bool,
}

/// The revision asked for is older than what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOld {
    /// The oldest revision that may be asked for.
    pub(crate) oldest: u64,
}

/// A bounded queue of events, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    events: VecDeque<Arc<Event>>,
    /// Events up to this revision have been dropped.
    dropped: u64,
}

impl History {
    pub(super) fn push(&mut self, event: Event, limit: usize) {
        while self.events.len() >= limit {
            if let Some(old) = self.events.pop_front() {
                self.dropped = old.revision;
            }
        }
        self.events.push_back(Arc::new(event));
    }

    /// Up to `max` events with a revision above `after`.
    pub(super) fn after(&self, after: u64, max: usize) -> Result<Vec<Arc<Event>>, TooOld> {
        if after < self.dropped {
            return Err(TooOld { oldest: self.dropped });
        }
        let start = self.events.partition_point(|e| e.revision <= after);
        Ok(self.events.iter().skip(start).take(max).cloned().collect())
    }
}
