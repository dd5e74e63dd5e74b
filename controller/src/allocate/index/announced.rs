//! The condition `metallb.io/Announced`: jobs of their own, behind all others.

use std::time::Duration;

use super::Index;
use crate::allocate::entry::State;
use crate::allocate::job::{AnnouncedWrite, ConditionChange, Job, Written};
use crate::announced::board::Look;
use crate::announced::say;

impl Index {
    /// Conditions to write, if not more than `room` of them are under way then. To be asked after [`jobs`](Self::jobs),
    /// which come first.
    pub fn announced_jobs(&mut self, room: usize, now: Duration) -> Vec<Job> {
        let mut jobs = Vec::new();
        if !self.started || self.missing().is_some() {
            return jobs;
        }
        self.announced.begin(room);
        while let Some(key) = self.announced.next(now) {
            let Some(entry) = self.services.get(&key) else {
                self.announced.forget(&key);
                continue;
            };
            let seen = &entry.seen;
            if !self.is_ours(seen) || seen.deleting {
                continue;
            }
            if entry.state != State::Settled {
                // A write under way brings another version in a moment.
                self.announced.touch(&key, now);
                continue;
            }
            let wanted = match self.announced.look(seen, self.objects.config(), now) {
                Look::Fine => continue,
                Look::Remove => None,
                Look::Write(condition) => Some(condition),
            };
            let notice = wanted.as_ref().and_then(|wanted| say::notice(seen, wanted));
            let change = wanted.map(|condition| ConditionChange {
                transition: seen.announced.as_ref().is_none_or(|before| before.status != condition.status),
                condition,
            });
            let resource_version = seen.resource_version.clone();
            jobs.push(Job::Announced(AnnouncedWrite { key, resource_version, change, notice }));
        }
        jobs
    }

    /// When to ask for [`announced_jobs`](Self::announced_jobs) again though nothing happened.
    #[must_use]
    pub fn announced_deadline(&self) -> Option<Duration> {
        if self.started && self.missing().is_none() { self.announced.deadline() } else { None }
    }

    /// How many conditions are being written.
    #[must_use]
    pub fn announced_busy(&self) -> usize {
        self.announced.busy()
    }

    pub(super) fn announced_done(&mut self, write: AnnouncedWrite, outcome: Written, now: Duration) {
        let AnnouncedWrite { key, notice, .. } = write;
        let stands = match outcome {
            Written::Stands(seen) => {
                self.notices.extend(notice);
                self.answered(*seen, now);
                true
            }
            // A newer version is about to be seen, and looked at.
            Written::Conflict => {
                self.counted.conflicts += 1;
                true
            }
            Written::Gone => true,
            Written::Unknown(_) => {
                self.counted.failures += 1;
                false
            }
        };
        self.announced.done(&key, stands, now);
    }
}
