//! What should stand in the API about this node, and what does.
//!
//! ```text
//!   set(key, said) ──► desired ──┐  differ, and waited for long enough?
//!                                ├──────────────────────────────────────► Write::Set, Write::Remove
//!   adopt, written ──► actual  ──┘
//! ```
//!
//! One ledger for each kind of objects; how soon a change is worth a write is for what is said to say ([`Saying`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Until a failed write is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// What an object says, and how soon a change of it is worth a write.
pub(super) trait Saying: Clone {
    /// There is nothing to say: no object is needed.
    fn is_nothing(&self) -> bool {
        false
    }

    /// An object that says `actual` need not be written.
    fn stands(&self, actual: &Self) -> bool;

    /// How long this must have been so before it takes the place of `actual` (`None`: of nothing that is known).
    fn patience(&self, actual: Option<&Actual<Self>>) -> Duration;

    /// Between two writes of one object.
    fn pause(&self, _actual: &Self) -> Duration {
        Duration::ZERO
    }
}

/// The next thing to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write<K, S> {
    /// Say this of it.
    Set(K, S),
    /// Remove what this node says of it.
    Remove(K),
}

impl<K, S> Write<K, S> {
    pub(super) fn key(&self) -> &K {
        let (Self::Set(key, _) | Self::Remove(key)) = self;
        key
    }
}

/// What the API holds.
#[derive(Debug, Clone)]
pub(super) struct Actual<S> {
    /// `None`: perhaps something, who knows what.
    said: Option<S>,
    /// A predecessor wrote it, in its life or ours.
    pub(super) inherited: bool,
    /// When it was last written.
    at: Duration,
    failed: bool,
}

impl<S> Actual<S> {
    /// What it says, as far as is known.
    pub(super) fn said(&self) -> Option<&S> {
        self.said.as_ref()
    }
}

#[derive(Debug)]
struct Desired<S> {
    said: S,
    /// Since when something else is to be said than the API holds.
    since: Duration,
}

/// Compares the two and says what is to be written. A state that changes ten times before its turn is written once.
#[derive(Debug)]
pub(super) struct Ledger<K, S> {
    desired: BTreeMap<K, Desired<S>>,
    actual: BTreeMap<K, Actual<S>>,
    queue: VecDeque<K>,
    queued: BTreeSet<K>,
    /// To be queued at that time.
    later: BTreeSet<(Duration, K)>,
    /// When the first full decision was made, and then a while: what a predecessor left may be removed after it.
    settled: Option<Duration>,
}

impl<K, S> Default for Ledger<K, S> {
    fn default() -> Self {
        let (desired, actual) = (BTreeMap::new(), BTreeMap::new());
        let (queue, queued, later) = (VecDeque::new(), BTreeSet::new(), BTreeSet::new());
        Self { desired, actual, queue, queued, later, settled: None }
    }
}

impl<K: Ord + Clone, S: Saying> Ledger<K, S> {
    /// What the API holds of ours at the start; `None`: an object that says nothing (yet).
    pub(super) fn adopt(&mut self, found: impl IntoIterator<Item = (K, Option<S>)>) {
        for (key, said) in found {
            let at = Duration::ZERO;
            self.actual.insert(key.clone(), Actual { said, inherited: true, at, failed: false });
            self.enqueue(key);
        }
    }

    /// The first full decision was made: whatever is not desired by then is removed at this time.
    pub(super) fn settle(&mut self, remove_at: Duration) {
        self.settled.get_or_insert(remove_at);
    }

