//! Leases: leader election.

use herald_apiserver_schema::Cause;
use serde_json::Value;

use super::super::{Part, Strategy};

/// The strategy of Leases.
#[derive(Debug)]
pub(in crate::registry) struct Leases;

impl Strategy for Leases {
    fn set_defaults(&self, object: &mut Value) {
        // Fields of a feature that is not enabled are dropped.
        if let Some(Value::Object(spec)) = object.get_mut("spec") {
            spec.remove("strategy");
            spec.remove("preferredHolder");
        }
    }

    fn validate(&self, object: &Value, _old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let mut causes = Vec::new();
        let number = |field: &str| object.pointer(&format!("/spec/{field}")).filter(|value| value.is_i64());
        if let Some(seconds) = number("leaseDurationSeconds").filter(|seconds| seconds.as_i64() <= Some(0)) {
            causes.push(Cause::invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
        }
        if let Some(count) = number("leaseTransitions").filter(|count| count.as_i64() < Some(0)) {
            causes.push(Cause::invalid("spec.leaseTransitions", count, "must be greater than or equal to 0"));
        }
        causes
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}
