//! From objects to their meaning: check each object alone, settle overlaps, resolve references.

mod advertisement;
mod aggregation;
mod bgp_advertisement;
mod community;
mod dispute;
mod overlap;
mod peer;
mod pool;
mod selection;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::{BfdProfile, Bgp, Config};
use crate::object::{self, ObjectMeta, Objects};
use crate::verdict::{Condition, ConditionType, Kind, Reason, Verdict};

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
/// younger one does not hand it out. Likewise of two advertisements that say something else of one
/// route, and of two objects that give one name to different communities. The order of `objects`
/// has no influence.
#[must_use]
pub fn compile(objects: &Objects) -> Compilation {
    let Objects { pools, l2_advertisements, bgp_peers, bgp_advertisements, communities, bfd_profiles, namespaces } =
        objects;
    let (pools, mut verdicts) = pool::compile(pools, namespaces);
    let (l2_advertisements, l2_verdicts) = advertisement::compile(l2_advertisements, &pools);
    verdicts.extend(l2_verdicts);
    let (aliases, community_verdicts) = community::compile(communities);
    let (advertisements, advertisement_verdicts) =
        bgp_advertisement::compile(bgp_advertisements, &pools, bgp_peers, &aliases);
    verdicts.extend(advertisement_verdicts);
    let bfd_profiles = profiles(bfd_profiles);
    let (peers, peer_verdicts) = peer::compile(bgp_peers, &bfd_profiles);
    verdicts.extend(peer_verdicts);
    verdicts.extend(community_verdicts);
    let bgp = Bgp { peers, advertisements, bfd_profiles };
    Compilation { config: Arc::new(Config::new(pools, l2_advertisements, bgp)), verdicts }
}

/// BFD profiles, by name.
fn profiles(written: &[object::BfdProfile]) -> Vec<BfdProfile> {
    let profile = |one: &object::BfdProfile| BfdProfile { name: one.meta.name.clone(), settings: one.settings.clone() };
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by(|a, b| by_name(&a.meta, &b.meta));
    written.into_iter().map(profile).collect()
}

/// Of two objects that can't both have their way the one that sorts first has it. Names are unique; the UID
/// only makes the order total for input that no API server would give.
fn seniority(meta: &ObjectMeta) -> (i64, String, String) {
    (meta.created, meta.name.clone(), meta.uid.clone())
}

fn by_name(a: &ObjectMeta, b: &ObjectMeta) -> std::cmp::Ordering {
    (&a.name, &a.uid).cmp(&(&b.name, &b.uid))
}

fn verdict(kind: Kind, meta: &ObjectMeta, conditions: Vec<Condition>) -> Verdict {
    Verdict { kind, name: meta.name.clone(), uid: meta.uid.clone(), generation: meta.generation, conditions }
}

/// Why an object is left out. Also the sentence for its `Accepted` condition.
struct Refusal {
    reason: Reason,
    message: String,
}

impl Refusal {
    /// `Accepted`, and `ResolvedRefs` too if what is missing is another object.
    fn conditions(self) -> Vec<Condition> {
        let Self { reason, message } = self;
        let condition = |kind| Condition { kind, status: false, reason, message: message.clone() };
        let kinds: &[_] = match reason {
            Reason::CommunityNotFound => &[ConditionType::Accepted, ConditionType::ResolvedRefs],
            _ => &[ConditionType::Accepted],
        };
        kinds.iter().copied().map(condition).collect()
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
