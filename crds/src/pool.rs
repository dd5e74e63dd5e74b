//! `IPAddressPool`: addresses to hand out.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition;
use crate::rules;
use crate::selector::LabelSelector;

/// What an IPAddressPool holds and whom it serves.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "IPAddressPool",
    plural = "ipaddresspools",
    namespaced,
    status = "IPAddressPoolStatus",
    derive = "PartialEq",
    doc = "IPAddressPool holds addresses that are handed out to Services of type LoadBalancer.",
    printcolumn = r#"{"name": "Auto Assign", "type": "boolean", "jsonPath": ".spec.autoAssign"}"#,
    printcolumn = r#"{"name": "Avoid Buggy IPs", "type": "boolean", "jsonPath": ".spec.avoidBuggyIPs"}"#,
    printcolumn = r#"{"name": "Addresses", "type": "string", "jsonPath": ".spec.addresses"}"#,
    printcolumn = r#"{"name": "Accepted", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name": "Assigned IPv4", "type": "integer", "jsonPath": ".status.assignedIPv4"}"#,
    printcolumn = r#"{"name": "Available IPv4", "type": "integer", "jsonPath": ".status.availableIPv4"}"#,
    printcolumn = r#"{"name": "Assigned IPv6", "type": "integer", "jsonPath": ".status.assignedIPv6"}"#,
    printcolumn = r#"{"name": "Available IPv6", "type": "integer", "jsonPath": ".status.availableIPv6"}"#,
    printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Accepted\")].reason", "priority": 1}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["addresses"]))]
pub struct IPAddressPoolSpec {
    /// Addresses to hand out: CIDRs like 192.168.1.0/24 or ranges like
    /// 192.168.1.240-192.168.1.250, IPv4 and IPv6. They are used in this order, ascending inside
    /// each. Host bits of a CIDR are dropped: 198.51.100.10/24 is all of 198.51.100.0/24.
    #[serde(default)]
    #[schemars(transform = rules::addresses)]
    pub addresses: Vec<String>,
    /// Hand out addresses to Services that ask for no pool. If false, the pool is used only for
    /// Services that ask for it, or for an address in it.
    #[serde(default = "yes")]
    pub auto_assign: bool,
    /// Never hand out IPv4 addresses that end in .0 or .255, which some old equipment drops.
    #[serde(default, rename = "avoidBuggyIPs")]
    pub avoid_buggy_ips: bool,
    /// Whom the pool serves. Absent, it serves every Service, but is tried after all pools that
    /// have this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_allocation: Option<ServiceAllocation>,
    /// What Herald adds to MetalLB's pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub herald: Option<PoolExtension>,
}

/// What Herald adds to MetalLB's pools. MetalLB prunes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolExtension {
    /// How many addresses of this pool, for each of IPv4 and IPv6, the Services of one namespace may
    /// use. A shared address counts once. Also binding for Services that ask for the pool or for an
    /// address in it. Absent: no limit. A limit that is lowered takes no address away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::at_least_one)]
    pub max_per_namespace: Option<i64>,
}

/// Whom a pool serves and how early it is tried. Namespaces and Service labels must both fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAllocation {
    /// Pools with the lowest positive number are tried first; 0 is last.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(transform = rules::drop_default)]
    pub priority: i64,
    /// Namespaces whose Services may use the pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::name_set)]
    pub namespaces: Vec<String>,
    /// Namespaces, by label, whose Services may use the pool, in addition to those by name. If
    /// none matches and no name is given, the pool serves nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub namespace_selectors: Vec<LabelSelector>,
    /// Services, by label, that may use the pool; one match is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::selectors)]
    pub service_selectors: Vec<LabelSelector>,
}

/// How full the pool is, and whether it is in order. Written by the controller.
///
/// Assigned counts distinct addresses in use, a shared one once. Available is what could still be
/// handed out. Numbers beyond int64 are reported as its largest value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IPAddressPoolStatus {
    /// IPv4 addresses in use.
    #[serde(default, rename = "assignedIPv4")]
    #[schemars(transform = rules::drop_default)]
    pub assigned_ipv4: i64,
    /// IPv6 addresses in use.
    #[serde(default, rename = "assignedIPv6")]
    #[schemars(transform = rules::drop_default)]
    pub assigned_ipv6: i64,
    /// IPv4 addresses that could still be handed out.
    #[serde(default, rename = "availableIPv4")]
    #[schemars(transform = rules::drop_default)]
    pub available_ipv4: i64,
    /// IPv6 addresses that could still be handed out.
    #[serde(default, rename = "availableIPv6")]
    #[schemars(transform = rules::drop_default)]
    pub available_ipv6: i64,
    /// Accepted: is the pool used as written? Conflicted: are addresses listed more than once?
    /// Exhausted: is no address left? Retained: are addresses in use that are not in the pool any more?
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "condition::conditions")]
    pub conditions: Vec<Condition>,
}

impl Default for IPAddressPoolSpec {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            auto_assign: yes(),
            avoid_buggy_ips: false,
            service_allocation: None,
            herald: None,
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to skip_serializing_if")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
