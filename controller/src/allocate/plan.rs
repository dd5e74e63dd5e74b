//! From a decision to the smallest write that makes it true.

use herald_compiler::Config;
use herald_ipam::Decision;
use herald_runtime::events::Notice;

use super::explain;
use super::job::{ConditionChange, ServiceChange};
use crate::watch::SeenService;

/// What to write so that the Service shows the decision, and the Events that go with it. Meaning
/// is compared, not bytes: the server fills in fields of its own.
pub(super) fn plan(seen: &SeenService, decision: &Decision, config: &Config) -> (ServiceChange, Vec<Notice>) {
    let pool = match decision {
        Decision::Keep { holding, .. } | Decision::Assign { holding, .. } => holding.pool.clone(),
        Decision::Pending { .. } => None,
    };
    let ingress = match decision {
        Decision::Keep { .. } | Decision::Pending { cleared: None, .. } => None,
        Decision::Assign { holding, .. } => Some(holding.addresses.clone()),
        Decision::Pending { cleared: Some(_), .. } => Some(Vec::new()),
    };
    let wanted = explain::condition(decision, config);
    let news = !seen.condition.as_ref().is_some_and(|before| explain::still_says(before, &wanted));
    let transition = seen.condition.as_ref().is_none_or(|before| before.status != wanted.status);
    let mut change = ServiceChange {
        ingress,
        pool: (pool != seen.request.recorded_pool).then_some(pool),
        condition: news.then_some(ConditionChange { condition: wanted.clone(), transition }),
        epoch: None,
        reallocated: seen.reallocate,
    };
    if change.is_empty() {
        return (change, Vec::new());
    }
    // Who has an address needs no mark any more. Not worth a write of its own.
    change.epoch = (seen.has_epoch && !decision.addresses().is_empty()).then_some(None);
    let mut notices = explain::notices(seen, decision, &wanted, news);
    notices.extend(explain::deprecations(seen));
    (change, notices)
}
