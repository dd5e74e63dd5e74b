//! CEL rules: types, cost, evaluation.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use herald_apiserver_schema::{Cause, Schema};
use serde_json::{Value, json};

/// A schema whose `spec` has fields of many types and one rule.
fn openapi(rule: Value) -> Value {
    json!({"type": "object", "properties": {"spec": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 100},
            "unbounded": {"type": "string"},
            "number": {"type": "integer", "format": "int32"},
            "ratio": {"type": "number"},
            "flag": {"type": "boolean"},
            "port": {"x-kubernetes-int-or-string": true},
            "when": {"type": "string", "format": "date-time"},
            "wait": {"type": "string", "format": "duration"},
            "texts": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 50}},
            "many": {"type": "array", "items": {"type": "string"}},
            "labels": {"type": "object", "maxProperties": 5, "additionalProperties": {"type": "string", "maxLength": 9}},
            "namespace": {"type": "string", "maxLength": 63},
            "a-b.c/d": {"type": "string", "maxLength": 9},
            "entries": {
                "type": "array", "maxItems": 4, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "required": ["k"], "properties": {
                    "k": {"type": "string", "maxLength": 9}, "v": {"type": "integer"},
                }},
            },
        },
        "x-kubernetes-validations": [rule],
    }}})
}

fn faults(rule: &str) -> Vec<String> {
    let parsed = Schema::parse(&openapi(json!({"rule": rule})), "S");
    parsed.err().unwrap_or_default().iter().map(Cause::to_string).collect()
}

fn schema(rule: &str) -> Schema {
    Schema::parse(&openapi(json!({"rule": rule, "message": "no"})), "S")
        .unwrap_or_else(|faults| panic!("{rule}: {faults:?}"))
}

fn holds(rule: &str, spec: Value) -> bool {
    let causes = schema(rule).validate_rules(&json!({"spec": spec}), None);
    for cause in &causes {
        assert_eq!(cause.message, "Invalid value: no", "{rule}");
    }
    causes.is_empty()
}

