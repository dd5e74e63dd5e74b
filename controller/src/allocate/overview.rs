//! ConfigurationState `controller`: what this program makes of the configuration as a whole.
//!
//! ```text
//!  verdicts of all objects ──┐
//!  watches that don't work ──┼─▶ Outlook ──▶ written when it is not what the object says
//!  the object as it is ──────┘               (also when somebody deleted it, or took its label)
//! ```
//!
//! The object outlives every controller, so nobody owns it; whoever leads writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herald_compiler::verdict::{ConditionType, Reason, Verdict};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::watch::{SeenState, names};

/// From a change to the comparison.
const SETTLE: Duration = Duration::from_millis(50);
/// Between two writes.
const PACE: Duration = Duration::from_secs(1);
/// Until a failed write is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How long a watch must not have worked to be reported.
const OUTAGE: Duration = Duration::from_secs(30);
/// A watch that says nothing for so long works again: one that does not is tried more often.
const RECOVERED: Duration = Duration::from_secs(60);
/// How many objects the summary has a line for before it only counts.
const LINES: usize = 20;
/// Characters of a line.
const LINE_MAX: usize = 400;

/// What ConfigurationState is to say, and what it says.
#[derive(Debug, Default)]
pub(super) struct Overview {
    /// The object; `None` if there is none.
    seen: Option<SeenState>,
    /// It is known whether there is one.
    listed: bool,
    /// When to compare; `None` while nothing has changed.
    compare_at: Option<Duration>,
    not_before: Duration,
    busy: bool,
    outages: BTreeMap<&'static str, Outage>,
    /// Kinds that were reported as unreadable at the last comparison.
    unreadable: BTreeSet<&'static str>,
}

/// A watch that does not work.
#[derive(Debug)]
struct Outage {
    since: Duration,
    last: Duration,
    why: String,
}

/// What ConfigurationState is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// `Valid`, `Invalid`, or `Unknown` when some of it can't be read.
    pub result: &'static str,
    /// One line for each object that is not used as written. Empty: there is none.
    pub summary: String,
    /// Status of the condition `poolReconcilerValid`.
    pub status: bool,
    /// Its reason.
    pub reason: &'static str,
    /// Its message.
    pub message: String,
}

/// The write of ConfigurationState.
#[derive(Clone, Debug, PartialEq)]
pub struct StateWrite {
    /// What to say.
    pub outlook: Outlook,
    /// The object as it is; `None` if there is none.
    pub before: Option<SeenState>,
}

impl Overview {
    /// The object is like this, or is not there.
    pub(super) fn seen(&mut self, state: Option<SeenState>, now: Duration) {
        self.seen = state;
        self.listed = true;
        self.touch(now);
    }

    /// Something changed that it may have to say.
    pub(super) fn touch(&mut self, now: Duration) {
        self.compare_at.get_or_insert(now + SETTLE);
    }

    /// The watch of `kind` does not work, for this reason, or works (again).
    pub(super) fn watch(&mut self, kind: &'static str, broken: Option<&str>, now: Duration) {
        match broken {
            Some(why) => {
                let begin = || Outage { since: now, last: now, why: why.to_owned() };
                self.outages.entry(kind).or_insert_with(begin).last = now;
            }
            None => {
                self.outages.remove(kind);
            }
        }
    }

    /// Whether some watch does not work.
    pub(super) fn is_broken(&self, now: Duration) -> bool {
        self.outages.values().any(|outage| now < outage.last + RECOVERED)
    }

