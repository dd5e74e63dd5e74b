use super::entry::{Operation, decode};
use super::*;
use crate::typed::tests::any_service;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: &str = "2026-01-02T03:04:05Z";
const LATER: &str = "2026-01-02T03:05:05Z";

fn write<'a>(manager: &'a str, now: &'a str, scope: &'a Scope) -> Write<'a> {
    let ty = crate::builtin("v1", "Service").expect("Service");
    Write { ty, api_version: "v1", kind: "Service", subresource: None, manager, now, scope }
}

fn applied(live: &Value, manager: &str, now: &str, config: &Value, force: bool) -> Result<Value, ApplyError> {
    apply(&write(manager, now, &Scope::Everything), live, config, force)
}

fn updated(live: &Value, manager: &str, now: &str, mut new: Value) -> Value {
    update(&write(manager, now, &Scope::Everything), live, &mut new);
    new
}

fn created(manager: &str, object: &Value) -> Value {
    let mut new = updated(&crate::empty_object("v1", "Service"), manager, NOW, object.clone());
    new["metadata"]["uid"] = "u".into();
    new
}

fn owners(object: &Value) -> Vec<String> {
    decode(object).expect("readable").keys().map(|id| format!("{} {:?}", id.name, id.operation)).collect()
}

/// What differs, but for managedFields.
fn changes(old: &Value, new: &Value) -> crate::typed::Comparison {
    let (mut old, mut new) = (old.clone(), new.clone());
    super::entry::strip(&mut old);
    super::entry::strip(&mut new);
    compare(&old, &new, crate::builtin("v1", "Service").expect("Service"))
}

fn spec(fields: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": fields})
}

#[test]
fn conflicts_of_several_fields_name_each() {
    let live = created("one", &spec(json!({"type": "A", "sessionAffinity": "B"})));
    let live = applied(&live, "two", NOW, &spec(json!({"clusterIP": "C"})), false).expect("no conflict");
    let error = applied(&live, "me", NOW, &spec(json!({"type": "x", "sessionAffinity": "y", "clusterIP": "z"})), false);
    let Err(ApplyError::Conflict(conflict)) = error else { panic!("{error:?}") };
    assert_eq!(
        conflict.message,
        "Apply failed with 3 conflicts: conflicts with \"one\" using v1:\n- .spec.sessionAffinity\n- .spec.type\nconflicts with \"two\":\n- .spec.clusterIP"
    );
    assert_eq!(conflict.causes.len(), 3);
}

#[test]
fn wrong_kinds_and_managed_fields_are_refused() {
    let live = created("one", &spec(json!({})));
    let refused = |config: Value| applied(&live, "me", NOW, &config, false).expect_err("refused").to_string();
    assert_eq!(refused(json!({"metadata": {"name": "a"}})), "invalid object type: /, Kind=");
    assert_eq!(refused(json!({"apiVersion": "v1", "kind": "Pod"})), "invalid object type: /v1, Kind=Pod");
    assert_eq!(
        refused(json!({"apiVersion": "apps/v1", "kind": "Service"})),
        "invalid object type: apps/v1, Kind=Service"
    );
    assert_eq!(
        refused(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"managedFields": []}})),
        "metadata.managedFields must be nil"
    );
    assert_eq!(
        refused(spec(json!({"typ": "a"}))),
        "failed to create typed patch object (/a; /v1, Kind=Service): .spec.typ: field not declared in schema"
    );
}

#[test]
fn unreadable_managed_fields_fail_an_apply_and_not_an_update() {
    let mut live = created("one", &spec(json!({"type": "A"})));
    live["metadata"]["managedFields"][0]["fieldsV1"] = json!({"bad": {}});
    let error = applied(&live, "me", NOW, &spec(json!({})), false).expect_err("unreadable");
    assert!(
        matches!(&error, ApplyError::Internal(text) if text.starts_with("failed to decode managed fields")),
        "{error}"
    );
    let mut new = live.clone();
    new["spec"]["type"] = "B".into();
    assert_eq!(owners(&updated(&live, "me", NOW, new)), Vec::<String>::new());
}

