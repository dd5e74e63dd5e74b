//! Answers recorded from a real kube-apiserver, step by step against the pure functions.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use herald_apiserver_schema::{Part, Schema, field_warnings, strict_decoding_error, summary};
use serde_json::{Value, json};

/// A recorded file beside the API server's own tests.
fn golden(file: &str) -> Vec<Value> {
    let path = format!("{}/../tests/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut recorded: Value = serde_json::from_str(&text).unwrap();
    recorded["steps"].as_array_mut().map(std::mem::take).unwrap()
}

fn step<'a>(steps: &'a [Value], name: &str) -> &'a Value {
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name}"))
}

/// The schema of a version in the CRD that a file's step `create CRD` posts.
fn schema(steps: &[Value], version: &str) -> Schema {
    let versions = &step(steps, "create CRD")["body"]["spec"]["versions"];
    let version = versions.as_array().unwrap().iter().find(|v| v["name"] == version).unwrap();
    Schema::parse(&version["schema"]["openAPIV3Schema"], "schema").unwrap()
}

/// The causes recorded for a refused request, in a form that does not depend on their order.
fn recorded_causes(step: &Value) -> Vec<Value> {
    sorted(step["expect"]["body"]["details"]["causes"].as_array().unwrap().clone())
}

fn sorted(mut causes: Vec<Value>) -> Vec<Value> {
    causes.sort_by_key(Value::to_string);
    causes
}

#[test]
fn created_objects_are_defaulted_pruned_and_refused_as_recorded() {
    let steps = golden("crd-05b-objects");
    let (mut stored, mut refused, mut warned, mut strict) = (0, 0, 0, 0);
    for step in steps.iter().filter(|step| step["method"] == "POST") {
        let Some(version) = ["v1beta1", "v1beta2"].into_iter().find(|version| {
            let path = step["path"].as_str().unwrap();
            path.contains(version) && step["body"]["apiVersion"] == json!(format!("metallb.io/{version}"))
        }) else {
            continue;
        };
        let name = step["name"].as_str().unwrap();
        if ["wrong kind", "bad name"].contains(&name) {
            continue; // metadata and kind are the server's to check
        }
        let schema = schema(&steps, version);
        let mut object = step["body"].clone();
        let unknown = schema.prune(&mut object);
        schema.apply_defaults(&mut object);
        let expect = &step["expect"];
        if let Some(texts) = expect["headers"]["warning"].as_array() {
            let headers: Vec<Value> = field_warnings(&unknown, &[])
                .iter()
                .map(|text| json!(format!("299 - {}", herald_apiserver_schema::quote(text))))
                .collect();
            assert_eq!(&headers, texts, "{name}");
            warned += 1;
        }
        match expect["status"].as_i64().unwrap() {
            201 => {
                object.as_object_mut().unwrap().remove("status"); // create through the object drops status
                let causes = schema.check(&object, None, Part::Object);
                assert_eq!(causes, [], "{name}");
                assert_eq!(object["spec"], expect["body"]["spec"], "{name}");
                stored += 1;
            }
            400 => {
                let text = strict_decoding_error(&unknown, &[]).unwrap();
                assert!(expect["body"]["message"].as_str().unwrap().ends_with(&text), "{name}: {text}");
                strict += 1;
            }
            422 => {
                let causes = schema.check(&object, None, Part::Object);
                let json = sorted(causes.iter().map(|cause| cause.to_json()).collect());
                assert_eq!(json, recorded_causes(step), "{name}");
                if name != "minimum and type" {
                    let message = expect["body"]["message"].as_str().unwrap();
                    assert_eq!(message.split_once(" is invalid: ").unwrap().1, summary(&causes), "{name}");
                }
                refused += 1;
            }
            other => panic!("{name}: unexpected status {other}"),
        }
    }
    assert!(stored >= 8 && refused >= 15 && warned >= 2 && strict == 1, "{stored} {refused} {warned} {strict}");
}

#[test]
fn a_transition_rule_sees_the_old_object() {
    let steps = golden("crd-05b-objects");
    let schema = schema(&steps, "v1beta1");
    let old = json!({"spec": {"addresses": ["192.0.2.0/24"], "mode": "L2"}});
    let new = json!({"spec": {"addresses": ["192.0.2.0/24"], "mode": "BGP"}});
    let causes: Vec<Value> = schema.check(&new, Some(&old), Part::Object).iter().map(|c| c.to_json()).collect();
    assert_eq!(causes, recorded_causes(step(&steps, "transition rule")));
    assert_eq!(schema.check(&old, Some(&old), Part::Object), []);
    assert_eq!(schema.check(&new, None, Part::Object), []);
}

#[test]
fn a_status_is_checked_by_itself() {
    let steps = golden("crd-05c-status");
    let schema = schema(&steps, "v1beta1");
    let old = json!({"spec": {"addresses": ["192.0.2.0/24"], "mode": "L2"}, "status": {"assigned": 3}});
    let mut checked = 0;
    for step in &steps {
        let patches_status = step["method"] == "PATCH" && step["path"].as_str().unwrap().ends_with("/status");
        let is_merge = step["headers"]["Content-Type"] == "application/merge-patch+json";
        if !(patches_status && is_merge && step["expect"]["status"] == 422) {
            continue;
        }
        let mut new = old.clone();
        for (name, value) in step["body"]["status"].as_object().unwrap() {
            new["status"][name] = value.clone();
        }
        let causes = schema.check(&new, Some(&old), Part::Status).iter().map(|c| c.to_json()).collect();
        assert_eq!(sorted(causes), recorded_causes(step), "{}", step["name"]);
        checked += 1;
    }
    assert!(checked >= 3, "only {checked} steps were checked");
}

#[test]
fn schemas_are_refused_as_recorded() {
    let steps = golden("crd-05e-invalid");
    let names = [
        "CEL cost too high",
        "CEL that does not compile",
        "not structural: no type",
        "default not valid",
        "list map without keys",
        "uniqueItems",
    ];
    for name in names {
        let step = step(&steps, name);
        let openapi = &step["body"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let causes = Schema::parse(openapi, "spec.validation.openAPIV3Schema").unwrap_err();
        let json: Vec<Value> = causes.iter().map(|cause| cause.to_json()).collect();
        assert_eq!(sorted(json), recorded_causes(step), "{name}");
    }
}
