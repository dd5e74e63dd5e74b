//! `metav1.LabelSelector` with the rules that the API server applies to built-in kinds.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules;

/// A label selector. All its terms must hold; an empty selector matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LabelSelector {
    /// Labels with the value they must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further terms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::terms)]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// One term of a label selector: a key, an operator and perhaps values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["key", "operator"]))]
#[x_kube(
    validation = rules::operator_is_known(),
    validation = rules::set_operator_has_values(),
    validation = rules::presence_operator_has_no_values(),
)]
pub struct LabelSelectorRequirement {
    /// Label key.
    #[serde(default)]
    #[schemars(transform = rules::label_key)]
    pub key: String,
    /// In, NotIn, Exists or DoesNotExist. NotIn and DoesNotExist also hold for objects without
    /// the label.
    #[serde(default)]
    #[schemars(transform = rules::operator)]
    pub operator: String,
    /// Values for In and NotIn; must be empty for Exists and DoesNotExist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::label_values)]
    pub values: Vec<String>,
}
