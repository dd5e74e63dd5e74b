//! What holds for any object and any schema.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use herald_apiserver_schema::{Part, Schema, duplicate_fields};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec!["a", "b", "c", "spec", "metadata", "kind"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e3..1e3).prop_map(Value::from),
        "[a-c]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let names = names.clone();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

/// Structural schemas over the same field names.
fn any_shape() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        Just(json!({"type": "string", "maxLength": 2})),
        Just(json!({"type": "string", "default": "d"})),
        Just(json!({"type": "integer", "nullable": true, "default": 3})),
        Just(json!({"type": "boolean"})),
        Just(json!({"x-kubernetes-int-or-string": true})),
        Just(json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})),
    ];
    leaf.prop_recursive(3, 20, 4, move |inner| {
        let names = names.clone();
        prop_oneof![
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            inner.clone().prop_map(|entries| json!({"type": "object", "additionalProperties": entries})),
            prop::collection::vec((names, inner), 1..4).prop_map(|fields| {
                let properties: Map<String, Value> =
                    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                json!({"type": "object", "properties": properties})
            }),
        ]
    })
}

fn schema(spec: &Value) -> Schema {
    Schema::parse(&json!({"type": "object", "properties": {"spec": spec}}), "S").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn pruning_and_defaulting_come_to_rest(shape in any_shape(), value in any_json()) {
        let schema = schema(&shape);
        let mut once = json!({"spec": value});
        schema.prune(&mut once);
        prop_assert_eq!(schema.prune(&mut once.clone()), Vec::<String>::new());
        schema.apply_defaults(&mut once);
        let mut twice = once.clone();
        schema.prune(&mut twice);
        schema.apply_defaults(&mut twice);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn an_object_is_valid_against_itself(shape in any_shape(), value in any_json()) {
        let schema = schema(&shape);
        let object = json!({"spec": value});
        prop_assert_eq!(schema.validate(&object, Some(&object), Part::Object), vec![]);
    }

    #[test]
    fn no_schema_is_too_strange_to_read(strange in any_json()) {
        // Any answer will do, as long as there is one.
        if let Ok(schema) = Schema::parse(&strange, "S") {
            let mut object = json!({"spec": strange});
            schema.prune(&mut object);
            schema.apply_defaults(&mut object);
            let _ = schema.check(&object, None, Part::Object);
        }
    }

    #[test]
    fn encoded_values_have_no_duplicates(value in any_json()) {
        prop_assert_eq!(duplicate_fields(value.to_string().as_bytes()), Vec::<String>::new());
    }
}

#[test]
fn duplicates_are_found_at_any_depth() {
    let text = br#"{"a":1,"b":{"c":[{"d":1,"d":{"e":1,"e":2}},{"d":1}]},"a":{"x":1,"x":2},"a":3}"#;
    assert_eq!(duplicate_fields(text), ["b.c[0].d", "a"]);
    assert_eq!(duplicate_fields(b"{\"a\":1,\"a\""), [""; 0]);
}
