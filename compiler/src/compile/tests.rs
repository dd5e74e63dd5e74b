mod advertisements;
mod overlaps;
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

fn free(config: &Config, name: &str) -> Vec<String> {
    let pool = config.pool(name).unwrap();
    pool.free_ranges.iter().map(ToString::to_string).collect()
}