#[test]
fn rules_compute_what_kubernetes_computes() {
    for (rule, good, bad) in [
        ("self.number < 10", json!({"number": 1}), json!({"number": 10})),
        ("self.ratio < 2", json!({"ratio": 1}), json!({"ratio": 2.5})),
        ("has(self.text) || has(self.number)", json!({"number": 1}), json!({"flag": true})),
        ("self.texts.all(t, isIP(t))", json!({"texts": ["::1", "192.0.2.1"]}), json!({"texts": ["192.0.2.01"]})),
        ("self.texts.exists(t, t.startsWith('a'))", json!({"texts": ["b", "ab"]}), json!({"texts": ["b"]})),
        ("self.texts.exists_one(t, t == 'a')", json!({"texts": ["a", "b"]}), json!({"texts": ["a", "a"]})),
        ("self.texts.map(t, size(t))[0] < 4", json!({"texts": ["a", "bcdef"]}), json!({"texts": ["abcd"]})),
        ("self.texts.filter(t, t != '').size() == 1", json!({"texts": ["a", ""]}), json!({"texts": []})),
        (
            "isCIDR(self.text) && cidr(self.text).prefixLength() <= 24",
            json!({"text": "192.0.2.0/24"}),
            json!({"text": "192.0.2.0/25"}),
        ),
        ("cidr('192.0.2.0/24').containsIP(ip(self.text))", json!({"text": "192.0.2.9"}), json!({"text": "192.0.3.9"})),
        ("cidr('192.0.2.0/24').containsIP(self.text)", json!({"text": "192.0.2.9"}), json!({"text": "192.0.3.9"})),
        ("ip(self.text).family() == 6", json!({"text": "2001:db8::1"}), json!({"text": "192.0.2.1"})),
        ("self.text.matches('^[a-z]+$')", json!({"text": "abc"}), json!({"text": "a1"})),
        ("self.text.split('-').size() == 2", json!({"text": "a-b"}), json!({"text": "a"})),
        ("self.text.lowerAscii() == self.text", json!({"text": "a"}), json!({"text": "A"})),
        ("self.text in ['a', 'b']", json!({"text": "a"}), json!({"text": "c"})),
        ("'a' in self.labels && self.labels['a'] == 'b'", json!({"labels": {"a": "b"}}), json!({"labels": {"c": "b"}})),
        ("self.labels.all(k, self.labels[k] != '')", json!({"labels": {"a": "b"}}), json!({"labels": {"a": ""}})),
        ("self.__namespace__ != 'default'", json!({"namespace": "x"}), json!({"namespace": "default"})),
        ("self.a__dash__b__dot__c__slash__d == 'x'", json!({"a-b.c/d": "x"}), json!({"a-b.c/d": "y"})),
        ("type(self.port) == int ? self.port < 10 : self.port == 'http'", json!({"port": 9}), json!({"port": "x"})),
        (
            "self.when < timestamp('2025-01-01T00:00:00Z')",
            json!({"when": "2024-01-01T00:00:00Z"}),
            json!({"when": "2026-01-01T00:00:00Z"}),
        ),
        ("self.wait <= duration('1m')", json!({"wait": "30s"}), json!({"wait": "1h"})),
        ("quantity(self.text).isLessThan(quantity('1Gi'))", json!({"text": "500Mi"}), json!({"text": "2Gi"})),
        ("self.?text.orValue('none') == 'none'", json!({}), json!({"text": "x"})),
        ("self.texts.isSorted()", json!({"texts": ["a", "b"]}), json!({"texts": ["b", "a"]})),
        ("self.texts.join('-') == 'a-b'", json!({"texts": ["a", "b"]}), json!({"texts": ["b", "a"]})),
        (
            "self.entries.exists(e, e.k == 'a' && e.v > 1)",
            json!({"entries": [{"k": "a", "v": 2}]}),
            json!({"entries": [{"k": "a", "v": 1}]}),
        ),
        ("!has(self.number) || self.number % 2 == 0", json!({"number": 4}), json!({"number": 3})),
        ("self.texts.size() == 0 || self.texts[0] == 'x'", json!({"texts": ["x"]}), json!({"texts": ["y"]})),
    ] {
        assert!(holds(rule, good.clone()), "{rule} with {good}");
        assert!(!holds(rule, bad.clone()), "{rule} with {bad}");
    }
}

#[test]
fn rules_that_do_not_compile_are_refused() {
    for (rule, error) in [
        ("self.nothing == 1", "undefined field 'nothing'"),
        ("self.text == 1", "found no matching overload for '_==_' applied to '(string, int)'"),
        ("self.text.nothing()", "undeclared reference to 'nothing' (in container '')"),
        ("other == 1", "undeclared reference to 'other' (in container '')"),
        ("self.number.startsWith('a')", "found no matching overload for 'startsWith' applied to 'int.(string)'"),
        ("self.number + self.text == ''", "found no matching overload for '_+_' applied to '(int, string)'"),
        ("self.number && true", "found no matching overload for '_&&_' applied to '(int, bool)'"),
        ("self.text.x == 1", "type 'string' does not support field selection"),
        ("self.number.all(x, true)", "expression of type 'int' cannot be range of a comprehension"),
        ("self.labels.a == 1", "found no matching overload for '_==_' applied to '(string, int)'"),
        ("isIP(self.number)", "found no matching overload for 'isIP' applied to '(int)'"),
        ("ip(self.text) == self.text", "found no matching overload for '_==_' applied to '(net.IP, string)'"),
    ] {
        let found = faults(rule);
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        assert!(found[0].contains("compilation failed: ERROR: <input>:1:") && found[0].contains(error), "{}", found[0]);
    }
    assert!(faults("self.text ==")[0].contains("compilation failed: "));
    assert!(faults("size(self.text)")[0].ends_with("cel expression must evaluate to a bool"));
    assert_eq!(
        faults(" "),
        ["S.properties[spec].x-kubernetes-validations[0].rule: Required value: rule is not specified"]
    );
}

