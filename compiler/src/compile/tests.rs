mod advertisements;
mod anything;
mod bgp_advertisements;
mod communities;
mod disputes;
mod overlaps;
mod peers;
mod pools;

use super::compile;
use crate::config::Config;
use crate::object::{IpAddressPool, LabelSelector, Labels, Namespace, ObjectMeta, Objects};
use crate::verdict::{Condition, ConditionType, Kind, Verdict};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = |(key, value): &(&str, &str)| ((*key).into(), (*value).into());
    pairs.iter().map(owned).collect()
}

fn selects(pairs: &[(&str, &str)]) -> LabelSelector {
    LabelSelector { match_labels: labels(pairs), ..LabelSelector::default() }
}

fn meta(name: &str, created: i64) -> ObjectMeta {
    ObjectMeta { name: name.into(), uid: format!("uid-{name}"), created, generation: 7, labels: Labels::new() }
}

fn pool(name: &str, created: i64, addresses: &[&str]) -> IpAddressPool {
    IpAddressPool {
        meta: meta(name, created),
        addresses: addresses.iter().map(|item| (*item).into()).collect(),
        auto_assign: true,
        ..IpAddressPool::default()
    }
}

fn namespace(name: &str, pairs: &[(&str, &str)]) -> Namespace {
    Namespace { name: name.into(), labels: labels(pairs) }
}

fn pools_only(pools: Vec<IpAddressPool>) -> Objects {
    Objects { pools, ..Objects::default() }
}

fn verdict<'a>(verdicts: &'a [Verdict], kind: Kind, name: &str) -> &'a Verdict {
    let matches = |verdict: &&Verdict| verdict.kind == kind && verdict.name == name;
    verdicts.iter().find(matches).unwrap()
}

fn of_pool<'a>(verdicts: &'a [Verdict], name: &str, kind: ConditionType) -> &'a Condition {
    let verdict = verdict(verdicts, Kind::IpAddressPool, name);
    verdict.condition(kind).unwrap()
}

/// The condition `kind` of the object of this kind and name, as `status reason: message`.
fn says(verdicts: &[Verdict], object: Kind, name: &str, kind: ConditionType) -> String {
    let condition = verdict(verdicts, object, name).condition(kind);
    condition.map_or_else(|| "absent".into(), |one| format!("{} {}: {}", one.status, one.reason.as_str(), one.message))
}

fn free(config: &Config, name: &str) -> Vec<String> {
    let pool = config.pool(name).unwrap();
    pool.free_ranges.iter().map(ToString::to_string).collect()
}