#[test]
fn clients_may_edit_or_reset_managed_fields() {
    let live = created("one", &spec(json!({"type": "A"})));
    let with = |entries: Value| {
        let mut new = live.clone();
        new["metadata"]["managedFields"] = entries;
        updated(&live, "me", NOW, new)
    };
    assert_eq!(owners(&with(json!([{}]))), Vec::<String>::new());
    assert_eq!(owners(&with(json!([]))), ["one Update"]);
    assert_eq!(owners(&with(Value::Null)), ["one Update"]);
    assert_eq!(owners(&with(json!([{"manager": "x", "operation": "frob"}]))), ["one Update"]);
    let renamed = json!([{"manager": "x", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:type": {}}}}]);
    assert_eq!(owners(&with(renamed)), ["x Apply"]);
    // Not through a subresource.
    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([{}]);
    let status = Write { subresource: Some("status"), ..write("me", NOW, &Scope::Everything) };
    update(&status, &live, &mut new);
    assert_eq!(owners(&new), ["one Update"]);
}

#[test]
fn objects_that_nobody_tracked_stay_untracked_until_an_apply() {
    let mut live = spec(json!({"type": "A", "clusterIP": "x"}));
    live["metadata"]["uid"] = "u".into();
    let mut new = live.clone();
    new["spec"]["type"] = "B".into();
    let new = updated(&live, "me", NOW, new);
    assert_eq!(owners(&new), Vec::<String>::new());
    let new = applied(&new, "me", NOW, &spec(json!({"type": "B"})), false).expect("same value");
    assert_eq!(owners(&new), ["before-first-apply Update", "me Apply"]);
}

#[test]
fn the_oldest_of_many_updaters_become_one() {
    let mut live = created("creator", &spec(json!({"type": "A"})));
    for index in 0..15 {
        let mut new = live.clone();
        new["metadata"]["labels"][format!("l{index}")] = "x".into();
        live = updated(&live, &format!("m{index:02}"), &format!("2026-01-02T03:04:{:02}Z", 10 + index), new);
        live["metadata"]["uid"] = "u".into();
    }
    let owners = owners(&live);
    assert_eq!(owners.len(), 10, "{owners:?}");
    assert!(
        owners.contains(&"ancient-changes Update".to_owned()) && owners.contains(&"m14 Update".to_owned()),
        "{owners:?}"
    );
    // Nobody's field is lost.
    let all =
        decode(&live).expect("readable").values().fold(FieldSet::default(), |all, owned| all.union(&owned.fields));
    for index in 0..15 {
        assert!(
            FieldSet::of_names(&["metadata", "labels", &format!("l{index}")]).difference(&all).is_empty(),
            "l{index}"
        );
    }
}

/// `kubectl apply --server-side` after `kubectl apply`: what the annotation says was kubectl's own.
#[test]
fn kubectl_inherits_from_client_side_apply() {
    let config = spec(json!({"type": "A", "sessionAffinity": "None"}));
    let mut object = config.clone();
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": config.to_string()});
    let live = created("kubectl-client-side-apply", &object);
    let wanted = spec(json!({"type": "B"}));
    assert!(applied(&live, "other", NOW, &wanted, false).is_err());
    let new = applied(&live, "kubectl", NOW, &wanted, false).expect("its own field");
    assert_eq!(new["spec"]["type"], "B");
    let annotation = new["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].as_str();
    assert_eq!(annotation.and_then(|text| serde_json::from_str::<Value>(text).ok()), Some(wanted.clone()));
    // A field that somebody changed since is not inherited.
    let mut changed = live.clone();
    changed["spec"]["type"] = "C".into();
    let changed = updated(&live, "edit", LATER, changed);
    assert!(applied(&changed, "kubectl", LATER, &wanted, false).is_err());
}

#[test]
fn timestamps_alone_are_no_change() {
    let live = created("one", &spec(json!({"type": "A"})));
    let mut new = live.clone();
    new["metadata"]["managedFields"][0]["time"] = LATER.into();
    let mut more = new.clone();
    keep_timestamps(&live, &mut new);
    assert_eq!(new, live);
    more["spec"]["type"] = "B".into();
    let before = more.clone();
    keep_timestamps(&live, &mut more);
    assert_eq!(more, before);
}

proptest! {
    #[test]
    fn applying_twice_changes_nothing(live in any_service(), config in any_service()) {
        let live = created("creator", &live);
        let once = applied(&live, "me", NOW, &config, true).expect("forced");
        let mut twice = applied(&once, "me", LATER, &config, false).expect("nothing differs");
        keep_timestamps(&once, &mut twice);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn the_applier_owns_what_it_applied_and_force_takes_it_from_all(live in any_service(), config in any_service()) {
        let live = created("creator", &live);
        let new = applied(&live, "me", NOW, &config, true).expect("forced");
        let ty = crate::builtin("v1", "Service").expect("Service");
        let changed = changes(&live, &new);
        let managers = decode(&new).expect("readable");
        for (id, owned) in &managers {
            if id.operation == Operation::Apply {
                prop_assert_eq!(&owned.fields, &super::entry::without_identity(&field_set(&config, ty)));
            } else {
                prop_assert!(owned.fields.intersection(&changed.modified).is_empty());
            }
        }
    }

    #[test]
    fn without_force_nothing_that_another_owns_changes(live in any_service(), config in any_service()) {
        let live = created("creator", &live);
        if let Ok(new) = applied(&live, "me", NOW, &config, false) {
            prop_assert!(changes(&live, &new).modified.is_empty());
            let forced = applied(&live, "me", NOW, &config, true).expect("forced");
            prop_assert_eq!(new, forced);
        }
    }

    #[test]
    fn what_an_applier_gives_up_goes_unless_another_owns_it(first in any_service(), second in any_service(), other in any_service()) {
        let empty = crate::empty_object("v1", "Service");
        let ty = crate::builtin("v1", "Service").expect("Service");
        let live = applied(&empty, "other", NOW, &other, true).expect("forced");
        let live = applied(&live, "me", NOW, &first, true).expect("forced");
        let kept = decode(&live).expect("readable");
        let new = applied(&live, "me", NOW, &second, true).expect("forced");
        let left = field_set(&new, ty);
        let gone = field_set(&first, ty).difference(&field_set(&second, ty));
        let others = kept.iter().filter(|(id, _)| id.name == "other").fold(FieldSet::default(), |all, (_, owned)| all.union(&owned.fields));
        let must_go = gone.difference(&others);
        prop_assert!(must_go.intersection(&left).is_empty(), "{:?} still there", must_go.intersection(&left).paths());
        let others_changed = others.difference(&left).difference(&changes(&live, &new).modified);
        prop_assert!(others_changed.is_empty(), "{:?} lost", others_changed.paths());
    }

    #[test]
    fn every_field_of_a_created_object_has_its_creator(object in any_service()) {
        let new = created("creator", &object);
        let ty = crate::builtin("v1", "Service").expect("Service");
        let all = decode(&new).expect("readable").values().fold(FieldSet::default(), |all, owned| all.union(&owned.fields));
        let unowned = super::entry::without_identity(&field_set(&object, ty)).difference(&all);
        // An empty spec is there in every Service.
        prop_assert!(unowned.difference(&FieldSet::of_names(&["spec"])).is_empty(), "{:?}", unowned.paths());
    }

    #[test]
    fn an_updater_owns_what_it_changed(old in any_service(), new in any_service()) {
        let live = created("creator", &old);
        let ty = crate::builtin("v1", "Service").expect("Service");
        let changed = compare(&old, &new, ty);
        let after = updated(&live, "me", NOW, new);
        let managers = decode(&after).expect("readable");
        for (id, owned) in &managers {
            prop_assert!(owned.fields.intersection(&changed.removed).is_empty(), "{id:?}");
            if id.name == "me" {
                prop_assert_eq!(&owned.fields, &changed.added.union(&changed.modified));
            } else {
                prop_assert!(owned.fields.intersection(&changed.modified).is_empty());
            }
        }
    }
}