    /// This is to be said of it by this node; `None`: nothing.
    pub(super) fn set(&mut self, key: &K, said: Option<S>, now: Duration) {
        let before = self.desired.get(key);
        let same = match (before, &said) {
            (Some(before), Some(said)) => said.stands(&before.said),
            (None, None) => true,
            _ => false,
        };
        let Some(said) = said else {
            if !same {
                self.desired.remove(key);
                // Whoever announces it now may take ours for a dead one's.
                self.actual.entry(key.clone()).and_modify(|actual| actual.said = None);
                self.enqueue(key.clone());
            }
            return;
        };
        let actual = self.actual.get(key);
        let waits = |before: &&Desired<S>| {
            let stands = match actual {
                None => before.said.is_nothing(),
                Some(actual) => actual.said().is_some_and(|actual| before.said.stands(actual)),
            };
            !stands && before.said.patience(actual) > Duration::ZERO
        };
        let since = before.filter(waits).map_or(now, |before| before.since);
        let since = if same { before.map_or(since, |before| before.since) } else { since };
        self.desired.insert(key.clone(), Desired { said, since });
        if !same {
            self.enqueue(key.clone());
        }
    }

    /// What is to be said of anything.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.desired.keys()
    }

    /// Whether the API holds an object of ours about it, or may.
    pub(super) fn holds(&self, key: &K) -> bool {
        self.actual.contains_key(key)
    }

    /// The next write, if one is due. Tell its end with [`written`](Self::written) or [`failed`](Self::failed).
    pub(super) fn next_write(&mut self, now: Duration) -> Option<Write<K, S>> {
        self.next_of(now, |_, _| None)
    }

    /// The same. `wait` tells of a key, and of whether there is an object about it, until when it is to wait.
    pub(super) fn next_of(
        &mut self,
        now: Duration,
        mut wait: impl FnMut(&K, bool) -> Option<Duration>,
    ) -> Option<Write<K, S>> {
        let settled = self.settled?;
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            let due = self.later.pop_first();
            due.into_iter().for_each(|(_, key)| self.enqueue(key));
        }
        while let Some(key) = self.queue.pop_front() {
            self.queued.remove(&key);
            let Some((at, write)) = self.due(&key, settled) else { continue };
            let at = match &write {
                Write::Set(..) if at <= now => wait(&key, self.holds(&key)),
                _ => Some(at).filter(|at| *at > now),
            };
            match at {
                Some(at) => drop(self.later.insert((at, key))),
                None => return Some(write),
            }
        }
        None
    }

    /// What is to be written of it, and not before when.
    fn due(&self, key: &K, settled: Duration) -> Option<(Duration, Write<K, S>)> {
        let actual = self.actual.get(key);
        let again = actual.filter(|actual| actual.failed).map_or(Duration::ZERO, |actual| actual.at + RETRY);
        let Some(Desired { said, since }) = self.desired.get(key) else {
            let left = actual?.inherited.then_some(settled);
            return Some((again.max(left.unwrap_or_default()), Write::Remove(key.clone())));
        };
        let known = actual.and_then(|actual| Some((actual.said()?, actual.at)));
        if known.is_some_and(|(actual, _)| said.stands(actual)) {
            return None;
        }
        let pause = known.map_or(Duration::ZERO, |(actual, at)| at.saturating_add(said.pause(actual)));
        let at = since.saturating_add(said.patience(actual)).max(pause).max(again);
        match said.is_nothing() {
            true => actual.map(|_| (at, Write::Remove(key.clone()))),
            false => Some((at, Write::Set(key.clone(), said.clone()))),
        }
    }

    /// The write succeeded.
    pub(super) fn written(&mut self, write: Write<K, S>, now: Duration) {
        let key = match write {
            Write::Set(key, said) => {
                // Given up meanwhile: then somebody else may have removed it already.
                let said = self.desired.contains_key(&key).then_some(said);
                self.actual.insert(key.clone(), Actual { said, inherited: false, at: now, failed: false });
                key
            }
            Write::Remove(key) => {
                self.actual.remove(&key);
                key
            }
        };
        self.enqueue(key); // it may have changed again meanwhile
    }

    /// The write failed: what the API holds is not known; it is to be tried again after a while.
    pub(super) fn failed(&mut self, write: &Write<K, S>, now: Duration) {
        let key = write.key();
        self.actual.insert(key.clone(), Actual { said: None, inherited: false, at: now, failed: true });
        self.enqueue(key.clone());
    }

    fn enqueue(&mut self, key: K) {
        if self.queued.insert(key.clone()) {
            self.queue.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests;
