//! Schemas that are refused, and the words in which.

use herald_apiserver_schema::{Cause, Schema};
use serde_json::{Value, json};

/// The faults of a schema whose only field of note is `spec.x`.
fn faults_of_field(x: Value) -> Vec<String> {
    faults(json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": x}}}}))
}

fn faults(openapi: Value) -> Vec<String> {
    Schema::parse(&openapi, "S").err().unwrap_or_default().iter().map(Cause::to_string).collect()
}

const X: &str = "S.properties[spec].properties[x]";

#[test]
fn what_cannot_be_a_field() {
    let cases = [
        (json!({}), ".type: Required value: must not be empty for specified object fields"),
        (json!({"type": "array"}), ".items: Required value: must be specified"),
        (
            json!({"type": "array", "items": {}}),
            ".items.type: Required value: must not be empty for specified array items",
        ),
        (json!({"type": "null"}), ".type: Forbidden: type cannot be set to null, use nullable as an alternative"),
        (
            json!({"type": "text"}),
            r#".type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string""#,
        ),
        (
            json!({"type": "object", "additionalProperties": false}),
            ".additionalProperties: Forbidden: additionalProperties cannot be set to false",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (json!({"type": "string", "$ref": "#/x"}), ".$ref: Forbidden: $ref is not supported"),
        (
            json!({"type": "string", "uniqueItems": true}),
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            json!({"type": "string", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}),
            r#".type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true"#,
        ),
        (
            json!({"type": "object", "x-kubernetes-embedded-resource": true}),
            ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without \
             x-kubernetes-preserve-unknown-fields",
        ),
        (
            json!({"type": "string", "x-kubernetes-list-type": "set"}),
            r#".type: Invalid value: "string": must be array if x-kubernetes-list-type is specified"#,
        ),
        (
            json!({"type": "object", "x-kubernetes-map-type": "loose"}),
            r#".x-kubernetes-map-type: Unsupported value: "loose": supported values: "atomic", "granular""#,
        ),
    ];
    for (schema, expected) in cases {
        let found = faults_of_field(schema.clone());
        assert!(found.contains(&format!("{X}{expected}")), "{schema}\n{found:#?}");
    }
}

#[test]
fn a_pattern_must_be_a_regular_expression() {
    let found = faults_of_field(json!({"type": "string", "pattern": "["}));
    assert_eq!(found.len(), 1);
    let start = format!(r#"{X}.pattern: Invalid value: "[": must be a valid regular expression, but isn't: "#);
    assert!(found[0].starts_with(&start), "{found:?}");
}

#[test]
fn the_root_is_an_object_with_metadata_of_its_own() {
    assert_eq!(faults(json!({})), ["S.type: Required value: must not be empty at the root"]);
    assert_eq!(faults(json!({"type": "string"})), [r#"S.type: Invalid value: "string": must be object at the root"#]);
    let with = |metadata: Value| faults(json!({"type": "object", "properties": {"metadata": metadata}}));
    assert_eq!(with(json!({"type": "object"})), [""; 0]);
    assert_eq!(with(json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}})), [""; 0]);
    assert_eq!(
        with(json!({"type": "object", "properties": {"labels": {"type": "object"}}})),
        [
            "S.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is \
          implicitly specified"
        ]
    );
    assert_eq!(
        faults(json!({"type": "object", "properties": {"kind": {"type": "integer"}}})),
        [r#"S.properties[kind].type: Invalid value: "integer": must be string"#]
    );
}

#[test]
fn junctors_narrow_but_do_not_shape() {
    let x = json!({
        "type": "object", "properties": {"a": {"type": "string"}},
        "anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"minLength": 1}}}],
        "not": {"default": 1},
    });
    let found = faults_of_field(x);
    let expected = [
        format!("{X}.anyOf[0].properties[a].type: Forbidden: must be empty to be structural"),
        format!("{X}.not.default: Forbidden: must be undefined to be structural"),
        format!("{X}.properties[b]: Required value: because it is defined in {X}.anyOf[1].properties[b]"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn int_or_string_may_name_its_types() {
    let types = json!([{"type": "integer"}, {"type": "string"}]);
    assert_eq!(faults_of_field(json!({"x-kubernetes-int-or-string": true, "anyOf": types})), [""; 0]);
    let all = json!([{"anyOf": types}, {"pattern": "^[0-9]+%?$"}]);
    assert_eq!(faults_of_field(json!({"x-kubernetes-int-or-string": true, "allOf": all})), [""; 0]);
    assert_eq!(faults_of_field(json!({"type": "string", "anyOf": types})).len(), 2);
}

#[test]
fn list_maps_need_keys_that_are_always_there() {
    let list = |keys: Value, item: Value| {
        faults_of_field(json!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys, "items": item,
        }))
    };
    let item = json!({"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]});
    assert_eq!(list(json!(["k"]), item), [""; 0]);
    let item = json!({"type": "object", "properties": {"k": {"type": "string", "default": "d"}}});
    assert_eq!(list(json!(["k"]), item), [""; 0]);
    let item = json!({"type": "object", "properties": {"k": {"type": "string"}}});
    assert_eq!(
        list(json!(["k"]), item.clone()),
        [format!(
            "{X}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must \
             have a default or be a required property"
        )]
    );
    assert!(list(json!(["missing"]), item)[0].contains("entries must all be names of item properties"));
}

#[test]
fn defaults_must_fit() {
    assert_eq!(
        faults_of_field(json!({"type": "string", "maxLength": 2, "default": "long"})),
        [format!("{X}.default: Too long: may not be more than 2 bytes")]
    );
    assert_eq!(
        faults_of_field(json!({"type": "object", "default": {"a": 1}, "properties": {"a": {"type": "string"}}})),
        [format!(r#"{X}.default.a: Invalid value: "integer": a in body must be of type string: "integer""#)]
    );
    assert_eq!(
        faults_of_field(json!({"type": "object", "default": {"b": 1}, "properties": {"a": {"type": "string"}}})).len(),
        1
    );
    // A default is completed by those below it.
    let nested = json!({
        "type": "object", "default": {}, "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}},
    });
    assert_eq!(faults_of_field(nested), [""; 0]);
}

#[test]
fn depth_is_bounded() {
    let mut schema = json!({"type": "string"});
    for _ in 0..150 {
        schema = json!({"type": "object", "properties": {"a": schema}});
    }
    let found = faults(schema);
    assert!(found.iter().any(|fault| fault.contains("nested at most")), "{found:?}");
}

#[test]
fn a_schema_keeps_its_source() {
    let openapi = json!({"type": "object", "properties": {"spec": {"type": "object"}}});
    assert_eq!(Schema::parse(&openapi, "S").unwrap().source(), &openapi);
}