    /// When to ask for a write again.
    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.busy || !self.listed {
            return None;
        }
        let changes = self.outages.iter().map(|(kind, outage)| {
            if self.unreadable.contains(kind) { outage.last + RECOVERED } else { outage.since + OUTAGE }
        });
        changes.chain(self.compare_at).min()
    }

    /// The write that is due. `verdicts` is `None` while not everything has been read.
    pub(super) fn job<'a>(
        &mut self,
        verdicts: Option<impl Iterator<Item = &'a Verdict>>,
        now: Duration,
    ) -> Option<StateWrite> {
        if self.busy || !self.listed {
            return None;
        }
        self.outages.retain(|_, outage| now < outage.last + RECOVERED);
        let broken = self.outages.iter().filter(|(_, outage)| now >= outage.since + OUTAGE);
        let unreadable: BTreeSet<_> = broken.map(|(kind, _)| *kind).collect();
        if unreadable == self.unreadable && self.compare_at.is_none_or(|at| at > now) {
            return None;
        }
        if now < self.not_before {
            self.compare_at = Some(self.not_before);
            return None;
        }
        self.compare_at = None;
        self.unreadable = unreadable;
        let missing = verdicts.is_none();
        if missing && self.unreadable.is_empty() {
            // It is about to be read.
            return None;
        }
        let outlook = self.outlook(verdicts.into_iter().flatten());
        if self.seen.as_ref().is_some_and(|seen| outlook.stands_in(seen)) {
            return None;
        }
        self.busy = true;
        self.not_before = now + PACE;
        Some(StateWrite { outlook, before: self.seen.clone() })
    }

    /// The write was done; the object is like this now. `None`: it failed.
    pub(super) fn done(&mut self, written: Option<SeenState>, now: Duration) {
        self.busy = false;
        match written {
            Some(state) => self.seen = Some(state),
            None => self.not_before = now + RETRY,
        }
        self.touch(now);
    }

    fn outlook<'a>(&self, verdicts: impl Iterator<Item = &'a Verdict>) -> Outlook {
        let mut lines = Lines::default();
        for kind in &self.unreadable {
            let why = self.outages.get(kind).map_or("", |outage| outage.why.as_str());
            lines.add(format!("{kind}: can't be read, what is known may be out of date: {why}"));
        }
        let mut invalid = 0_usize;
        for verdict in verdicts {
            let Some(accepted) = verdict.condition(ConditionType::Accepted).filter(|accepted| !accepted.status) else {
                continue;
            };
            // A pool that overlaps is no mistake of its own, and does what it can.
            invalid += usize::from(accepted.reason != Reason::Overlap);
            let (kind, name, reason) = (verdict.kind.as_str(), &verdict.name, accepted.reason.as_str());
            lines.add(format!("{kind} {name}: {reason}: {}", accepted.message));
        }
        let summary = lines.text();
        let (result, status, reason, message) = if invalid > 0 {
            ("Invalid", false, "ConfigurationError", format!("configuration error: {summary}"))
        } else if !self.unreadable.is_empty() {
            ("Unknown", false, "UnknownError", format!("configuration error: {summary}"))
        } else if summary.is_empty() {
            ("Valid", true, "Reconciled", "every object is used as written".to_owned())
        } else {
            ("Valid", true, "Reconciled", format!("every object is used, but not all of it: {summary}"))
        };
        Outlook { result, summary, status, reason, message }
    }
}

impl Outlook {
    /// Whether the object says so.
    fn stands_in(&self, seen: &SeenState) -> bool {
        let status = if self.status { "True" } else { "False" };
        let says = |one: &Condition| one.status == status && one.reason == self.reason && one.message == self.message;
        seen.labelled
            && seen.result.as_deref() == Some(self.result)
            && seen.summary.as_deref().unwrap_or_default() == self.summary
            && seen.conditions.iter().any(|one| one.type_ == names::POOLS_VALID && says(one))
    }
}

/// A text of bounded length.
#[derive(Default)]
struct Lines {
    text: Vec<String>,
    more: usize,
}

impl Lines {
    fn add(&mut self, line: String) {
        if self.text.len() == LINES {
            self.more += 1;
            return;
        }
        let cut = line.char_indices().nth(LINE_MAX).map(|(end, _)| end);
        self.text.push(match cut {
            Some(end) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        });
    }

    fn text(mut self) -> String {
        if self.more > 0 {
            self.text.push(format!("and {} objects more", self.more));
        }
        self.text.join("\n")
    }
}
