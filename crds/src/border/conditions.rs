//! Verdicts as `status.conditions`.

use herald_compiler::verdict::{ConditionType, Verdict};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// The longest message that the schema takes, in characters. What an older schema let into a spec may be longer, and
/// messages name it.
const MESSAGE_MAX: usize = 32_768;

/// What `status.conditions` should be: the verdict's conditions, and those of other writers as
/// they are. Types of ours that the verdict does not have are taken off the object. `lastTransitionTime` stays while a condition's status does, else it is `now`.
#[must_use]
pub fn conditions(verdict: &Verdict, current: &[Condition], now: Timestamp) -> Vec<Condition> {
    let is_ours = |condition: &&Condition| ConditionType::ALL.iter().any(|ours| ours.as_str() == condition.type_);
    let others = current.iter().filter(|c| !is_ours(c)).cloned();
    let ours = verdict.conditions.iter().map(|wanted| {
        let type_ = wanted.kind.as_str();
        let status = if wanted.status { "True" } else { "False" };
        let since = current
            .iter()
            .find(|before| before.type_ == type_ && before.status == status)
            .map_or(Time(now), |before| before.last_transition_time.clone());
        Condition {
            type_: type_.into(),
            status: status.into(),
            reason: wanted.reason.as_str().into(),
            message: wanted.message.chars().take(MESSAGE_MAX).collect(),
            last_transition_time: since,
            observed_generation: (verdict.generation > 0).then_some(verdict.generation),
        }
    });
    ours.chain(others).collect()
}

/// True if writing `wanted` over `current` would change anything; their order would not.
#[must_use]
pub fn conditions_differ(wanted: &[Condition], current: &[Condition]) -> bool {
    wanted.len() != current.len() || wanted.iter().any(|condition| !current.contains(condition))
}
