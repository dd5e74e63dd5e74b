use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Small JSON values, with few names so that they collide.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4i64).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d~/]{1,2}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A JSON object.
pub(crate) fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d]", value(), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

#[test]
fn operations() {
    let table = [
        // RFC 6902, Appendix A.
        (json!({"foo":"bar"}), json!([{"op":"add","path":"/baz","value":"qux"}]), json!({"baz":"qux","foo":"bar"})),
        (
            json!({"foo":["bar","baz"]}),
            json!([{"op":"add","path":"/foo/1","value":"qux"}]),
            json!({"foo":["bar","qux","baz"]}),
        ),
        (json!({"baz":"qux","foo":"bar"}), json!([{"op":"remove","path":"/baz"}]), json!({"foo":"bar"})),
        (json!({"foo":["bar","qux","baz"]}), json!([{"op":"remove","path":"/foo/1"}]), json!({"foo":["bar","baz"]})),
        (
            json!({"baz":"qux","foo":"bar"}),
            json!([{"op":"replace","path":"/baz","value":"boo"}]),
            json!({"baz":"boo","foo":"bar"}),
        ),
        (
            json!({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}),
            json!([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]),
            json!({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}),
        ),
        (
            json!({"foo":["all","grass","cows","eat"]}),
            json!([{"op":"move","from":"/foo/1","path":"/foo/3"}]),
            json!({"foo":["all","cows","eat","grass"]}),
        ),
        (json!({"baz":"qux"}), json!([{"op":"test","path":"/baz","value":"qux"}]), json!({"baz":"qux"})),
        (
            json!({"foo":"bar"}),
            json!([{"op":"add","path":"/child","value":{"g":{}}}]),
            json!({"foo":"bar","child":{"g":{}}}),
        ),
        (
            json!({"foo":["bar"]}),
            json!([{"op":"add","path":"/foo/-","value":["abc","def"]}]),
            json!({"foo":["bar",["abc","def"]]}),
        ),
        (json!({"/":9,"~1":10}), json!([{"op":"test","path":"/~01","value":10}]), json!({"/":9,"~1":10})),
        (json!({"a":1}), json!([{"op":"copy","from":"/a","path":"/b"}]), json!({"a":1,"b":1})),
        (json!({"a":1}), json!([{"op":"replace","path":"","value":2}]), json!(2)),
        (json!({"a":1}), json!([{"op":"test","path":"/a","value":1.0}]), json!({"a":1})),
        (json!({"a":1}), json!([{"op":"test","path":"/none","value":null}]), json!({"a":1})),
        (json!({"a":1}), json!([]), json!({"a":1})),
    ];
    for (document, patch, expected) in table {
        assert_eq!(json_patch(&document, &patch), Ok(expected), "{document} with {patch}");
    }
}

#[test]
fn refused() {
    let missing = |op: &str, path: &str| JsonPatchError::MissingPath { op: op.into(), path: path.into() };
    let table = [
        (json!([{"op":"remove","path":"/nothing"}]), missing("remove", "/nothing")),
        (json!([{"op":"remove","path":""}]), missing("remove", "")),
        (json!([{"op":"replace","path":"/nothing","value":1}]), missing("replace", "/nothing")),
        (json!([{"op":"add","path":"/list/3","value":1}]), missing("add", "/list/3")),
        (json!([{"op":"add","path":"/list/01","value":1}]), missing("add", "/list/01")),
        (json!([{"op":"add","path":"/no/where","value":1}]), missing("add", "/no/where")),
        (json!([{"op":"add","path":"a","value":1}]), missing("add", "a")),
        (json!([{"op":"move","from":"/map","path":"/map/a"}]), missing("move", "/map/a")),
        (json!([{"op":"copy","from":"/none","path":"/b"}]), missing("copy", "/none")),
        (json!([{"op":"test","path":"/map","value":1}]), JsonPatchError::TestFailed { path: "/map".into() }),
    ];
    let document = json!({"list":[1],"map":{}});
    for (patch, expected) in table {
        assert_eq!(json_patch(&document, &patch), Err(expected), "{patch}");
    }
    assert!(matches!(
        json_patch(&document, &json!([{"op":"frob","path":"/a"}])),
        Err(JsonPatchError::BadOperation { index: 0, .. })
    ));
    assert!(matches!(
        json_patch(&document, &json!([{"op":"add","path":"/a"}])),
        Err(JsonPatchError::BadOperation { .. })
    ));
    assert!(matches!(json_patch(&document, &json!([7])), Err(JsonPatchError::BadOperation { .. })));
    let many = Value::Array(vec![json!({"op":"test","path":"/list/0","value":1}); MAX_OPERATIONS + 1]);
    assert_eq!(json_patch(&document, &many), Err(JsonPatchError::TooLarge(MAX_OPERATIONS + 1)));
}

/// The text that kube-apiserver answers (golden status-03b).
#[test]
fn not_a_list() {
    let error = json_patch(&json!({}), &json!({"op":"remove"})).expect_err("no list");
    assert_eq!(
        error.to_string(),
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    );
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

proptest! {
    #[test]
    fn added_is_found_and_removal_undoes_it(document in object(), name in "[x-z~/]{1,3}", added in value()) {
        let path = format!("/{}", escape(&name));
        let with = json_patch(&document, &json!([{"op":"add","path":path,"value":added}])).expect("an object takes any name");
        prop_assert_eq!(with.get(&name), Some(&added));
        let without = json_patch(&with, &json!([{"op":"test","path":path,"value":added},{"op":"remove","path":path}])).expect("it is there");
        prop_assert_eq!(without, document);
    }

    #[test]
    fn any_patch_is_answered(document in value(), patch in value()) {
        let _ = json_patch(&document, &patch);
    }
}
