//! Reading a Service's spec.

use serde_json::{Map, Value};

use crate::meta::section;

/// `spec` of a Service, to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec<'a> {
    fields: &'a Map<String, Value>,
}

impl<'a> Spec<'a> {
    /// Of a whole Service.
    pub(super) fn of(service: &'a Value) -> Self {
        Self { fields: section(service, "spec") }
    }

    /// Of the map itself.
    pub(super) fn new(fields: &'a Map<String, Value>) -> Self {
        Self { fields }
    }

    pub(super) fn get(self, field: &str) -> Option<&'a Value> {
        self.fields.get(field)
    }

    /// A text field, empty when absent.
    pub(super) fn text(self, field: &str) -> &'a str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A list of texts.
    pub(super) fn texts(self, field: &str) -> Vec<&'a str> {
        self.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `spec.type`.
    pub(super) fn kind(self) -> &'a str {
        self.text("type")
    }

    pub(super) fn cluster_ip(self) -> &'a str {
        self.text("clusterIP")
    }

    pub(super) fn cluster_ips(self) -> Vec<&'a str> {
        self.texts("clusterIPs")
    }

    pub(super) fn families(self) -> Vec<&'a str> {
        self.texts("ipFamilies")
    }

    pub(super) fn policy(self) -> Option<&'a str> {
        self.get("ipFamilyPolicy").and_then(Value::as_str)
    }

    pub(super) fn ports(self) -> &'a [Value] {
        self.get("ports").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(super) fn health_check_node_port(self) -> i64 {
        number(self.get("healthCheckNodePort"))
    }

    pub(super) fn is_load_balancer(self) -> bool {
        self.kind() == "LoadBalancer"
    }

    pub(super) fn is_headless(self) -> bool {
        self.cluster_ips() == ["None"] || (self.cluster_ips().is_empty() && self.cluster_ip() == "None")
    }

    pub(super) fn has_selector(self) -> bool {
        self.get("selector").and_then(Value::as_object).is_some_and(|selector| !selector.is_empty())
    }

    /// Types that have a cluster IP, even if it is `None`.
    pub(super) fn needs_cluster_ip(self) -> bool {
        matches!(self.kind(), "ClusterIP" | "NodePort" | "LoadBalancer")
    }

    /// Types that may have node ports.
    pub(super) fn may_have_node_ports(self) -> bool {
        matches!(self.kind(), "NodePort" | "LoadBalancer")
    }

    /// Whether node ports are to be allocated where none is given.
    pub(super) fn wants_node_ports(self) -> bool {
        self.kind() == "NodePort"
            || (self.is_load_balancer() && self.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)))
    }

    pub(super) fn needs_health_check_node_port(self) -> bool {
        self.is_load_balancer() && self.text("externalTrafficPolicy") == "Local"
    }

    /// Whether the Service is reached from outside of the cluster.
    pub(super) fn is_external(self) -> bool {
        self.may_have_node_ports() || (self.kind() == "ClusterIP" && !self.texts("externalIPs").is_empty())
    }
}

/// A port's number field, 0 when absent.
pub(super) fn port_number(port: &Value, field: &str) -> i64 {
    number(port.get(field))
}

/// A port's text field, empty when absent.
pub(super) fn port_text<'a>(port: &'a Value, field: &str) -> &'a str {
    port.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: Option<&Value>) -> i64 {
    value.and_then(Value::as_i64).unwrap_or_default()
}
