//! Who asks for what, and how often: what measurements of idle costs go by.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests of one kind, since the server's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Who made them: `admin`, `system:serviceaccount:ns:name`.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The kind's plural: `services`, `leases`.
    pub resource: String,
    /// How many.
    pub count: u64,
}

impl Requests {
    /// Whether they were to change something.
    #[must_use]
    pub fn are_writes(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// Counts requests. It has an entry per user, verb and resource that is served, however many requests there are.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<[String; 3], u64>>,
}

impl Tally {
    pub(crate) fn count(&self, user: &str, verb: &str, resource: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry([user, verb, resource].map(str::to_owned)).or_default() += 1;
    }

    pub(crate) fn all(&self) -> Vec<Requests> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |([user, verb, resource], count): (&[String; 3], &u64)| Requests {
            user: user.clone(),
            verb: verb.clone(),
            resource: resource.clone(),
            count: *count,
        };
        counts.iter().map(one).collect()
    }
}
