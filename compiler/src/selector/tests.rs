use super::{Selector, SelectorError, matches_any_or_empty};
use crate::object::{LabelSelector, LabelSelectorRequirement, Labels};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = |(key, value): &(&str, &str)| ((*key).into(), (*value).into());
    pairs.iter().map(owned).collect()
}

fn term(key: &str, operator: &str, values: &[&str]) -> LabelSelectorRequirement {
    LabelSelectorRequirement {
        key: key.into(),
        operator: operator.into(),
        values: values.iter().map(|value| (*value).into()).collect(),
    }
}

fn expressions(terms: &[LabelSelectorRequirement]) -> LabelSelector {
    LabelSelector { match_expressions: terms.to_vec(), ..LabelSelector::default() }
}

#[test]
fn every_operator_on_every_kind_of_label() {
    // Rows: operator; columns: key has a listed value, has another value, is absent.
    let table = [
        ("In", &["a", "b"][..], [true, false, false]),
        ("NotIn", &["a", "b"][..], [false, true, true]),
        ("Exists", &[][..], [true, true, false]),
        ("DoesNotExist", &[][..], [false, false, true]),
    ];
    let objects = [labels(&[("k", "b")]), labels(&[("k", "z")]), labels(&[("x", "b")])];
    for (operator, values, expected) in table {
        let selector = Selector::compile(&expressions(&[term("k", operator, values)])).unwrap();
        let found = objects.each_ref().map(|labels| selector.matches(labels));
        assert_eq!(found, expected, "{operator}");
    }
}

#[test]
fn all_terms_must_hold_and_none_match_everything() {
    let selector = Selector::compile(&LabelSelector {
        match_labels: labels(&[("app", "web")]),
        match_expressions: vec![term("tier", "Exists", &[])],
    })
    .unwrap();
    assert!(selector.matches(&labels(&[("app", "web"), ("tier", "front")])));
    assert!(!selector.matches(&labels(&[("app", "web")])));
    assert!(!selector.matches(&labels(&[("app", "db"), ("tier", "front")])));
    assert!(Selector::default().matches(&labels(&[])));
    assert_eq!(Selector::compile(&LabelSelector::default()), Ok(Selector::default()));
}

#[test]
fn an_empty_list_restricts_nothing() {
    let web = Selector::compile(&LabelSelector { match_labels: labels(&[("app", "web")]), ..LabelSelector::default() })
        .unwrap();
    let none = labels(&[]);
    assert!(matches_any_or_empty(&[], &none));
    assert!(!matches_any_or_empty(std::slice::from_ref(&web), &none));
    assert!(matches_any_or_empty(&[web, Selector::default()], &none));
}

#[test]
fn errors_name_key_and_operator() {
    let cases = [
        term("zone", "Is", &["a"]),
        term("zone", "In", &[]),
        term("zone", "NotIn", &[]),
        term("zone", "Exists", &["a"]),
        term("zone", "DoesNotExist", &["a"]),
        term("bad key", "Exists", &[]),
        term("UPPER/zone", "Exists", &[]),
        term("-zone", "Exists", &[]),
        term("", "Exists", &[]),
        term("zone", "In", &["not a value"]),
    ];
    for requirement in cases {
        let message = Selector::compile(&expressions(std::slice::from_ref(&requirement))).unwrap_err().to_string();
        assert!(message.contains(&requirement.key), "{message}");
        assert!(message.contains(&requirement.operator), "{message}");
    }
}

#[test]
fn real_keys_and_values_are_accepted() {
    let terms = [
        term("kubernetes.io/metadata.name", "In", &["default", ""]),
        term("node-role.kubernetes.io/control-plane", "Exists", &[]),
        term("A_b.c-9", "NotIn", &["v1.2_3-x"]),
    ];
    Selector::compile(&expressions(&terms)).unwrap();
}

#[test]
fn nothing_may_be_said_twice() {
    let a = expressions(&[term("k", "In", &["1", "2"])]);
    let same_as_a = expressions(&[term("k", "In", &["2", "1"])]);
    let twice_inside = expressions(&[term("k", "Exists", &[]), term("k", "Exists", &[])]);
    let value_twice = expressions(&[term("k", "In", &["1", "1"])]);
    for list in [vec![a, same_as_a], vec![twice_inside], vec![value_twice]] {
        let error = Selector::compile_list("nodeSelectors", &list).unwrap_err();
        assert!(matches!(error, SelectorError::Duplicate { .. }), "{error}");
        assert!(error.to_string().starts_with("duplicate definition of "), "{error}");
    }
}

#[test]
fn text_is_what_kubectl_takes() {
    let selector = Selector::compile(&LabelSelector {
        match_labels: labels(&[("app", "web")]),
        match_expressions: vec![term("tier", "NotIn", &["b", "a"]), term("old", "DoesNotExist", &[])],
    })
    .unwrap();
    assert_eq!(selector.to_string(), "app=web,!old,tier notin (a,b)");
    assert_eq!(Selector::default().to_string(), "everything");
}
