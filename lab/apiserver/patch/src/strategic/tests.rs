use super::*;
use proptest::prelude::*;
use serde_json::json;

fn service() -> &'static Type {
    crate::builtin("v1", "Service").expect("Service")
}

fn patched(document: Value, patch: Value) -> Value {
    strategic_merge_patch(&document, &patch, service()).expect("the patch applies")
}

/// The steps of golden status-03b.
#[test]
fn conditions_merge_by_type_and_ingress_is_replaced() {
    let object = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.3", "ipMode": "VIP"}]}}});
    let object =
        patched(object, json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.4"}, {"ip": "2001:db8::4"}]}}}));
    assert_eq!(object["status"]["loadBalancer"], json!({"ingress": [{"ip": "192.0.2.4"}, {"ip": "2001:db8::4"}]}));
    let object = patched(object, json!({"status": {"conditions": [{"type": "A", "status": "True", "reason": "R"}]}}));
    let object = patched(object, json!({"status": {"conditions": [{"type": "B", "status": "False"}]}}));
    let b = json!({"type": "B", "status": "False"});
    assert_eq!(object["status"]["conditions"], json!([b, {"type": "A", "status": "True", "reason": "R"}]));
    let object = patched(object, json!({"status": {"conditions": [{"type": "A", "status": "Unknown"}]}}));
    assert_eq!(object["status"]["conditions"], json!([b, {"type": "A", "status": "Unknown", "reason": "R"}]));
    let object = patched(object, json!({"status": {"conditions": [{"type": "A", "$patch": "delete"}]}}));
    assert_eq!(object["status"]["conditions"], json!([b]));
}

#[test]
fn directives() {
    let list = |types: &[&str]| json!({"status": {"conditions": types.iter().map(|t| json!({"type": t, "status": "x"})).collect::<Vec<_>>()}});
    let table = [
        (
            list(&["A", "B"]),
            json!({"status": {"conditions": [{"$patch": "replace"}, {"type": "C"}]}}),
            json!({"status": {"conditions": [{"type": "C"}]}}),
        ),
        (
            list(&["A"]),
            json!({"status": {"$patch": "replace", "loadBalancer": {}}}),
            json!({"status": {"loadBalancer": {}}}),
        ),
        (list(&["A"]), json!({"status": {"$patch": "delete"}}), json!({"status": {}})),
        (list(&["A"]), json!({"status": {"conditions": null}}), json!({"status": {}})),
        (
            list(&["A", "B", "C"]),
            json!({"status": {"$setElementOrder/conditions": [{"type": "C"}, {"type": "A"}], "conditions": [{"type": "A", "status": "y"}]}}),
            json!({"status": {"conditions": [{"type": "B", "status": "x"}, {"type": "C", "status": "x"}, {"type": "A", "status": "y"}]}}),
        ),
        (
            list(&["A", "B"]),
            json!({"status": {"$setElementOrder/conditions": [{"type": "B"}, {"type": "A"}]}}),
            json!({"status": {"conditions": [{"type": "B", "status": "x"}, {"type": "A", "status": "x"}]}}),
        ),
        (
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"finalizers": ["c", "b"]}}),
            json!({"metadata": {"finalizers": ["c", "a", "b"]}}),
        ),
        (
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["b"]}}),
            json!({"metadata": {"finalizers": ["b"]}}),
        ),
        (
            json!({"spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}, "type": "a"}}),
            json!({"spec": {"$retainKeys": ["type"], "type": "b"}}),
            json!({"spec": {"type": "b"}}),
        ),
        // Nothing there yet: nulls and directives do not get in.
        (
            json!({}),
            json!({"spec": {"type": null, "ports": [{"port": 1, "$patch": "delete"}, {"port": 2, "name": null}], "$setElementOrder/ports": [{"port": 2}]}}),
            json!({"spec": {"ports": [{"port": 2}]}}),
        ),
        (
            json!({"spec": {"clusterIPs": ["a", "b"]}}),
            json!({"spec": {"clusterIPs": ["c"]}}),
            json!({"spec": {"clusterIPs": ["c"]}}),
        ),
        (
            json!({"spec": {"unknown": {"a": 1}}}),
            json!({"spec": {"unknown": {"b": 2}}}),
            json!({"spec": {"unknown": {"a": 1, "b": 2}}}),
        ),
    ];
    for (document, patch, expected) in table {
        assert_eq!(strategic_merge_patch(&document, &patch, service()), Ok(expected), "{document} with {patch}");
    }
}

