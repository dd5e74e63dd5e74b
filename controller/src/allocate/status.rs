//! The status of configuration objects: written on change only, and coalesced.
//!
//! A burst of a thousand Services changes a pool's counters a thousand times. They are compared
//! [`SETTLE`] after the first change, and an object is written at most once each [`PACE`].

use std::collections::BTreeMap;
use std::time::Duration;

use herald_compiler::verdict::{self, ConditionType, Kind, Reason, Verdict};
use herald_crds::border;
use herald_ipam::Allocator;
use herald_runtime::events::{Notice, Severity};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::jiff::Timestamp;

use super::fill;
use super::job::StatusWrite;
use crate::compile::{ConfigObjects, Counters, SeenStatus};
use crate::sessions::Sessions;

/// From the first change to the comparison.
const SETTLE: Duration = Duration::from_millis(50);
/// Between two writes of one object.
const PACE: Duration = Duration::from_secs(1);
/// Until a failed write is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// What is to be written to configuration objects, and when.
#[derive(Debug)]
pub(super) struct StatusBoard {
    /// Namespace of the objects.
    namespace: String,
    /// When to compare; `None` while nothing has changed.
    compare_at: Option<Duration>,
    objects: BTreeMap<(Kind, String), Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    busy: bool,
    not_before: Duration,
    /// Events to be emitted once it is written.
    notices: Vec<Notice>,
}

impl StatusBoard {
    pub(super) fn new(namespace: String) -> Self {
        Self { namespace, compare_at: None, objects: BTreeMap::new() }
    }

    /// Something changed that may show in a status.
    pub(super) fn touch(&mut self, now: Duration) {
        self.touch_by(now + SETTLE);
    }

    /// Something changed that may show in a status, and more is to come until then.
    pub(super) fn touch_by(&mut self, at: Duration) {
        self.compare_at = Some(self.compare_at.map_or(at, |other| other.min(at)));
    }

    /// When to ask for writes again.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.compare_at
    }

    /// The writes that are due, at most `room`.
    pub(super) fn jobs(
        &mut self,
        objects: &ConfigObjects,
        allocator: &Allocator,
        sessions: &Sessions,
        room: usize,
        now: Duration,
    ) -> Vec<StatusWrite> {
        let mut writes = Vec::new();
        if room == 0 || self.compare_at.is_none_or(|at| at > now) {
            return writes;
        }
        self.compare_at = None;
        for (verdict, status) in objects.verdicts() {
            let mut verdict = verdict.clone();
            let counters = (verdict.kind == Kind::IpAddressPool).then(|| counters(allocator, &verdict.name));
            if counters.is_some() {
                verdict.conditions.extend(fill::conditions(&verdict.name, objects.config(), allocator));
            }
            if verdict.kind == Kind::BgpPeer && verdict.is_accepted() {
                verdict.conditions.extend(sessions.condition(&verdict.name));
            }
            if counters == status.counters && !lacks_conditions(&verdict, status) {
                continue;
            }
            let progress = self.objects.entry((verdict.kind, verdict.name.clone())).or_default();
            let later = if writes.len() == room { Some(now) } else { Some(progress.not_before).filter(|at| *at > now) };
            match later {
                // It is compared again when the write is done.
                _ if progress.busy => {}
                Some(at) => self.compare_at = Some(self.compare_at.map_or(at, |other| other.min(at))),
                None => {
                    progress.busy = true;
                    progress.not_before = now + PACE;
                    let news = verdict.conditions.iter().filter(|condition| is_news(condition, status));
                    progress.notices = news.map(|condition| notice(&self.namespace, &verdict, condition)).collect();
                    writes.push(StatusWrite { verdict, counters, before: status.conditions.clone() });
                }
            }
        }
        if self.objects.len() > objects.verdicts().count() {
            let known: std::collections::BTreeSet<_> =
                objects.verdicts().map(|(verdict, _)| (verdict.kind, verdict.name.as_str())).collect();
            self.objects.retain(|(kind, name), progress| progress.busy || known.contains(&(*kind, name.as_str())));
        }
        writes
    }

    /// A write was done. Returns the Events to be emitted.
    pub(super) fn done(&mut self, object: &(Kind, String), written: bool, now: Duration) -> Vec<Notice> {
        let Some(progress) = self.objects.get_mut(object) else { return Vec::new() };
        progress.busy = false;
        let notices = std::mem::take(&mut progress.notices);
        if !written {
            progress.not_before = now + RETRY;
        }
        self.touch(now);
        if written { notices } else { Vec::new() }
    }
}

fn counters(allocator: &Allocator, pool: &str) -> Counters {
    let usage = allocator.usage(pool).unwrap_or_default();
    let number = |count: u64| border::counter(count.into());
    Counters {
        assigned_v4: number(usage.assigned_v4),
        assigned_v6: number(usage.assigned_v6),
        available_v4: number(usage.available_v4),
        available_v6: number(usage.available_v6),
    }
}

/// Whether a condition is not as it should be, and that is news to somebody who reads the status. Numbers and
/// names in the words about what is in use or up change all the time; what begins or changes its reason is news.
fn is_news(condition: &verdict::Condition, status: &SeenStatus) -> bool {
    let counts =
        matches!(condition.kind, ConditionType::Exhausted | ConditionType::Retained | ConditionType::SessionsUp);
    condition.status != condition.kind.normal()
        && !status.conditions.iter().any(|before| {
            before.type_ == condition.kind.as_str()
                && (before.status == "True") == condition.status
                && before.reason == condition.reason.as_str()
                && (counts || before.message == condition.message)
        })
}

/// Whether the conditions of a status are not those of the verdict.
fn lacks_conditions(verdict: &Verdict, status: &SeenStatus) -> bool {
    // A time that is not taken over can't make a difference: only transitions take it.
    let wanted = border::conditions(verdict, &status.conditions, Timestamp::UNIX_EPOCH);
    border::conditions_differ(&wanted, &status.conditions)
}

/// An Event on the object about a condition that is not as it should be.
fn notice(namespace: &str, verdict: &Verdict, condition: &verdict::Condition) -> Notice {
    let about = ObjectReference {
        api_version: Some(format!("metallb.io/{}", verdict.kind.version())),
        kind: Some(verdict.kind.as_str().to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(verdict.name.clone()),
        uid: Some(verdict.uid.clone()),
        resource_version: None,
        field_path: None,
    };
    Notice {
        about,
        severity: match condition.reason {
            // A pool of one address that is in use is as it should be.
            Reason::AllAddressesInUse => Severity::Normal,
            _ => Severity::Warning,
        },
        reason: condition.reason.as_str(),
        action: "Compile",
        note: condition.message.clone(),
    }
}
