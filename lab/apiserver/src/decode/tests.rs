use herald_apiserver_patch::builtin;
use serde_json::json;

use super::*;

fn service(mut object: Value) -> (Value, Vec<String>) {
    let ty = builtin("v1", "Service").unwrap();
    let decoded = decode(ty, "v1", "Service", &mut object).unwrap();
    (object, decoded.unknown)
}

#[test]
fn unknown_fields_are_named_and_taken_out() {
    let (object, unknown) = service(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "other": 1},
        "spec": {"ports": [{"port": 80, "colour": "red"}], "Type": "x"},
    }));
    assert_eq!(unknown, ["metadata.other", "spec.Type", "spec.ports[0].colour"]);
    assert_eq!(object["spec"], json!({"ports": [{"port": 80}]}));
}

#[test]
fn empty_values_are_left_out_unless_they_are_pointers() {
    let (object, _) = service(json!({
        "metadata": {"labels": {}, "generateName": "", "annotations": {"k": ""}},
        "spec": {"clusterIP": "", "selector": {}, "ports": [{"port": 80, "nodePort": 0}],
                 "allocateLoadBalancerNodePorts": false, "publishNotReadyAddresses": false, "type": null},
        "status": {"conditions": [{"type": "D"}]},
    }));
    assert_eq!(object["metadata"], json!({"annotations": {"k": ""}}));
    assert_eq!(object["spec"], json!({"ports": [{"port": 80}], "allocateLoadBalancerNodePorts": false}));
    assert_eq!(
        object["status"],
        json!({"loadBalancer": {}, "conditions": [
            {"type": "D", "status": "", "reason": "", "message": "", "lastTransitionTime": null},
        ]})
    );
}

#[test]
fn wrong_types_are_refused() {
    let ty = builtin("v1", "Service").unwrap();
    for (bad, words) in [
        (json!({"spec": {"ports": [{"port": "80"}]}}), "cannot unmarshal string"),
        (json!({"spec": []}), "cannot unmarshal array"),
        (json!({"metadata": {"name": true}}), "cannot unmarshal bool"),
        (json!({"metadata": {"labels": {"a": 1}}}), "cannot unmarshal number"),
    ] {
        let error = decode(ty, "v1", "Service", &mut bad.clone()).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn times_are_read_as_go_reads_them() {
    assert_eq!(microtime("2024-01-01T02:00:05.000000+02:00").unwrap(), "2024-01-01T00:00:05.000000Z");
    assert_eq!(time("2024-01-01T00:00:05.999Z").unwrap(), "2024-01-01T00:00:05Z");
    let layout = r#"as "2006-01-02T15:04:05.000000Z07:00": cannot parse"#;
    for (bad, rest, element) in [
        ("2024-01-01T00:00:05Z", "Z", ".000000"),
        ("2024-01-01T00:00:05.123Z", ".123Z", ".000000"),
        ("2024-01-01T00:00:05.123456789Z", "789Z", "Z07:00"),
        ("now", "now", "2006"),
    ] {
        assert_eq!(microtime(bad).unwrap_err(), format!("parsing time {bad:?} {layout} {rest:?} as {element:?}"));
    }
}

#[test]
fn bytes_must_be_base64() {
    let ty = builtin("v1", "Secret").unwrap();
    let secret = |data: &str| decode(ty, "v1", "Secret", &mut json!({"data": {"k": data}}));
    assert_eq!(secret("dmFsdWU=").unwrap(), Decoded::default());
    assert_eq!(secret("not base64!").unwrap_err(), "illegal base64 data at input byte 3");
    assert_eq!(secret("1").unwrap_err(), "illegal base64 data at input byte 0");
}
