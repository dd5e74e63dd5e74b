//! Taking, keeping and giving back the Lease.
//!
//! What is known of the Lease, and what is done about it:
//!
//! | the Lease | while leading | else |
//! | --- | --- | --- |
//! | unknown, or an answer is missing | look | look |
//! | absent | create it again | create it, but not before the last holder's time is up |
//! | given back (no holder) | take it back | take it |
//! | mine | renew it, every `retry` | take it: an answer to me was lost |
//! | another's | it is over | take it when it has not changed for as long as it lasts |
//!
//! A term begins with the answer to a write of ours and lasts until `renew` after the moment in which the last
//! successful write was *begun*. Others wait for `lease` from when they *saw* it. The difference is the margin for
//! clocks that run at different speeds and for requests that are under way.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::lease::{Record, SeenLease};
use super::term::{Epoch, Term};

#[cfg(test)]
mod tests;

/// How long things last; the defaults are those of Kubernetes' own components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a Lease lasts for those who see it no longer renewed. Whole seconds.
    pub lease: Duration,
    /// How long the holder goes on without a renewal. Less than `lease`.
    pub renew: Duration,
    /// Between two renewals, and two attempts. Less than `renew`.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { lease: Duration::from_secs(15), renew: Duration::from_secs(10), retry: Duration::from_secs(2) }
    }
}

impl Timing {
    /// Whether the three fit together.
    ///
    /// # Errors
    /// A sentence that says which rule they break.
    pub fn check(&self) -> Result<(), String> {
        let Self { lease, renew, retry } = self;
        if lease.subsec_nanos() != 0 || lease.is_zero() || i32::try_from(lease.as_secs()).is_err() {
            return Err(format!("--leader-elect-lease-duration {lease:?} must be whole seconds, at least 1s"));
        }
        if renew >= lease {
            return Err(format!(
                "--leader-elect-renew-deadline {renew:?} must be less than --leader-elect-lease-duration {lease:?}"
            ));
        }
        if retry.is_zero() || retry.saturating_mul(2) > *renew {
            return Err(format!(
                "--leader-elect-retry-period {retry:?} must be positive and at most half of \
                 --leader-elect-renew-deadline {renew:?}"
            ));
        }
        Ok(())
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing before this time, unless the Lease is seen to change.
    Wait(Duration),
    /// Read the Lease, and tell by [`Elector::looked`].
    Look,
    /// Write the Lease, and tell by [`Elector::wrote`].
    Write {
        /// What is to stand in it.
        record: Record,
        /// The version that it replaces; `None`: create it.
        version: Option<String>,
    },
}

/// Why a write of the Lease failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It has changed, or exists, or does not: surely nothing was written.
    Conflict,
    /// Nobody knows; it may have been written.
    Unknown,
}

/// One of several that would lead.
#[derive(Debug)]
pub struct Elector {
    me: String,
    timing: Timing,
    state: State,
    /// The Lease as it was seen last. What it says may be out of date by now; `state` knows.
    seen: Option<SeenLease>,
    /// When the time of the last other holder that was seen is up.
    others_until: Duration,
    leading: Option<Term>,
    /// When to look, try or renew again.
    next: Duration,
}

/// What is known of the Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing to rely on.
    Unknown,
    /// There is none.
    Absent,
    /// It is as it was seen last.
    There,
}

impl Elector {
    /// One that knows nothing yet. `me` must be a name that nobody else has, nor had before a restart.
    #[must_use]
    pub fn new(me: String, timing: Timing) -> Self {
        let (others_until, next) = (Duration::ZERO, Duration::ZERO);
        Self { me, timing, state: State::Unknown, seen: None, others_until, leading: None, next }
    }

    /// The term under way.
    #[must_use]
    pub fn term(&self, now: Duration) -> Option<&Term> {
        self.leading.as_ref().filter(|term| now < term.until)
    }

