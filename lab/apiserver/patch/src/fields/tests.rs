use super::*;
use proptest::prelude::*;
use serde_json::json;

fn set(fields: Value) -> FieldSet {
    FieldSet::from_fields_v1(&fields).expect("valid fieldsV1")
}

/// Random sets with few names, so that they overlap.
fn any_set() -> impl Strategy<Value = FieldSet> {
    let step = prop_oneof![
        "[a-c]".prop_map(PathElement::Field),
        "[a-b]".prop_map(|v| PathElement::Key(BTreeMap::from([("k".to_owned(), format!("{v:?}"))]))),
        (0..2u8).prop_map(|v| PathElement::Value(v.to_string())),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..4), 0..8).prop_map(|paths| {
        let mut set = FieldSet::default();
        paths.iter().for_each(|path| set.insert(path));
        set
    })
}

#[test]
fn wire_form() {
    let fields = json!({"f:spec": {"f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}, "f:set": {"v:\"a\"": {}}, "f:old": {"i:3": {}}}});
    let read = set(fields.clone());
    assert_eq!(read.to_fields_v1(), fields);
    let paths: Vec<String> = read.paths().iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            ".spec.ports",
            ".spec.old[3]",
            ".spec.ports[port=80,protocol=\"TCP\"]",
            ".spec.ports[port=80,protocol=\"TCP\"].name",
            ".spec.set[=\"a\"]"
        ]
    );
}

#[test]
fn bad_wire_forms() {
    for bad in
        [json!([]), json!({"x:a": {}}), json!({"f:a": 1}), json!({"k:[": {}}), json!({"i:x": {}}), json!({"a": {}})]
    {
        assert!(FieldSet::from_fields_v1(&bad).is_err(), "{bad}");
    }
}

#[test]
fn differences() {
    let all = set(json!({"f:spec": {".": {}, "f:a": {}, "f:b": {}}, "f:status": {}}));
    let spec = FieldSet::of_names(&["spec"]);
    assert_eq!(all.difference(&spec), set(json!({"f:spec": {"f:a": {}, "f:b": {}}, "f:status": {}})));
    assert_eq!(all.without_trees(&spec), set(json!({"f:status": {}})));
    assert_eq!(all.only_tree("spec"), set(json!({"f:spec": {".": {}, "f:a": {}, "f:b": {}}})));
}

#[test]
fn structs_on_the_way_become_members_but_maps_do_not() {
    let ty = crate::builtin("v1", "Service").expect("Service");
    let owned = set(
        json!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:status": {"f:conditions": {"k:{\"type\":\"A\"}": {"f:status": {}}}}}),
    );
    assert_eq!(
        owned.with_named_fields(ty),
        set(json!({
            "f:metadata": {".": {}, "f:labels": {".": {}, "f:a": {}}},
            "f:status": {".": {}, "f:conditions": {".": {}, "k:{\"type\":\"A\"}": {"f:status": {}}}},
        }))
    );
}

proptest! {
    #[test]
    fn wire_round_trip(set in any_set()) {
        prop_assert_eq!(FieldSet::from_fields_v1(&set.to_fields_v1()), Ok(set));
    }

    #[test]
    fn laws(a in any_set(), b in any_set()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert!(a.difference(&a).is_empty());
        // What is left and what was taken make the whole again.
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert!(a.without_trees(&b).difference(&a.difference(&b)).is_empty());
    }

    #[test]
    fn paths_are_the_set(set in any_set()) {
        let mut again = FieldSet::default();
        set.paths().iter().for_each(|path| again.insert(&path.0));
        prop_assert_eq!(again, set);
    }
}