/// What kubectl edit sends when one of two ports with the same number changes: the key is the port alone.
#[test]
fn ports_merge_by_port() {
    let object = json!({"spec": {"ports": [{"port": 80, "targetPort": 80}, {"port": 443, "targetPort": 443}]}});
    let patch = json!({"spec": {"$setElementOrder/ports": [{"port": 443}, {"port": 8080}], "ports": [{"port": 8080, "targetPort": 80}, {"port": 80, "$patch": "delete"}]}});
    assert_eq!(
        patched(object, patch)["spec"]["ports"],
        json!([{"port": 443, "targetPort": 443}, {"port": 8080, "targetPort": 80}])
    );
}

#[test]
fn refused() {
    let document =
        json!({"status": {"conditions": [{"type": "A"}]}, "metadata": {"finalizers": ["a"]}, "spec": {"type": "x"}});
    let table = [
        (json!([]), "the patch is no object"),
        (
            json!({"status": {"conditions": [{"status": "True"}]}}),
            "map: {\"status\":\"True\"} does not contain declared merge key: type",
        ),
        (
            json!({"status": {"conditions": [{"$patch": "delete"}]}}),
            "map: {\"$patch\":\"delete\"} does not contain declared merge key: type",
        ),
        (
            json!({"status": {"conditions": [{"type": "A", "$patch": "merge"}]}}),
            "merging lists cannot yet be specified in the patch",
        ),
        (json!({"status": {"$patch": "frob"}}), "unknown patch type: frob in map: {\"$patch\":\"frob\"}"),
        (json!({"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}}), "invalid patch format of primitive list"),
        (json!({"metadata": {"$setElementOrder/finalizers": "a"}}), "invalid patch format of setElementOrder list"),
        (json!({"spec": {"$retainKeys": ["a"], "type": "b"}}), "invalid patch format of retainKeys"),
    ];
    for (patch, expected) in table {
        let error = strategic_merge_patch(&document, &patch, service()).expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }
    let unordered = json!({"status": {"$setElementOrder/conditions": [{"type": "B"}], "conditions": [{"type": "A"}]}});
    let error = strategic_merge_patch(&document, &unordered, service()).expect_err("A is not in the order");
    assert!(error.to_string().contains("doesn't match $setElementOrder list"), "{error}");
}

fn conditions() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::btree_map("[A-E]", "[xyz]", 0..5).prop_shuffle_values()
}

/// Items by distinct key, in any order.
trait ShuffleValues {
    fn prop_shuffle_values(self) -> BoxedStrategy<Vec<Value>>;
}

impl<S: Strategy<Value = std::collections::BTreeMap<String, String>> + 'static> ShuffleValues for S {
    fn prop_shuffle_values(self) -> BoxedStrategy<Vec<Value>> {
        self.prop_map(|map| map.into_iter().map(|(t, s)| json!({"type": t, "status": s})).collect::<Vec<_>>())
            .prop_shuffle()
            .boxed()
    }
}

proptest! {
    #[test]
    fn twice_is_once(live in conditions(), patch in conditions()) {
        let patch = json!({"status": {"conditions": patch}});
        let once = patched(json!({"status": {"conditions": live}}), patch.clone());
        prop_assert_eq!(patched(once.clone(), patch), once);
    }

    #[test]
    fn nothing_is_lost_and_the_patch_wins(live in conditions(), patch in conditions()) {
        let merged = patched(json!({"status": {"conditions": live}}), json!({"status": {"conditions": patch}}));
        let merged = merged["status"]["conditions"].as_array().cloned().unwrap_or_default();
        for item in &patch {
            prop_assert!(merged.contains(item), "{item} in {merged:?}");
        }
        for item in &live {
            prop_assert_eq!(merged.iter().filter(|known| known["type"] == item["type"]).count(), 1);
        }
        // Both orders are kept.
        let places = |of: &[Value]| of.iter().filter_map(|item| merged.iter().position(|known| known["type"] == item["type"])).collect::<Vec<_>>();
        prop_assert!(places(&patch).is_sorted());
        let rest: Vec<Value> = live.into_iter().filter(|item| patch.iter().all(|other| other["type"] != item["type"])).collect();
        prop_assert!(places(&rest).is_sorted());
    }

    #[test]
    fn any_patch_is_answered(document in crate::json::tests::object(), patch in crate::json::tests::value()) {
        let _ = strategic_merge_patch(&document, &json!({"metadata": patch, "spec": {"ports": patch}}), service());
        let _ = strategic_merge_patch(&json!({"spec": document}), &json!({"spec": patch}), service());
    }
}
