//! The bodies, byte for byte.

use std::net::IpAddr;

use herald_compiler::verdict::{self, ConditionType, Kind, Reason, Verdict};

use super::*;
use crate::allocate::ConditionChange;
use crate::watch::AllocatedCondition;

fn time() -> Timestamp {
    "2024-01-01T00:00:00.123456Z".parse().unwrap()
}

fn condition(transition: bool) -> ConditionChange {
    let condition = AllocatedCondition { status: true, reason: "Allocated".into(), message: "m".into() };
    ConditionChange { condition, transition }
}

#[test]
fn a_new_service_in_one_patch() {
    let addresses = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap());
    let change = ServiceChange {
        ingress: Some(addresses.into()),
        pool: Some(Some("p".into())),
        condition: Some(condition(true)),
        reallocated: false,
        epoch: None,
    };
    assert_eq!(
        service(&change, "7", time()),
        json!({
            "metadata": {"resourceVersion": "7", "annotations": {"metallb.io/ip-allocated-from-pool": "p"}},
            "status": {
                "loadBalancer": {"ingress": [
                    {"ip": "192.0.2.1", "ipMode": "VIP"},
                    {"ip": "2001:db8::1", "ipMode": "VIP"},
                ]},
                "conditions": [{
                    "type": "metallb.io/Allocated", "status": "True", "reason": "Allocated", "message": "m",
                    "lastTransitionTime": "2024-01-01T00:00:00Z",
                }],
            },
        })
    );
}

#[test]
fn only_what_changes_is_said_and_a_time_only_with_a_transition() {
    let words = ServiceChange { condition: Some(condition(false)), ..ServiceChange::default() };
    let patch = service(&words, "7", time());
    assert_eq!(patch["metadata"], json!({"resourceVersion": "7"}));
    assert_eq!(patch["status"].as_object().unwrap().len(), 1);
    assert_eq!(patch["status"]["conditions"][0].get("lastTransitionTime"), None);

    let cleared = ServiceChange { ingress: Some(vec![]), pool: Some(None), ..ServiceChange::default() };
    assert_eq!(
        service(&cleared, "7", time()),
        json!({
            "metadata": {"resourceVersion": "7", "annotations": {"metallb.io/ip-allocated-from-pool": null}},
            "status": {"loadBalancer": {"ingress": null}},
        })
    );
}

#[test]
fn a_touch_says_nothing_but_the_term() {
    let touch = ServiceChange { epoch: Some(Some(Epoch::new("17"))), ..ServiceChange::default() };
    let annotations = json!({"metallb.io/allocator-epoch": "17"});
    assert_eq!(service(&touch, "7", time()), json!({"metadata": {"resourceVersion": "7", "annotations": annotations}}));
    let off = ServiceChange { epoch: Some(None), ..ServiceChange::default() };
    assert_eq!(service(&off, "7", time())["metadata"]["annotations"], json!({"metallb.io/allocator-epoch": null}));
}

#[test]
fn a_request_to_be_moved_goes_with_the_write_that_answers_it() {
    let moved = ServiceChange { pool: Some(Some("q".into())), reallocated: true, ..ServiceChange::default() };
    let annotations = json!({"metallb.io/ip-allocated-from-pool": "q", "metallb.io/reallocate": null});
    assert_eq!(service(&moved, "7", time())["metadata"]["annotations"], annotations);
}

#[test]
fn a_configuration_state_changes_its_time_with_its_status_only() {
    let outlook = |status, message: &str| Outlook {
        result: "Valid",
        summary: String::new(),
        status,
        reason: "Reconciled",
        message: message.into(),
    };
    let new = new_state();
    assert_eq!(new.metadata.name.as_deref(), Some("controller"));
    assert_eq!(new.metadata.labels.unwrap()["metallb.io/component-type"], "controller");
    assert_eq!(new.metadata.owner_references, None);
    let first = state(&outlook(true, "a"), &[], time());
    assert_eq!(first["status"]["errorSummary"], Value::Null);
    let mut before: Vec<Condition> = serde_json::from_value(first["status"]["conditions"].clone()).unwrap();
    before.push(Condition { type_: "theirs".into(), ..before[0].clone() });
    let since = |patch: &Value| patch["status"]["conditions"][0]["lastTransitionTime"].clone();
    let later = "2024-01-01T01:00:00Z".parse().unwrap();
    let words = state(&outlook(true, "b"), &before, later);
    assert_eq!((since(&words), words["status"]["conditions"][1]["type"].clone()), (since(&first), json!("theirs")));
    assert_eq!(since(&state(&outlook(false, "b"), &before, later)), json!("2024-01-01T01:00:00Z"));
}

#[test]
fn a_pools_status() {
    let accepted = verdict::Condition {
        kind: ConditionType::Accepted,
        status: true,
        reason: Reason::Accepted,
        message: "used as written".into(),
    };
    let verdict = Verdict {
        kind: Kind::IpAddressPool,
        name: "p".into(),
        uid: "u".into(),
        generation: 3,
        conditions: vec![accepted],
    };
    let counters = Counters { assigned_v4: 1, assigned_v6: 2, available_v4: 3, available_v6: i64::MAX };
    let patch = status(&StatusWrite { verdict, counters: Some(counters), before: vec![] }, time());
    assert_eq!(patch["status"]["availableIPv6"], json!(i64::MAX));
    assert_eq!(patch["status"]["assignedIPv4"], json!(1));
    assert_eq!(patch["status"]["conditions"][0]["observedGeneration"], json!(3));
}