#[test]
fn bounds_keep_rules_cheap() {
    let cost = |rule: &str| schema(rule).rule_costs()[0].total;
    assert!(cost("self.number < 10") < 10);
    assert!(cost("self.text.contains('x')") < 100);
    let each = cost("self.texts.all(t, t.contains('x'))");
    let pairs = cost("self.texts.all(t, self.texts.all(u, t == u || !t.contains(u)))");
    assert!(each < 1_000 && pairs > 5 * each, "{each} {pairs}");
    let refused = |rule: &str| faults(rule).iter().any(|fault| fault.contains("estimated rule cost exceeds budget"));
    assert!(refused("self.many.all(t, self.many.all(u, t == u || !t.contains(u)))"));
    assert!(refused("self.unbounded.contains(self.unbounded)"));
    assert!(!refused("self.unbounded.contains('x')"));
    // How long these results are is not known to every supported server.
    assert!(refused("self.texts.map(t, size(t)).sum() < 4"));
    assert!(refused("self.text.split('-').all(t, t.matches('^[a-z]+$'))"));
    assert!(refused("self.text == 'number ' + string(self.number)"));
}

#[test]
fn a_rule_on_items_costs_once_per_item() {
    let list = |bound: Option<u64>| {
        let mut list = json!({"type": "array", "items": {
            "type": "string", "maxLength": 1000, "x-kubernetes-validations": [{"rule": "self.matches('^[a-z]+$')"}],
        }});
        if let Some(bound) = bound {
            list["maxItems"] = bound.into();
        }
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"l": list}}}})
    };
    let total = |bound| Schema::parse(&list(Some(bound)), "S").unwrap().rule_costs()[0].total;
    assert_eq!(total(100), 10 * total(10));
    let faults = Schema::parse(&list(None), "S").unwrap_err();
    assert!(faults[0].message.contains("exceeds budget by factor of"), "{faults:?}");
}

