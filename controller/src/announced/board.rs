//! Whose condition is to be looked at, and when: coalesced, paced, and behind everything else.
//!
//! An address that moves between nodes changes two or three objects within milliseconds, and when a node fails
//! thousands move at once. So a Service is looked at [`SETTLE`] after the first news about it, written at most once
//! in [`PACE`], and all of them together with [`SPACING`] between two writes. Nobody waits for this condition.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herald_compiler::Config;
use herald_ipam::ServiceKey;
use herald_runtime::watch::Change;

use super::reports::Reports;
use super::say::{Saying, not_yet_reported, say};
use crate::watch::{AnnouncedCondition, SeenReport, SeenService};

/// From the first change to the look at it.
const SETTLE: Duration = Duration::from_millis(500);
/// Between two writes of one Service.
const PACE: Duration = Duration::from_secs(1);
/// Between two writes of any: 50 a second.
const SPACING: Duration = Duration::from_millis(20);
/// After a pause, so many spacings' worth of writes may go out at once.
const BURST: u32 = 10;
/// Until a failed write is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How long no speaker must have said anything before that is said.
pub const SILENCE: Duration = Duration::from_secs(10);
/// Services looked at in one go; the rest a moment later, so that nothing else waits.
const LOOKS: usize = 256;

/// Whose condition is to be looked at, and when.
#[derive(Debug, Default)]
pub struct Board {
    reports: Reports,
    routes: Reports,
    /// The same in both: when to look at a Service.
    order: BTreeSet<(Duration, ServiceKey)>,
    at: BTreeMap<ServiceKey, Duration>,
    /// Not to be written before; only of those written lately.
    paced: BTreeMap<ServiceKey, Duration>,
    /// Since when nothing is said about a Service that should be announced.
    silent: BTreeMap<ServiceKey, Duration>,
    busy: BTreeSet<ServiceKey>,
    /// When the next write may go out.
    next_write: Duration,
    /// How many may be under way.
    room: usize,
    looks: usize,
}

/// What to do about a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its condition is as it should be, as far as is known now.
    Fine,
    /// It has one and should have none.
    Remove,
    /// It should say this.
    Write(AnnouncedCondition),
}

impl Board {
    /// Something happened to ServiceL2Status objects.
    pub fn observe(&mut self, change: Change<SeenReport>, now: Duration) {
        for service in self.reports.follow(change) {
            self.touch(&service, now);
        }
    }

    /// Something happened to ServiceBGPStatus objects.
    pub fn observe_routes(&mut self, change: Change<SeenReport>, now: Duration) {
        for service in self.routes.follow(change) {
            self.touch(&service, now);
        }
    }

    /// Something is new about a Service.
    pub fn touch(&mut self, service: &ServiceKey, now: Duration) {
        self.look_at(service, now + SETTLE);
    }

    /// There is no such Service (any more).
    pub fn forget(&mut self, service: &ServiceKey) {
        if let Some(at) = self.at.remove(service) {
            self.order.remove(&(at, service.clone()));
        }
        self.paced.remove(service);
        self.silent.remove(service);
    }

    /// Begins a round of looks, after which at most `room` writes may be under way.
    pub fn begin(&mut self, room: usize) {
        self.room = room;
        self.looks = LOOKS;
    }

    fn is_listed(&self) -> bool {
        self.reports.is_listed() && self.routes.is_listed()
    }

    /// The next Service to look at. Nothing before all that speakers say was seen.
    pub fn next(&mut self, now: Duration) -> Option<ServiceKey> {
        let may_write = self.is_listed() && self.busy.len() < self.room && self.next_write <= now;
        if !may_write || self.looks == 0 || self.order.first().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        self.looks -= 1;
        let (_, service) = self.order.pop_first()?;
        self.at.remove(&service);
        Some(service)
    }

    /// When to ask for the [`next`](Self::next) one again though nothing happened.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let may_write = self.is_listed() && self.busy.len() < self.room;
        self.order.first().filter(|_| may_write).map(|(at, _)| (*at).max(self.next_write))
    }

    /// How many writes are under way.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.busy.len()
    }

    /// Looks at a Service. If there is something to write, the write is under way from now on.
    pub fn look(&mut self, seen: &SeenService, config: &Config, now: Duration) -> Look {
        let service = seen.key();
        if self.busy.contains(service) {
            return Look::Fine; // it is looked at again when that is done
        }
        if let Some(at) = self.paced.get(service).copied() {
            if at > now {
                self.look_at(service, at);
                return Look::Fine;
            }
            self.paced.remove(service);
        }
        let saying = say(seen, config, self.reports.of(service).chain(self.routes.of(service)));
        let wanted = match saying {
            Saying::Silence => {
                let until = *self.silent.entry(service.clone()).or_insert(now) + SILENCE;
                if until > now {
                    self.look_at(service, until);
                    return Look::Fine;
                }
                Some(not_yet_reported())
            }
            Saying::Nothing => None,
            Saying::Condition(condition) => Some(condition),
        };
        if wanted.as_ref().is_none_or(|wanted| *wanted != not_yet_reported()) {
            self.silent.remove(service);
        }
        if wanted == seen.announced {
            return Look::Fine;
        }
        self.busy.insert(service.clone());
        self.paced.insert(service.clone(), now + PACE);
        self.next_write = self.next_write.max(now.saturating_sub(SPACING * BURST)) + SPACING;
        wanted.map_or(Look::Remove, Look::Write)
    }

    /// A write was done; it stands, or has to be tried again.
    pub fn done(&mut self, service: &ServiceKey, stands: bool, now: Duration) {
        self.busy.remove(service);
        self.look_at(service, now + if stands { SETTLE } else { RETRY });
    }

    /// Looks at a Service at this time, or before.
    fn look_at(&mut self, service: &ServiceKey, at: Duration) {
        let at = match self.at.get(service) {
            Some(known) if *known <= at => return,
            Some(known) => {
                self.order.remove(&(*known, service.clone()));
                at
            }
            None => at,
        };
        self.at.insert(service.clone(), at);
        self.order.insert((at, service.clone()));
    }
}

#[cfg(test)]
mod tests;
