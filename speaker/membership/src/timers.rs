//! What is to happen when.

use std::sync::Arc;
use std::time::Duration;

use crate::identity::Identity;

/// Something to do at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// foca asked to be woken.
    Swim(foca::Timer<Identity>),
    /// Ask a suspect directly to prove itself.
    Prod(Identity),
    /// Somebody else's verdict on this node has waited long enough.
    Doubt(Arc<str>),
    /// Announce to listed nodes that are not alive.
    Announce,
    /// Send facts again to those that have not acknowledged them.
    Push,
    /// Ask for the heartbeats of those we watch.
    Ask,
    /// Send heartbeats to those that watch us.
    Beat,
    /// See whether somebody we watch has missed its heartbeats.
    Watch,
    /// See whether we are alone for long.
    Alone,
    /// See whether start-up silence is over.
    Start,
    /// Stop waiting for acknowledgements.
    Leave,
}

impl Timer {
    /// Whether it leads to a verdict on a peer. Such timers wait when we ourselves were late.
    fn judges(&self) -> bool {
        matches!(self, Self::Swim(_) | Self::Prod(_) | Self::Doubt(_))
    }

    /// Order among timers that are due together: foca wants the end of a probe's direct stage before the next probe.
    fn order(&self) -> u8 {
        match self {
            Self::Swim(foca::Timer::SendIndirectProbe { .. }) => 0,
            Self::Swim(foca::Timer::ProbeRandomMember(_)) => 1,
            _ => 2,
        }
    }
}

/// A timer that is set.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) due: Duration,
    /// When it was set.
    pub(crate) since: Duration,
    pub(crate) timer: Timer,
    /// It was put off once because we were late, and will not be again.
    deferred: bool,
}

/// All timers. There are a few per member, so a list is enough.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    entries: Vec<Entry>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, since: Duration, after: Duration) {
        self.entries.push(Entry { due: since + after, since, timer, deferred: false });
    }

    /// Sets a timer of which there is one at most; an earlier date stands.
    pub(crate) fn set_once(&mut self, timer: Timer, since: Duration, after: Duration) {
        let due = since + after;
        match self.entries.iter_mut().find(|e| e.timer == timer) {
            Some(entry) => entry.due = entry.due.min(due),
            None => self.set(timer, since, after),
        }
    }

    pub(crate) fn remove(&mut self, unwanted: impl Fn(&Timer) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|e| !unwanted(&e.timer));
        before - self.entries.len()
    }

    pub(crate) fn contains(&self, wanted: impl Fn(&Timer) -> bool) -> bool {
        self.entries.iter().any(|e| wanted(&e.timer))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.entries.iter().map(|e| e.due).min()
    }

    /// Takes the first timer that is due.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<Entry> {
        let (at, _) = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, e)| e.due <= now)
            .min_by_key(|(_, e)| (e.due, e.timer.order(), e.since))?;
        Some(self.entries.swap_remove(at))
    }

    /// We were not running for `late`: to a judging timer that time did not pass. Those that are due are put off by
    /// `pause`, so that answers that wait in the socket are read first, but only once, so that being always late does
    /// not mean never judging.
    pub(crate) fn stand_still(&mut self, now: Duration, late: Duration, pause: Duration) {
        for entry in self.entries.iter_mut().filter(|e| e.timer.judges() && !e.deferred) {
            if entry.due <= now {
                entry.due = now + pause;
                entry.deferred = true;
            } else {
                entry.due += late;
            }
        }
    }
}
