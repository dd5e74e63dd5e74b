//! `Community`: names for BGP communities.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::ConditionsStatus;
use crate::rules;

/// Names for BGP communities, to be used in BGPAdvertisements.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "Community",
    plural = "communities",
    namespaced,
    status = "ConditionsStatus",
    derive = "PartialEq",
    doc = "Community gives names to BGP communities.",
    printcolumn = r#"{"name": "Names", "type": "string", "jsonPath": ".spec.communities[*].name"}"#,
    printcolumn = r#"{"name": "Accepted", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct CommunitySpec {
    /// The names and what they stand for. A name may be given once in all Community objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::aliases)]
    pub communities: Vec<CommunityAlias>,
}

/// A name for a community.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunityAlias {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::alias_name)]
    pub name: Option<String>,
    /// The community: 64512:100 or large:64512:1:2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::community_value)]
    pub value: Option<String>,
}
