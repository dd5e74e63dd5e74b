//! ConfigurationState `controller`, reduced to what is compared.

use herald_crds::ConfigurationState;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::names;

/// ConfigurationState `controller` as last seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenState {
    /// It carries the label by which people find it.
    pub labelled: bool,
    /// `status.result`.
    pub result: Option<String>,
    /// `status.errorSummary`.
    pub summary: Option<String>,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

impl SeenState {
    /// Takes from the object what matters.
    #[must_use]
    pub fn of(state: ConfigurationState) -> Self {
        let labelled = state.labels().get(names::COMPONENT).is_some_and(|component| component == names::CONTROLLER);
        let status = state.status.unwrap_or_default();
        Self { labelled, result: status.result, summary: status.error_summary, conditions: status.conditions }
    }
}
