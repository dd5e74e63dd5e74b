//! From objects to their meaning: check each object alone, settle overlaps, resolve references.

mod advertisement;
mod overlap;
mod pool;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::Config;
use crate::object::Objects;
use crate::verdict::{Condition, ConditionType, Reason, Verdict};

/// What [`compile`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compilation {
    /// The meaning, shared by all who ask it.
    pub config: Arc<Config>,
    /// One verdict per object, by kind, then name.
    pub verdicts: Vec<Verdict>,
}

/// Finds out what `objects` mean.
///
/// Never fails: an object that cannot be used is left out alone, and its verdict says why. Where
/// two pools list the same address the older one (by creation time, then by name) has it and the
/// younger one does not hand it out. The order of `objects` has no influence.
#[must_use]
pub fn compile(objects: &Objects) -> Compilation {
    let Objects { pools, l2_advertisements, namespaces } = objects;
    let (pools, mut verdicts) = pool::compile(pools, namespaces);
    let (l2_advertisements, l2_verdicts) = advertisement::compile(l2_advertisements, &pools);
    verdicts.extend(l2_verdicts);
    Compilation { config: Arc::new(Config::new(pools, l2_advertisements)), verdicts }
}

/// Why an object is left out. Also the sentence for its `Accepted` condition.
struct Refusal {
    reason: Reason,
    message: String,
}

impl Refusal {
    fn condition(self) -> Condition {
        Condition { kind: ConditionType::Accepted, status: false, reason: self.reason, message: self.message }
    }
}

impl From<crate::selector::SelectorError> for Refusal {
    fn from(error: crate::selector::SelectorError) -> Self {
        use crate::selector::SelectorError;
        let reason = match error {
            SelectorError::Duplicate { .. } => Reason::DuplicateEntry,
            _ => Reason::InvalidSelector,
        };
        Self { reason, message: error.to_string() }
    }
}

/// Refuses a list of names that holds one twice.
fn check_names_once(field: &str, names: &[String]) -> Result<(), Refusal> {
    let mut seen = std::collections::BTreeSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(Refusal {
            reason: Reason::DuplicateEntry,
            message: format!("duplicate definition of {field} \"{name}\": list it once"),
        }),
    }
}

fn accepted() -> Condition {
    Condition {
        kind: ConditionType::Accepted,
        status: true,
        reason: Reason::Accepted,
        message: "used as written".into(),
    }
}
