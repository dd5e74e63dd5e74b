//! How jobs went, and what follows from it.

use std::time::Duration;

use herald_ipam::ServiceKey;

use super::{Index, UNMARK_RETRY};
use crate::allocate::entry::{Entry, Source, State};
use crate::allocate::job::{Done, Fetched, ServiceWrite, Ticket, Written};
use crate::watch::SeenService;

impl Index {
    /// A job was done.
    pub fn done(&mut self, done: Done, now: Duration) {
        match done {
            Done::Write { write, outcome } => self.write_done(write, outcome, now),
            Done::Fetch { ticket, key, outcome } => self.fetch_done(ticket, &key, outcome, now),
            Done::Unmark { key, clean } => {
                if !clean && !self.services.contains_key(&key) {
                    self.counted.failures += 1;
                    self.unmark.insert(key, now + UNMARK_RETRY);
                }
            }
            Done::Announced { write, outcome } => self.announced_done(write, outcome, now),
            Done::State { written } => {
                self.counted.failures += u64::from(written.is_none());
                self.overview.done(written, now);
            }
            Done::Status { kind, name, written } => {
                let object = (kind, name);
                self.notices.extend(self.status.done(&object, written.is_some(), now));
                match written {
                    Some(status) => self.objects.wrote_status(&object, status),
                    None => self.counted.failures += 1,
                }
            }
        }
    }

    fn write_done(&mut self, write: ServiceWrite, outcome: Written, now: Duration) {
        if let Written::Stands(_) = outcome {
            // The Events are true even if the Service is gone by now.
            self.notices.extend(write.notices);
        }
        let Some(again) = self.settle(&write.key, write.ticket) else { return };
        match outcome {
            Written::Stands(seen) => {
                self.answered(*seen, now);
                if again {
                    self.queue.push(write.key);
                }
            }
            Written::Conflict => {
                self.counted.conflicts += 1;
                let changed = |entry: &Entry| entry.seen.resource_version != write.resource_version;
                if self.services.get(&write.key).is_some_and(|entry| changed(entry)) {
                    self.queue.push(write.key);
                } else {
                    self.retry(&write.key, now);
                }
            }
            // The watch is about to say so.
            Written::Gone => {}
            Written::Unknown(_) => {
                self.counted.failures += 1;
                self.retry(&write.key, now);
            }
        }
    }

    fn fetch_done(&mut self, ticket: Ticket, key: &ServiceKey, outcome: Fetched, now: Duration) {
        let Some(_) = self.settle(key, ticket) else { return };
        match outcome {
            Fetched::Found(seen) => {
                // It is the truth, also if its version is lower than a known one: then the server was
                // set back. Should the watch be ahead of it, the next write meets a conflict.
                let same = self.services.get(key).is_some_and(|entry| entry.seen.uid == seen.uid);
                if same && seen.is_load_balancer {
                    self.applied(*seen, Source::Answer, now);
                    self.services.entry(key.clone()).and_modify(|entry| entry.failures = 0);
                }
                self.queue.push(key.clone());
            }
            Fetched::Gone => {}
            Fetched::Unknown(_) => {
                self.counted.failures += 1;
                self.retry(key, now);
            }
        }
    }

    /// Takes what the server answered, unless the watch is ahead of it by now.
    pub(super) fn answered(&mut self, seen: SeenService, now: Duration) {
        let Some(entry) = self.services.get_mut(seen.key()) else { return };
        entry.failures = 0;
        let version = |text: &str| text.parse::<u64>().ok();
        let behind = version(&seen.resource_version) < version(&entry.seen.resource_version);
        if entry.seen.uid == seen.uid && !behind {
            self.applied(seen, Source::Answer, now);
        }
    }

    /// Ends a Service's job. `None` if it is not the one under way; else whether to decide again.
    fn settle(&mut self, key: &ServiceKey, done: Ticket) -> Option<bool> {
        let entry = self.services.get_mut(key)?;
        match entry.state {
            State::Busy { ticket, again } if ticket == done => {
                entry.state = State::Settled;
                Some(again)
            }
            _ => None,
        }
    }

    fn retry(&mut self, key: &ServiceKey, now: Duration) {
        if let Some(entry) = self.services.get_mut(key) {
            let at = now + entry.backoff();
            entry.state = State::Retry { at };
            self.retries.insert((at, key.clone()));
        }
    }
}
