//! Deployments and DaemonSets: stored, with a generation, and nothing more.

use serde_json::Value;

use super::super::{Part, Strategy};
use super::{count_generation, keep_status};

/// The strategy of Deployments and DaemonSets.
#[derive(Debug)]
pub(in crate::registry) struct Workloads;

impl Strategy for Workloads {
    fn prepare_for_create(&self, object: &mut Value) {
        count_generation(object, None);
    }

    fn prepare_for_update(&self, object: &mut Value, old: &Value, part: Part) {
        keep_status(object, old, part);
        count_generation(object, Some(old));
    }
}
