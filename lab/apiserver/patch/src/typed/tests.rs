use super::*;
use crate::fields::FieldSet;
use proptest::prelude::*;
use serde_json::json;

fn service() -> &'static Type {
    crate::builtin("v1", "Service").expect("Service")
}

fn fields(value: Value) -> FieldSet {
    FieldSet::from_fields_v1(&value).expect("fieldsV1")
}

/// Parts of a Service in which every kind of list and map occurs, with few values so that they meet.
pub(crate) fn any_service() -> impl Strategy<Value = Value> {
    let ports = prop::collection::btree_map((1..4u16, prop_oneof!["TCP", "UDP"]), prop::option::of("[xy]"), 0..4)
        .prop_map(|ports| {
            let port = |((port, protocol), name): ((u16, String), Option<String>)| {
                let mut item = json!({"port": port, "protocol": protocol});
                if let Some(name) = name {
                    item["name"] = name.into();
                }
                item
            };
            ports.into_iter().map(port).collect::<Vec<_>>()
        })
        .prop_shuffle();
    let labels = prop::collection::btree_map("[a-c]", "[xy]", 0..3);
    let selector = prop::option::of(prop::collection::btree_map("[a-c]", "[xy]", 0..3));
    let ranges = prop::option::of(prop::collection::vec("[pq]", 0..3));
    let finalizers = prop::sample::subsequence(vec!["f", "g", "h"], 0..3).prop_shuffle();
    let kind = prop::option::of("[st]");
    (ports, labels, selector, ranges, finalizers, kind).prop_map(
        |(ports, labels, selector, ranges, finalizers, kind)| {
            let mut object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
            let mut put = |part: &str, name: &str, value: Value| {
                if !is_hollow(Some(&value)) {
                    object[part][name] = value;
                }
            };
            put("spec", "ports", ports.into());
            put("metadata", "labels", json!(labels));
            put("metadata", "finalizers", json!(finalizers));
            put("spec", "selector", json!(selector));
            put("spec", "loadBalancerSourceRanges", json!(ranges));
            put("spec", "type", json!(kind));
            object
        },
    )
}

#[test]
fn what_a_configuration_sets() {
    let config = json!({
        "metadata": {"labels": {"a": "b"}, "finalizers": ["f"], "annotations": {}},
        "spec": {"ports": [{"port": 80, "name": "http"}], "selector": {"x": "y"}, "clusterIPs": ["1"], "sessionAffinityConfig": {}, "type": null},
    });
    let expected = json!({
        "f:metadata": {"f:labels": {"f:a": {}}, "f:finalizers": {"v:\"f\"": {}}, "f:annotations": {}},
        "f:spec": {
            "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}},
            "f:selector": {}, "f:clusterIPs": {}, "f:sessionAffinityConfig": {}, "f:type": {},
        },
    });
    assert_eq!(field_set(&config, service()).to_fields_v1(), expected);
}

