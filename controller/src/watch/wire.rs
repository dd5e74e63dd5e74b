//! A Service as it comes over the wire, reduced to the fields that are read.
//!
//! The full type would do, but for two things. It is strict where the API server is not: through a
//! patch of `services/status` anybody can store a condition without a time, and one Service that
//! can't be read would stop the watch of all. And it decodes a hundred fields that nobody reads.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Serialize};

/// `v1 Service`, the fields that decide about its addresses.
#[derive(Resource, Clone, Debug, Default, Deserialize, Serialize)]
#[resource(inherit = "Service")]
pub struct LeanService {
    /// Standard metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user wants.
    #[serde(default)]
    pub spec: Spec,
    /// What controllers say.
    #[serde(default)]
    pub status: Status,
}

/// `spec`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    #[serde(rename = "type")]
    pub type_: Option<String>,
    pub load_balancer_class: Option<String>,
    #[serde(rename = "loadBalancerIP")]
    pub load_balancer_ip: Option<String>,
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    pub cluster_ips: Option<Vec<String>>,
    pub ip_family_policy: Option<String>,
    pub external_traffic_policy: Option<String>,
    pub selector: Option<BTreeMap<String, String>>,
    pub ports: Option<Vec<Port>>,
}

/// `spec.ports[]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Port {
    pub protocol: Option<String>,
    pub port: i32,
}

/// `status`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub load_balancer: Option<LoadBalancer>,
    pub conditions: Option<Vec<Condition>>,
}

/// `status.loadBalancer`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LoadBalancer {
    pub ingress: Option<Vec<Ingress>>,
}

/// `status.loadBalancer.ingress[]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Ingress {
    pub ip: Option<String>,
}

/// `status.conditions[]`, without the time.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub type_: String,
    pub status: String,
    pub reason: String,
    pub message: String,
}
