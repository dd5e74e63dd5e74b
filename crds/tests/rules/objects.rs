//! The kinds that programs write: their status.

use herald_apiserver_schema::Part;
use serde_json::{Value, json};

use crate::{object, schema};

fn status_refusals(kind: &str, new: &Value, old: Option<&Value>) -> Vec<String> {
    let with_status = |status: &Value| {
        let mut object = object(kind, "v1beta1", &json!({}));
        object["status"] = status.clone();
        object
    };
    let schema = schema(kind, "v1beta1");
    let new = with_status(new);
    let old = old.map(with_status);
    let causes = schema.check(&new, old.as_ref(), Part::Status);
    causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
}

#[test]
fn which_service_a_status_is_about_never_changes() {
    for kind in ["ServiceL2Status", "ServiceBGPStatus"] {
        let status = json!({"node": "a", "serviceName": "web", "serviceNamespace": "shop"});
        assert_eq!(status_refusals(kind, &status, None), Vec::<String>::new());
        assert_eq!(status_refusals(kind, &status, Some(&status)), Vec::<String>::new());
        for field in ["node", "serviceName", "serviceNamespace"] {
            let mut changed = status.clone();
            changed[field] = json!("other");
            let refusals = status_refusals(kind, &changed, Some(&status));
            assert_eq!(refusals.len(), 1, "{refusals:?}");
            assert!(refusals[0].starts_with(&format!("status.{field}: ")), "{refusals:?}");
            assert!(refusals[0].contains("to \"other\": delete the object"), "{refusals:?}");
        }
        let mut elsewhere = status.clone();
        elsewhere["interfaces"] = json!([{"name": "eth0"}]);
        if kind == "ServiceL2Status" {
            assert_eq!(status_refusals(kind, &elsewhere, Some(&status)), Vec::<String>::new());
        }
    }
}

#[test]
fn a_status_that_nobody_announces_may_name_a_node_later_and_drop_it_again() {
    let of = |more: serde_json::Value| {
        let mut status = json!({"serviceName": "web", "serviceNamespace": "shop"});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        status
    };
    let nobody = of(json!({"conditions": [{
        "type": "Announced", "status": "False", "reason": "NoReadyEndpoints", "message": "why",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}));
    let announced = of(json!({"node": "a"}));
    assert_eq!(status_refusals("ServiceL2Status", &nobody, None), Vec::<String>::new());
    assert_eq!(status_refusals("ServiceL2Status", &announced, Some(&nobody)), Vec::<String>::new());
    assert_eq!(status_refusals("ServiceL2Status", &nobody, Some(&announced)), Vec::<String>::new());
}

#[test]
fn a_configuration_is_valid_invalid_or_unknown() {
    let result = |result: &str| json!({"result": result, "errorSummary": "words"});
    for good in ["Valid", "Invalid", "Unknown"] {
        assert!(status_refusals("ConfigurationState", &result(good), None).is_empty());
    }
    let refusals = status_refusals("ConfigurationState", &result("Fine"), None);
    assert!(refusals[0].contains("Unsupported value: \"Fine\""), "{refusals:?}");
}

#[test]
fn conditions_are_a_map_by_type() {
    let condition = |type_: &str, status: &str| {
        json!({
            "type": type_, "status": status, "reason": "Because", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
        })
    };
    for kind in [
        "IPAddressPool",
        "L2Advertisement",
        "BGPAdvertisement",
        "BFDProfile",
        "Community",
        "ConfigurationState",
        "BGPSessionState",
    ] {
        let refusals = |conditions: Value| {
            // The spec of a pool needs addresses, but a write of the status doesn't look at it.
            status_refusals(kind, &json!({"conditions": conditions}), None)
                .into_iter()
                .filter(|line| line.starts_with("status"))
                .collect::<Vec<_>>()
        };
        let good = json!([condition("Accepted", "True"), condition("Conflicted", "False")]);
        assert_eq!(refusals(good), Vec::<String>::new(), "{kind}");
        let twice = json!([condition("Accepted", "True"), condition("Accepted", "False")]);
        assert!(refusals(twice)[0].contains("Duplicate value"), "{kind}");
        let odd = json!([condition("Accepted", "Maybe")]);
        assert!(refusals(odd)[0].contains("Unsupported value: \"Maybe\""), "{kind}");
    }
}