#[test]
fn differences_by_kind_of_value() {
    let old = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"ports": [{"port": 1, "name": "x"}], "selector": {"a": "1"}, "type": "T"}});
    let new = json!({"metadata": {"labels": {"a": "2", "b": "1"}}, "spec": {"ports": [{"port": 2}, {"port": 1, "name": "y"}], "selector": {"a": "2"}}});
    let found = compare(&old, &new, service());
    assert_eq!(
        found.added,
        fields(
            json!({"f:metadata": {"f:labels": {"f:b": {}}}, "f:spec": {"f:ports": {"k:{\"port\":2,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}})
        )
    );
    assert_eq!(
        found.modified,
        fields(json!({
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {"f:selector": {}, "f:ports": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {"f:name": {}}}},
        }))
    );
    assert_eq!(found.removed, fields(json!({"f:spec": {"f:type": {}}})));
}

/// A list that is there but null is no new list when items come (a Deployment's containers).
#[test]
fn null_has_an_owner_of_its_own() {
    let found = compare(&json!({"spec": {"ports": null}}), &json!({"spec": {"ports": [{"port": 1}]}}), service());
    assert_eq!(
        found.added,
        fields(json!({"f:spec": {"f:ports": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}))
    );
    assert!(found.modified.is_empty() && found.removed.is_empty());
    let hollow = compare(&json!({"spec": {"ports": null}}), &json!({"spec": {"ports": []}}), service());
    assert_eq!(hollow.modified, FieldSet::of_names(&["spec", "ports"]));
}

#[test]
fn duplicate_items_are_one_value() {
    let of = |ports: Value| json!({"spec": {"ports": ports}});
    let one = json!({"port": 1, "name": "a"});
    let other = json!({"port": 1, "name": "b"});
    let step = json!({"f:spec": {"f:ports": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {}}}});
    let changed = compare(&of(json!([one, other])), &of(json!([one, one])), service());
    assert_eq!(changed.modified, fields(step.clone()));
    let more = compare(&of(json!([one])), &of(json!([one, other])), service());
    assert_eq!(more.added, fields(step.clone()));
    let fewer = compare(&of(json!([one, other])), &of(json!([one])), service());
    assert_eq!(fewer.removed, fields(step));
    // Applying over duplicates leaves the applied item alone.
    let merged = merge(&of(json!([one, other])), &of(json!([{"port": 1, "name": "c"}])), service());
    assert_eq!(merged, of(json!([{"port": 1, "name": "c"}])));
}

#[test]
fn untyped_content() {
    let compare = |old: Value, new: Value| compare(&old, &new, crate::types::untyped());
    let found = compare(json!({"spec": {"a": {"b": 1}, "c": [1]}}), json!({"spec": {"a": {"b": 2}, "c": [2]}}));
    assert_eq!(found.modified, fields(json!({"f:spec": {"f:a": {"f:b": {}}, "f:c": {}}})));
    let found = compare(json!({"spec": {"a": 1}}), json!({"spec": {"a": {"b": 1}}}));
    assert_eq!(found.modified, fields(json!({"f:spec": {"f:a": {}}})));
    assert_eq!(found.added, fields(json!({"f:spec": {"f:a": {"f:b": {}}}})));
}

#[test]
fn order_of_merged_lists() {
    let list = |ports: &[u16]| json!({"spec": {"ports": ports.iter().map(|p| json!({"port": p})).collect::<Vec<_>>()}});
    let table: [(&[u16], &[u16], &[u16]); 5] = [
        (&[1, 2, 3], &[3, 1], &[2, 3, 1]),
        (&[1, 2], &[9, 1], &[9, 1, 2]),
        (&[2, 1], &[9, 1], &[2, 9, 1]),
        (&[], &[2, 1], &[2, 1]),
        (&[1, 2], &[], &[1, 2]),
    ];
    for (live, config, expected) in table {
        assert_eq!(merge(&list(live), &list(config), service()), list(expected), "{live:?} with {config:?}");
    }
}

#[test]
fn what_does_not_fit() {
    let table = [
        (json!({"spec": {"bogus": 1}}), ".spec.bogus: field not declared in schema"),
        (json!({"spec": {"ports": "x"}}), ".spec.ports: expected list, got &{x}"),
        (json!({"spec": [1, "a"]}), ".spec: expected map, got &{[1 a]}"),
        (
            json!({"spec": {"ports": [{"port": "80"}]}}),
            ".spec.ports[port=\"80\",protocol=\"TCP\"].port: expected numeric (int or float), got string",
        ),
        (
            json!({"spec": {"ports": [{"port": 1}, {"port": 1}]}}),
            ".spec.ports: duplicate entries for key [port=1,protocol=\"TCP\"]",
        ),
        (
            json!({"spec": {"ports": [{"name": "a"}]}}),
            ".spec.ports: element 0: associative list with keys has an element that omits key field \"port\" (and doesn't have default value)",
        ),
        (json!({"a": 1, "b": 2}), "errors:\n  .a: field not declared in schema\n  .b: field not declared in schema"),
    ];
    for (value, expected) in table {
        assert_eq!(validate(&value, service()), Err(expected.to_owned()));
    }
    assert_eq!(validate(&json!({"spec": {"ports": null, "type": null}}), service()), Ok(()));
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(object in any_service()) {
        prop_assert_eq!(compare(&object, &object, service()), Comparison::default());
        prop_assert_eq!(merge(&object, &object, service()), object.clone());
        prop_assert_eq!(validate(&object, service()), Ok(()));
    }

    #[test]
    fn a_merge_sets_all_of_the_configuration_and_removes_nothing(live in any_service(), config in any_service()) {
        let merged = merge(&live, &config, service());
        prop_assert!(compare(&live, &merged, service()).removed.is_empty());
        prop_assert!(field_set(&config, service()).difference(&field_set(&merged, service())).is_empty());
        prop_assert_eq!(merge(&merged, &config, service()), merged);
    }

    #[test]
    fn what_changed_is_what_the_difference_says(old in any_service(), new in any_service()) {
        let there = compare(&old, &new, service());
        let back = compare(&new, &old, service());
        prop_assert_eq!(there.added, back.removed);
        prop_assert_eq!(there.removed, back.added);
        prop_assert_eq!(there.modified, back.modified);
    }

    #[test]
    fn removed_fields_are_gone_and_others_are_not(object in any_service(), other in any_service()) {
        let set = field_set(&other, service());
        let left = field_set(&remove(&object, &set, service()), service());
        prop_assert!(left.intersection(&set).is_empty());
        let before = field_set(&object, service());
        prop_assert!(before.without_trees(&set).difference(&left).is_empty());
    }
}
