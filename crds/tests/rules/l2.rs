use serde_json::{Value, json};

use crate::{accepts, object, refusals, refuses, schema};

#[test]
fn accepted() {
    accepts(
        "L2Advertisement",
        "v1beta1",
        [
            json!({}),
            json!({"ipAddressPools": ["public-pool"], "interfaces": ["eth0", "eth0"]}),
            json!({"preferredNodeSelectors": [
                {"weight": 1, "preference": {}},
                {"weight": 100, "preference": {"matchLabels": {"a": "b"}}},
            ]}),
        ],
    );
}

/// `kind: L2Advertisement` and a name is all that many tutorials write.
#[test]
fn a_spec_is_not_needed() {
    for kind in ["L2Advertisement", "BGPAdvertisement", "BFDProfile", "Community"] {
        let schema = schema(kind, "v1beta1");
        let mut bare = object(kind, "v1beta1", &Value::Null);
        bare.as_object_mut().unwrap().remove("spec");
        assert_eq!(refusals(&schema, &bare, None), Vec::<String>::new(), "{kind}");
        schema.apply_defaults(&mut bare);
        assert!(bare["spec"].is_object(), "{bare}");
    }
}

#[test]
fn refused() {
    let preferred = |entry: Value| json!({"preferredNodeSelectors": [entry]});
    refuses(
        "L2Advertisement",
        "v1beta1",
        [
            (json!({"ipAddressPools": ["a", "a"]}), "spec.ipAddressPools[1]", ["Duplicate value: \"a\""]),
            (
                preferred(json!({"weight": 0, "preference": {}})),
                "spec.preferredNodeSelectors[0].weight",
                ["greater than or equal to 1"],
            ),
            (
                preferred(json!({"weight": 101, "preference": {}})),
                "spec.preferredNodeSelectors[0].weight",
                ["less than or equal to 100"],
            ),
            (preferred(json!({"weight": 1})), "spec.preferredNodeSelectors[0].preference", ["Required value"]),
            (preferred(json!({"preference": {}})), "spec.preferredNodeSelectors[0].weight", ["Required value"]),
            (json!({"interfaces": [""]}), "spec.interfaces[0]", ["at least 1 chars long"]),
        ],
    );
}
