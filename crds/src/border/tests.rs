mod bgp;

use std::collections::BTreeMap;

use herald_compiler::object::Objects;
use herald_compiler::verdict::{self, ConditionType, Kind, Reason, Verdict};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::{conditions, conditions_differ, counter, l2_advertisement, namespace, pool};
use crate::{IPAddressPool, L2Advertisement};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn every_field_of_a_pool_crosses() {
    let read: IPAddressPool = serde_json::from_value(json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {
            "name": "pool", "uid": "u-1", "generation": 3,
            "creationTimestamp": "1970-01-01T00:01:40Z",
            "labels": {"site": "north"},
        },
        "spec": {
            "addresses": ["192.0.2.0/24"],
            "autoAssign": false,
            "avoidBuggyIPs": true,
            "serviceAllocation": {
                "priority": 7,
                "namespaces": ["shop"],
                "namespaceSelectors": [{"matchLabels": {"team": "a"}}],
                "serviceSelectors": [{"matchExpressions": [
                    {"key": "app", "operator": "In", "values": ["web"]},
                ]}],
            },
            "herald": {"maxPerNamespace": 5},
        },
    }))
    .unwrap();
    let pool = pool(&read);
    assert_eq!(pool.max_per_namespace, Some(5));
    assert_eq!(pool.meta.name, "pool");
    assert_eq!((pool.meta.uid.as_str(), pool.meta.generation), ("u-1", 3));
    assert_eq!(pool.meta.created, 100);
    assert_eq!(pool.meta.labels, BTreeMap::from([("site".into(), "north".into())]));
    assert_eq!(pool.addresses, ["192.0.2.0/24"]);
    assert!(!pool.auto_assign && pool.avoid_buggy_ips);
    let allocation = pool.service_allocation.unwrap();
    assert_eq!((allocation.priority, allocation.namespaces), (7, vec!["shop".into()]));
    assert_eq!(allocation.namespace_selectors[0].match_labels["team"], "a");
    let term = &allocation.service_selectors[0].match_expressions[0];
    assert_eq!((term.key.as_str(), term.operator.as_str()), ("app", "In"));
    assert_eq!(term.values, ["web"]);
}

#[test]
fn defaults_are_the_schemas() {
    let read: IPAddressPool = serde_json::from_value(json!({
        "metadata": {"name": "pool"},
        "spec": {"addresses": ["192.0.2.0/24"]},
    }))
    .unwrap();
    let pool = pool(&read);
    assert!(pool.auto_assign && !pool.avoid_buggy_ips);
    assert_eq!(pool.service_allocation, None);
}

#[test]
fn every_field_of_an_advertisement_crosses() {
    let read: L2Advertisement = serde_json::from_value(json!({
        "metadata": {"name": "l2adv"},
        "spec": {
            "ipAddressPools": ["a"],
            "ipAddressPoolSelectors": [{"matchLabels": {"k": "pool"}}],
            "nodeSelectors": [{"matchLabels": {"k": "node"}}],
            "interfaces": ["eth0"],
            "serviceSelectors": [{"matchLabels": {"k": "service"}}],
            "preferredNodeSelectors": [
                {"weight": 9, "preference": {"matchLabels": {"k": "preferred"}}},
            ],
        },
    }))
    .unwrap();
    let advertisement = l2_advertisement(&read);
    assert_eq!(advertisement.ip_address_pools, ["a"]);
    assert_eq!(advertisement.interfaces, ["eth0"]);
    let label = |selectors: &[herald_compiler::object::LabelSelector]| selectors[0].match_labels["k"].clone();
    assert_eq!(label(&advertisement.ip_address_pool_selectors), "pool");
    assert_eq!(label(&advertisement.node_selectors), "node");
    assert_eq!(label(&advertisement.service_selectors), "service");
    let preferred = &advertisement.preferred_node_selectors[0];
    assert_eq!(preferred.weight, 9);
    assert_eq!(preferred.preference.match_labels["k"], "preferred");
}

#[test]
fn namespaces_cross_as_metadata() {
    let metadata = serde_json::from_value(json!({"name": "shop", "labels": {"team": "a"}}));
    let namespace = namespace(&metadata.unwrap());
    assert_eq!(namespace.name, "shop");
    assert_eq!(namespace.labels["team"], "a");
}

#[test]
fn what_no_schema_allows_still_reaches_the_compiler() {
    let read: IPAddressPool = serde_json::from_value(json!({
        "metadata": {"name": "pool"},
        "spec": {"serviceAllocation": {"serviceSelectors": [
            {"matchExpressions": [{"key": "k", "operator": "Equals"}]},
        ]}},
    }))
    .unwrap();
    let compilation = herald_compiler::compile(&Objects { pools: vec![pool(&read)], ..Objects::default() });
    assert!(!compilation.verdicts[0].is_accepted());
}

fn verdict(status: bool, reason: Reason) -> Verdict {
    Verdict {
        kind: Kind::IpAddressPool,
        name: "pool".into(),
        uid: "u-1".into(),
        generation: 4,
        conditions: vec![verdict::Condition { kind: ConditionType::Accepted, status, reason, message: "words".into() }],
    }
}

#[test]
fn transition_time_stays_while_the_status_does() {
    let first = conditions(&verdict(true, Reason::Accepted), &[], at(10));
    assert_eq!(first[0].type_, "Accepted");
    assert_eq!((first[0].status.as_str(), first[0].reason.as_str()), ("True", "Accepted"));
    assert_eq!(first[0].observed_generation, Some(4));
    assert_eq!(first[0].last_transition_time, Time(at(10)));

    let same = conditions(&verdict(true, Reason::Accepted), &first, at(20));
    assert!(!conditions_differ(&same, &first));

    let flipped = conditions(&verdict(false, Reason::Overlap), &first, at(30));
    assert_eq!(flipped[0].last_transition_time, Time(at(30)));
    assert!(conditions_differ(&flipped, &first));

    let other_reason = conditions(&verdict(false, Reason::InvalidAddresses), &flipped, at(40));
    assert_eq!(other_reason[0].last_transition_time, Time(at(30)));
    assert!(conditions_differ(&other_reason, &flipped));
}

#[test]
fn conditions_of_others_stay_and_ours_that_ended_go() {
    let condition = |type_: &str| Condition {
        type_: type_.into(),
        status: "True".into(),
        reason: "Because".into(),
        message: String::new(),
        last_transition_time: Time(at(1)),
        observed_generation: None,
    };
    let current = [condition("example.com/Watched"), condition("Conflicted")];
    let wanted = conditions(&verdict(true, Reason::Accepted), &current, at(10));
    let types: Vec<_> = wanted.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["Accepted", "example.com/Watched"]);
    assert!(conditions_differ(&wanted, &current));
    let reordered: Vec<_> = wanted.iter().rev().cloned().collect();
    assert!(!conditions_differ(&reordered, &wanted));
}

#[test]
fn a_message_is_never_longer_than_the_schema_takes() {
    let mut wordy = verdict(false, Reason::InvalidAddresses);
    wordy.conditions[0].message = "é".repeat(100_000);
    let written = conditions(&wordy, &[], at(10));
    assert_eq!(written[0].message.chars().count(), 32_768);
    assert!(!conditions_differ(&conditions(&wordy, &written, at(20)), &written));
}

#[test]
fn counters_saturate() {
    assert_eq!(counter(11), 11);
    assert_eq!(counter(u128::MAX), i64::MAX);
}