#[test]
fn messages() {
    let causes = |rule: Value, spec: Value| {
        let schema = Schema::parse(&openapi(rule), "S").unwrap();
        let causes = schema.validate_rules(&json!({"spec": spec}), None);
        causes.iter().map(Cause::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        causes(json!({"rule": "self.number > 5"}), json!({"number": 1})),
        ["spec: Invalid value: failed rule: self.number > 5"]
    );
    let dynamic = json!({
        "rule": "self.number > 5", "message": "static", "messageExpression": "'not ' + self.text",
        "reason": "FieldValueForbidden", "fieldPath": ".number",
    });
    assert_eq!(causes(dynamic, json!({"number": 1, "text": "x"})), ["spec.number: Forbidden: not x"]);
    // An expression that fails, or says nothing, leaves the word to the message.
    let failing = json!({"rule": "self.number > 5", "message": "static", "messageExpression": "self.text"});
    assert_eq!(causes(failing.clone(), json!({"number": 1})), ["spec: Invalid value: static"]);
    assert_eq!(causes(failing, json!({"number": 1, "text": " "})), ["spec: Invalid value: static"]);
    let required = json!({"rule": "has(self.text)", "reason": "FieldValueRequired", "fieldPath": "['a-b.c/d']"});
    assert_eq!(causes(required, json!({})), ["spec[a-b.c/d]: Required value: failed rule: has(self.text)"]);
}

#[test]
fn malformed_rules_are_refused() {
    let faults = |rule: Value| {
        let parsed = Schema::parse(&openapi(rule), "S");
        parsed.err().unwrap_or_default().iter().map(Cause::to_string).collect::<Vec<_>>()
    };
    let at = "S.properties[spec].x-kubernetes-validations[0]";
    assert_eq!(
        faults(json!({"rule": "true", "reason": "Because"})),
        [format!(
            r#"{at}.reason: Unsupported value: "Because": supported values: "FieldValueRequired", "FieldValueInvalid", "FieldValueForbidden", "FieldValueDuplicate""#
        )]
    );
    assert!(
        faults(json!({"rule": "true", "fieldPath": ".no"}))[0].starts_with(&format!("{at}.fieldPath: Invalid value"))
    );
    assert!(
        faults(json!({"rule": "true", "messageExpression": "1"}))[0]
            .ends_with("messageExpression must evaluate to a string")
    );
    assert!(faults(json!({"rule": "true", "message": "a\nb"}))[0].ends_with("message must not contain line breaks"));
}

#[test]
fn transition_rules_run_where_there_is_an_old_value() {
    let schema = schema("self.number >= oldSelf.number");
    let object = |number: i64| json!({"spec": {"number": number}});
    assert_eq!(schema.validate_rules(&object(1), None), []);
    assert_eq!(schema.validate_rules(&object(2), Some(&object(1))), []);
    assert_eq!(schema.validate_rules(&object(1), Some(&object(2))).len(), 1);
}

#[test]
fn rules_over_what_did_not_change_are_skipped() {
    let schema = schema("self.number > 5");
    let object = |number: i64, label: &str| json!({"metadata": {"labels": {"l": label}}, "spec": {"number": number}});
    assert_eq!(schema.validate_rules(&object(1, "b"), Some(&object(1, "a"))), []);
    assert_eq!(schema.validate_rules(&object(2, "a"), Some(&object(1, "a"))).len(), 1);
}

#[test]
fn items_of_list_maps_know_their_predecessors() {
    let openapi = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"entries": {
        "type": "array", "maxItems": 4, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {
            "type": "object", "required": ["k"],
            "properties": {"k": {"type": "string", "maxLength": 9}, "v": {"type": "integer"}},
            "x-kubernetes-validations": [{"rule": "self.v >= oldSelf.v"}],
        },
    }}}}});
    let schema = Schema::parse(&openapi, "S").unwrap();
    let object = |entries: Value| json!({"spec": {"entries": entries}});
    let old = object(json!([{"k": "a", "v": 5}, {"k": "b", "v": 1}]));
    let moved = object(json!([{"k": "b", "v": 1}, {"k": "new", "v": 0}, {"k": "a", "v": 4}]));
    let fields: Vec<String> = schema.validate_rules(&moved, Some(&old)).into_iter().map(|c| c.field).collect();
    assert_eq!(fields, ["spec.entries[2]"]);
}

#[test]
fn old_self_needs_items_that_can_be_told_apart() {
    let openapi = json!({"type": "object", "properties": {"l": {"type": "array", "maxItems": 4, "items": {
        "type": "string", "maxLength": 9, "x-kubernetes-validations": [{"rule": "self == oldSelf"}],
    }}}});
    let faults = Schema::parse(&openapi, "S").unwrap_err();
    assert!(faults[0].message.contains("uncorrelatable portion of the schema"), "{faults:?}");
}

#[test]
fn an_optional_old_self_is_asked_on_create_too() {
    let rule = json!({
        "rule": "oldSelf.hasValue() || self.number == 0", "message": "no", "optionalOldSelf": true,
    });
    let schema = Schema::parse(&openapi(rule), "S").unwrap();
    let object = |number: i64| json!({"spec": {"number": number}});
    assert_eq!(schema.validate_rules(&object(1), None).len(), 1);
    assert_eq!(schema.validate_rules(&object(0), None), []);
    assert_eq!(schema.validate_rules(&object(1), Some(&object(0))), []);
}

#[test]
fn an_error_while_running_refuses_the_object() {
    let causes = schema("self.texts[3] == 'x'").validate_rules(&json!({"spec": {"texts": []}}), None);
    assert_eq!(causes.len(), 1);
    assert!(causes[0].message.contains("evaluating rule: no"), "{causes:?}");
}
