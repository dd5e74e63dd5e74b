use serde_json::{Value, json};

use crate::{accepts, refuses};

fn term(term: &Value) -> Value {
    json!({"nodeSelectors": [{"matchExpressions": [term]}]})
}

#[test]
fn accepted() {
    accepts(
        "L2Advertisement",
        "v1beta1",
        [
            term(&json!({"key": "zone", "operator": "In", "values": ["a"]})),
            term(&json!({"key": "zone", "operator": "NotIn", "values": ["a", "b"]})),
            term(&json!({"key": "zone", "operator": "Exists"})),
            term(&json!({"key": "zone", "operator": "DoesNotExist", "values": []})),
            json!({"nodeSelectors": [{"matchLabels": {"kubernetes.io/hostname": "node-a"}}, {}]}),
        ],
    );
}

#[test]
fn refused() {
    let at = "spec.nodeSelectors[0].matchExpressions[0]";
    refuses(
        "L2Advertisement",
        "v1beta1",
        [
            (
                term(&json!({"key": "zone", "operator": "Equals", "values": ["a"]})),
                at,
                ["key \"zone\" has the unknown operator \"Equals\"", "write In, NotIn, Exists or DoesNotExist"],
            ),
            (
                term(&json!({"key": "zone", "operator": "In"})),
                at,
                ["key \"zone\" with operator In has no values", "list at least one"],
            ),
            (
                term(&json!({"key": "zone", "operator": "NotIn", "values": []})),
                at,
                ["key \"zone\" with operator NotIn has no values", "list at least one"],
            ),
            (
                term(&json!({"key": "zone", "operator": "Exists", "values": ["a"]})),
                at,
                ["key \"zone\" with operator Exists takes no values", "remove them"],
            ),
        ],
    );
    refuses(
        "L2Advertisement",
        "v1beta1",
        [
            (term(&json!({"operator": "Exists"})), "spec.nodeSelectors[0].matchExpressions[0].key", ["Required value"]),
            (term(&json!({"key": "zone"})), "spec.nodeSelectors[0].matchExpressions[0].operator", ["Required value"]),
        ],
    );
}