    /// Who has the Lease, as far as is known.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.seen.as_ref().map(|seen| seen.record.holder.as_str()).filter(|holder| !holder.is_empty())
    }

    /// What to do now. `wall` is what a person may read in the Lease.
    pub fn act(&mut self, now: Duration, wall: Timestamp) -> Action {
        if self.term(now).is_none() {
            self.leading = None;
        }
        let at = if self.waits_for_others() { self.next.max(self.others_until) } else { self.next };
        if now < at {
            // A term that runs out meanwhile is worth waking up for.
            return Action::Wait(self.leading.as_ref().map_or(at, |term| term.until.min(at)));
        }
        let seen = self.seen.as_ref().filter(|_| self.state == State::There);
        match (self.state, seen) {
            (State::Unknown, _) => Action::Look,
            (_, None) => Action::Write { record: self.claim(None, wall), version: None },
            (_, Some(seen)) => {
                Action::Write { record: self.claim(Some(&seen.record), wall), version: Some(seen.version.clone()) }
            }
        }
    }

    /// The watch says how the Lease stands; `None`: it was deleted. What is older than an answer of the server is
    /// passed over.
    pub fn observe(&mut self, seen: Option<SeenLease>, now: Duration) {
        match (&self.seen, seen) {
            // A deletion carries no version to compare, so it may be long past.
            (Some(_), None) => self.doubt(now),
            (Some(latest), Some(seen)) if seen.is_older_than(latest) => {}
            (_, seen) => self.take_in(seen, now),
        }
    }

    /// The Lease was read; `None`: it could not be.
    pub fn looked(&mut self, seen: Option<Option<SeenLease>>, now: Duration) {
        match seen {
            Some(seen) => self.take_in(seen, now),
            None => self.next = now + self.timing.retry,
        }
    }

    /// A write that was begun at `begun` came to its end; `Ok` with how the Lease stands now.
    pub fn wrote(&mut self, outcome: Result<SeenLease, Failure>, begun: Duration, now: Duration) {
        match outcome {
            Ok(seen) => {
                let epoch = match self.term(now) {
                    Some(term) => term.epoch.clone(),
                    None => Epoch::new(seen.version.as_str()),
                };
                self.leading = Some(Term { epoch, until: begun + self.timing.renew });
                self.seen = Some(seen);
                self.state = State::There;
                self.next = begun + self.timing.retry;
            }
            Err(Failure::Conflict) => self.doubt(now),
            Err(Failure::Unknown) => self.doubt(now + self.timing.retry),
        }
    }

    /// What to write to give the Lease back, if it is held. Leading ends at once.
    pub fn give_back(&mut self, wall: Timestamp) -> Option<(Record, String)> {
        self.leading = None;
        let seen = self.seen.as_ref().filter(|seen| seen.record.holder == self.me)?;
        // As client-go does: no holder, and as short as it can be.
        let record = Record { holder: String::new(), seconds: 1, renewed: Some(wall), ..seen.record.clone() };
        Some((record, seen.version.clone()))
    }

    /// Whether somebody else may believe to lead.
    fn waits_for_others(&self) -> bool {
        let holder = self.seen.as_ref().map_or("", |seen| seen.record.holder.as_str());
        match self.state {
            State::Unknown => false,
            State::Absent => self.leading.is_none(),
            State::There => !holder.is_empty() && holder != self.me,
        }
    }

    /// What is known may be wrong: look at `next`.
    fn doubt(&mut self, next: Duration) {
        self.state = State::Unknown;
        self.next = next;
    }

    fn take_in(&mut self, seen: Option<SeenLease>, now: Duration) {
        let Some(seen) = seen else {
            self.state = State::Absent;
            return;
        };
        let changed = self.seen.as_ref().is_none_or(|latest| latest.record != seen.record);
        if seen.record.holder.is_empty() {
            // Given back: nobody believes to have it.
            self.others_until = now;
        } else if seen.record.holder != self.me {
            self.leading = None;
            if changed {
                self.others_until = now + seen.record.duration();
            }
        }
        self.state = State::There;
        self.seen = Some(seen);
    }

    fn claim(&self, before: Option<&Record>, wall: Timestamp) -> Record {
        let mine = before.is_some_and(|record| record.holder == self.me);
        let transitions = before.map_or(0, |record| record.transitions);
        Record {
            holder: self.me.clone(),
            seconds: i32::try_from(self.timing.lease.as_secs()).unwrap_or(i32::MAX),
            transitions: if mine || before.is_none() { transitions } else { transitions.saturating_add(1) },
            acquired: if mine { before.and_then(|record| record.acquired) } else { Some(wall) },
            renewed: Some(wall),
        }
    }
}
