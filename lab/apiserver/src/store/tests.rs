use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const KEYS: [&str; 4] = ["a/x", "a/y", "a-b/x", "b/x"];

fn collection() -> Arc<str> {
    Arc::from("things")
}

/// What a collection holds: content by key.
type Content = BTreeMap<String, i64>;

fn content(objects: &[Arc<Object>]) -> Vec<(u64, i64)> {
    objects.iter().map(|object| (object.revision, object.value["n"].as_i64().unwrap())).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Put(usize, i64),
    Delete(usize),
    Compact,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..KEYS.len(), 0..100_i64).prop_map(|(key, n)| Step::Put(key, n)),
        4 => (0..KEYS.len()).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    /// Every revision that may be asked for is given as it was, and events lead from each to the newest.
    #[test]
    fn the_past_is_as_it_was(steps in prop::collection::vec(step(), 1..60)) {
        let store = Store::new(1_000);
        let things = collection();
        let mut now = BTreeMap::<String, (u64, i64)>::new();
        let mut past: Vec<(u64, Vec<(u64, i64)>)> = vec![(store.revision(), Vec::new())];
        for step in steps {
            match step {
                Step::Put(key, n) => {
                    let key = KEYS[key];
                    let expect = now.get(key).map_or(Expect::Absent, |(at, _)| Expect::At(*at));
                    let stored = store.put(&things, key, expect, json!({"metadata": {}, "n": n})).unwrap();
                    now.insert(key.to_owned(), (stored.revision, n));
                }
                Step::Delete(key) => match now.remove(KEYS[key]) {
                    Some((at, _)) => drop(store.delete(&things, KEYS[key], at, None).unwrap()),
                    None => prop_assert!(store.delete(&things, KEYS[key], 1, None).is_err()),
                },
                Step::Compact => store.compact(),
                Step::Restart => store.forget_history(),
            }
            past.push((store.revision(), now.values().copied().collect()));
        }
        let newest = store.list(&things, "");
        prop_assert_eq!(content(&newest.objects), past.last().unwrap().1.clone());
        for (revision, then) in &past {
            if let Ok(snapshot) = store.list_at(&things, "", *revision) {
                prop_assert_eq!(&content(&snapshot.objects), then, "at {}", revision);
            }
            let Ok((events, known)) = store.events_after(&things, *revision, usize::MAX) else { continue };
            prop_assert_eq!(known, store.revision());
            let mut replayed: Content = Content::new();
            for (key, (_, n)) in KEYS.iter().filter_map(|key| {
                let object = store.list_at(&things, key, *revision).ok()?.objects.first()?.clone();
                Some((*key, (object.revision, object.value["n"].as_i64()?)))
            }) {
                replayed.insert(key.to_owned(), n);
            }
            let follows = store.list_at(&things, "", *revision).is_ok();
            for event in &events {
                let n = event.object.value["n"].as_i64().unwrap();
                let before = if event.deleted {
                    replayed.remove(&event.key)
                } else {
                    replayed.insert(event.key.clone(), n)
                };
                prop_assert!(!follows || before.is_some() == event.previous.is_some());
            }
            if follows {
                let newest: Content = now.iter().map(|(key, (_, n))| (key.clone(), *n)).collect();
                prop_assert_eq!(replayed, newest);
            }
        }
    }
}

#[test]
fn keys_are_ordered_as_in_etcd() {
    let store = Store::new(10);
    for key in KEYS {
        store.put(&collection(), key, Expect::Absent, json!({"metadata": {"name": key}})).unwrap();
    }
    let names: Vec<String> =
        store.list("things", "").objects.iter().map(|o| o.value["metadata"]["name"].to_string()).collect();
    assert_eq!(names, [r#""a-b/x""#, r#""a/x""#, r#""a/y""#, r#""b/x""#]);
    assert_eq!(store.list("things", "a/").objects.len(), 2);
}

#[test]
fn a_write_needs_what_it_expects() {
    let store = Store::new(10);
    let things = collection();
    let first = store.put(&things, "a", Expect::Absent, json!({"metadata": {}})).unwrap();
    assert!(store.put(&things, "a", Expect::Absent, json!({})).is_err());
    let Err(Changed(Some(there))) = store.put(&things, "a", Expect::At(first.revision + 1), json!({})) else {
        panic!("a stale write went through")
    };
    assert_eq!(there.revision, first.revision);
    assert!(store.put(&things, "b", Expect::At(1), json!({})).is_err());
    assert_eq!(store.revision(), first.revision, "refused writes take no revision");
}

#[test]
fn history_is_bounded() {
    let store = Store::new(3);
    let things = collection();
    let mut at = store.put(&things, "a", Expect::Absent, json!({"metadata": {}})).unwrap().revision;
    let first = at;
    for _ in 0..5 {
        at = store.put(&things, "a", Expect::At(at), json!({"metadata": {}})).unwrap().revision;
    }
    assert!(store.events_after(&things, first, 10).is_err());
    assert!(store.list_at(&things, "", first).is_err());
    let (events, known) = store.events_after(&things, at - 3, 10).unwrap();
    assert_eq!((events.len(), known), (3, at));
    let (some, known) = store.events_after(&things, at - 3, 2).unwrap();
    assert_eq!((some.len(), known), (2, at - 1), "what is known ends where the batch does");
}

#[test]
fn a_restart_forgets_where_watches_could_begin() {
    let store = Store::new(10);
    let things = collection();
    let first = store.put(&things, "a", Expect::Absent, json!({"metadata": {}})).unwrap().revision;
    let second = store.put(&things, "b", Expect::Absent, json!({"metadata": {}})).unwrap().revision;
    store.forget_history();
    assert_eq!(store.events_after(&things, first, 10).unwrap_err(), TooOld { oldest: second });
    assert!(store.events_after(&things, second, 10).is_ok());
    assert!(store.list_at(&things, "", first).is_ok(), "etcd still has it");
    store.compact();
    assert!(store.list_at(&things, "", first).is_ok(), "the server still has it");
    store.forget_history();
    assert!(store.list_at(&things, "", first).is_err());
}

#[test]
fn an_item_of_a_list_is_the_object_without_its_type() {
    let object = Object::unsaved(json!({"kind": "Thing", "apiVersion": "v1", "metadata": {}, "a": 1}));
    let whole: Value = serde_json::from_slice(&object.json).unwrap();
    assert_eq!(whole, object.value);
    let (open, rest) = object.json_without_type();
    let item: Value = serde_json::from_slice(&[open, &rest].concat()).unwrap();
    assert_eq!(item, json!({"metadata": {}, "a": 1}));
    let bare = Object::unsaved(json!({"kind": "Thing", "apiVersion": "v1"}));
    let (open, rest) = bare.json_without_type();
    assert_eq!([open, &rest].concat(), b"{}");
}
