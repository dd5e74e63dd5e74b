//! Values against schemas: defaults, pruning, validation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use herald_apiserver_schema::{Cause, Part, Schema};
use serde_json::{Value, json};

fn schema(x: Value) -> Schema {
    let openapi = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"x": x}},
        "status": {"type": "object", "properties": {"y": {"type": "integer"}}},
    }});
    Schema::parse(&openapi, "S").unwrap()
}

fn object(x: Value) -> Value {
    json!({"apiVersion": "a/v1", "kind": "K", "metadata": {"name": "n"}, "spec": {"x": x}})
}

fn faults(schema: Value, value: Value) -> Vec<String> {
    self::schema(schema).check(&object(value), None, Part::Object).iter().map(Cause::to_string).collect()
}

/// The faults without the remark that rules were not checked.
fn own_faults(schema: Value, value: Value) -> Vec<String> {
    faults(schema, value).into_iter().filter(|fault| !fault.contains("were not checked")).collect()
}

#[test]
fn bounds() {
    let cases = [
        (
            json!({"type": "string", "minLength": 3}),
            json!("ab"),
            r#"Invalid value: "ab": spec.x in body should be at least 3 chars long"#,
        ),
        (json!({"type": "string", "maxLength": 1}), json!("ab"), "Too long: may not be more than 1 bytes"),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
            json!(1),
            "Invalid value: 1: spec.x in body should be greater than 1",
        ),
        (
            json!({"type": "integer", "maximum": 1, "exclusiveMaximum": true}),
            json!(1),
            "Invalid value: 1: spec.x in body should be less than 1",
        ),
        (
            json!({"type": "integer", "multipleOf": 5}),
            json!(7),
            "Invalid value: 7: spec.x in body should be a multiple of 5",
        ),
        (
            json!({"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}}),
            json!({"a": "", "b": ""}),
            "Too many: 2: must have at most 1 item",
        ),
        (
            json!({"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}),
            json!({}),
            "Invalid value: {}: spec.x in body should have at least 1 properties",
        ),
        (json!({"type": "integer", "enum": [1, 2]}), json!(3), r#"Unsupported value: 3: supported values: "1", "2""#),
        (
            json!({"type": "boolean"}),
            json!("true"),
            r#"Invalid value: "string": spec.x in body must be of type boolean: "string""#,
        ),
        (
            json!({"type": "object", "properties": {}}),
            json!([]),
            r#"Invalid value: "array": spec.x in body must be of type object: "array""#,
        ),
    ];
    for (schema, value, expected) in cases {
        assert_eq!(own_faults(schema.clone(), value.clone()), [format!("spec.x: {expected}")], "{schema} {value}");
    }
}

#[test]
fn numbers_that_fit_raise_nothing() {
    for (schema, value) in [
        (json!({"type": "integer"}), json!(3.0)),
        (json!({"type": "number"}), json!(3)),
        (json!({"type": "integer", "format": "int64"}), json!(i64::MAX)),
        (json!({"type": "integer", "minimum": 9_007_199_254_740_993_i64}), json!(9_007_199_254_740_993_i64)),
        (json!({"type": "number", "multipleOf": 0.5}), json!(1.5)),
    ] {
        assert_eq!(faults(schema.clone(), value.clone()), [""; 0], "{schema} {value}");
    }
    let too_large = own_faults(json!({"type": "integer", "format": "int32"}), json!(3_000_000_000_i64));
    assert_eq!(
        too_large,
        [r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.x"#]
    );
}

#[test]
fn formats() {
    let accepts =
        |format: &str, text: &str| own_faults(json!({"type": "string", "format": format}), json!(text)).is_empty();
    for (format, good, bad) in [
        ("date-time", "2024-01-01T00:00:00Z", "2024-01-01"),
        ("date", "2024-02-28", "2024-2-28"),
        ("duration", "1h30m", "90 minutes"),
        ("byte", "aGVyYWxk", "not base64!"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8::g"),
        ("cidr", "192.0.2.0/24", "192.0.2.0/33"),
        ("mac", "02:00:5e:10:00:01", "02:00:5e:10:00"),
        ("uuid", "00000000-0000-4000-8000-000000000000", "0"),
        ("hostname", "a.example.com", "-a"),
    ] {
        assert!(accepts(format, good), "{format} {good}");
        assert!(!accepts(format, bad), "{format} {bad}");
    }
    assert!(accepts("no-such-format", "anything"));
}

#[test]
fn one_of_counts_the_alternatives_that_fit() {
    let schema = json!({"type": "string", "oneOf": [{"minLength": 2}, {"maxLength": 3}]});
    assert_eq!(own_faults(schema.clone(), json!("a")), [""; 0]);
    assert_eq!(
        own_faults(schema, json!("abc")),
        [
            r#"<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
        ]
    );
    let schema = json!({"type": "string", "not": {"pattern": "^a"}});
    assert_eq!(
        own_faults(schema, json!("abc")),
        [r#"<nil>: Invalid value: "": "spec.x" must not validate the schema (not)"#]
    );
    let schema = json!({"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "c$"}]});
    assert_eq!(own_faults(schema.clone(), json!("abc")), [""; 0]);
    assert_eq!(own_faults(schema, json!("ab")).len(), 2);
}

#[test]
fn null_needs_permission() {
    let nullable = json!({"type": "string", "nullable": true, "minLength": 1});
    assert_eq!(faults(nullable, Value::Null), [""; 0]);
    assert_eq!(
        own_faults(json!({"type": "string"}), Value::Null),
        [r#"spec.x: Invalid value: "null": spec.x in body must be of type string: "null""#]
    );
}

#[test]
fn defaults_reach_into_lists_and_maps() {
    let item = json!({"type": "object", "properties": {"n": {"type": "integer", "default": 7}}});
    let schema = schema(json!({"type": "object", "properties": {
        "list": {"type": "array", "items": item},
        "map": {"type": "object", "additionalProperties": item},
        "keep": {"type": "string", "nullable": true, "default": "d"},
        "gone": {"type": "string"},
        "set": {"type": "string", "default": "d"},
    }}));
    let mut value = object(json!({
        "list": [{}, {"n": 1}], "map": {"a": {}}, "keep": null, "gone": null, "set": null,
    }));
    schema.apply_defaults(&mut value);
    assert_eq!(
        value["spec"]["x"],
        json!({"list": [{"n": 7}, {"n": 1}], "map": {"a": {"n": 7}}, "keep": null, "set": "d"})
    );
}

#[test]
fn pruning_names_what_it_removes() {
    let schema = schema(json!({"type": "object", "properties": {
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
            "known": {"type": "object", "properties": {}},
        }},
        "embedded": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
    }}));
    let mut value = object(json!({
        "free": {"any": {"thing": 1}, "known": {"not": 1}},
        "embedded": {"apiVersion": "v1", "kind": "K", "metadata": {"name": "e", "extra": 1}, "spec": {"x": 1}, "y": 1},
        "list": [{"a": "", "b": ""}],
        "other": 1,
    }));
    value["metadata"]["colour"] = json!("red");
    value["metadata"]["labels"] = json!({"a": "b"});
    let unknown = schema.prune(&mut value);
    assert_eq!(
        unknown,
        [
            "metadata.colour",
            "spec.x.embedded.metadata.extra",
            "spec.x.embedded.spec.x",
            "spec.x.embedded.y",
            "spec.x.free.known.not",
            "spec.x.list[0].b",
            "spec.x.other",
        ]
    );
    assert_eq!(value["spec"]["x"]["free"], json!({"any": {"thing": 1}, "known": {}}));
    assert_eq!(value["metadata"], json!({"name": "n", "labels": {"a": "b"}}));
    assert_eq!(schema.prune(&mut value), [""; 0]);
}

#[test]
fn embedded_resources_say_what_they_are() {
    let schema = json!({
        "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true,
    });
    assert_eq!(own_faults(schema, json!({"kind": "K"})), ["spec.x.apiVersion: Required value: must not be empty"]);
}

#[test]
fn what_did_not_change_is_not_held_against_an_update() {
    let schema = schema(json!({"type": "object", "properties": {
        "a": {"type": "string", "maxLength": 2}, "b": {"type": "string"},
    }}));
    let old = object(json!({"a": "long", "b": "1"}));
    let same = object(json!({"a": "long", "b": "2"}));
    assert_eq!(schema.check(&same, Some(&old), Part::Object), []);
    let worse = object(json!({"a": "longer", "b": "2"}));
    assert_eq!(schema.validate(&worse, Some(&old), Part::Object).len(), 1);
}

#[test]
fn a_status_write_looks_at_status_alone() {
    let schema = schema(json!({"type": "string", "maxLength": 1}));
    let mut value = object(json!("too long"));
    value["status"] = json!({"y": "no"});
    let fields: Vec<String> = schema.validate(&value, None, Part::Status).into_iter().map(|c| c.field).collect();
    assert_eq!(fields, ["status.y"]);
}

#[test]
fn duplicates_in_sets_are_named_once() {
    let schema = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
    assert_eq!(
        own_faults(schema, json!(["a", "b", "a", "a", "b"])),
        [r#"spec.x[2]: Duplicate value: "a""#, r#"spec.x[4]: Duplicate value: "b""#]
    );
}
