//! The table of built-in resources.

use std::sync::Arc;

use super::kinds;
use super::strategy::Plain;
use super::{Resource, STATUS_VERBS, STORED_VERBS, Strategy, Subresource, Version};

/// A row of the table.
struct Row {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    namespaced: bool,
    short: &'static [&'static str],
    categories: &'static [&'static str],
    status: bool,
}

const fn row(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
) -> Row {
    Row { group, version, plural, singular, kind, namespaced: true, short: &[], categories: &[], status: false }
}

impl Row {
    const fn cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn status(mut self) -> Self {
        self.status = true;
        self
    }

    const fn short(mut self, names: &'static [&'static str]) -> Self {
        self.short = names;
        self
    }

    const fn all(mut self) -> Self {
        self.categories = &["all"];
        self
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

const ROWS: &[Row] = &[
    row("", "v1", "configmaps", "configmap", "ConfigMap").short(&["cm"]),
    row("", "v1", "endpoints", "endpoints", "Endpoints").short(&["ep"]),
    row("", "v1", "events", "event", "Event").short(&["ev"]),
    row("", "v1", "namespaces", "namespace", "Namespace").cluster().status().short(&["ns"]),
    row("", "v1", "nodes", "node", "Node").cluster().status().short(&["no"]),
    row("", "v1", "pods", "pod", "Pod").status().short(&["po"]).all(),
    row("", "v1", "secrets", "secret", "Secret"),
    row("", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount").short(&["sa"]),
    row("", "v1", "services", "service", "Service").status().short(&["svc"]).all(),
    row(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "customresourcedefinition",
        "CustomResourceDefinition",
    )
    .cluster()
    .status()
    .short(&["crd", "crds"]),
    row("apps", "v1", "daemonsets", "daemonset", "DaemonSet").status().short(&["ds"]).all(),
    row("apps", "v1", "deployments", "deployment", "Deployment").status().short(&["deploy"]).all(),
    row("coordination.k8s.io", "v1", "leases", "lease", "Lease"),
    row("discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice"),
    row("events.k8s.io", "v1", "events", "event", "Event").short(&["ev"]),
    row(RBAC, "v1", "clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding").cluster(),
    row(RBAC, "v1", "clusterroles", "clusterrole", "ClusterRole").cluster(),
    row(RBAC, "v1", "rolebindings", "rolebinding", "RoleBinding"),
    row(RBAC, "v1", "roles", "role", "Role"),
];

/// All built-in resources.
pub(super) fn all() -> Vec<Resource> {
    ROWS.iter().map(resource).collect()
}

fn resource(row: &Row) -> Resource {
    let subresources = if row.status {
        vec![Subresource { name: "status".to_owned(), kind: String::new(), verbs: STATUS_VERBS.to_vec() }]
    } else {
        Vec::new()
    };
    Resource {
        group: row.group.to_owned(),
        plural: row.plural.to_owned(),
        singular: row.singular.to_owned(),
        kind: row.kind.to_owned(),
        list_kind: format!("{}List", row.kind),
        namespaced: row.namespaced,
        short_names: row.short.iter().map(|s| (*s).to_owned()).collect(),
        categories: row.categories.iter().map(|s| (*s).to_owned()).collect(),
        verbs: STORED_VERBS,
        versions: vec![Version {
            name: row.version.to_owned(),
            subresources,
            schema: None,
            ty: None,
            columns: Vec::new(),
            selectable: Vec::new(),
            warning: None,
        }],
        storage: row.version.to_owned(),
        collection: collection(row),
        strategy: strategy(row),
    }
}

/// Events are one collection under two groups; everything else has its own.
fn collection(row: &Row) -> Arc<str> {
    match (row.group, row.plural) {
        ("" | "events.k8s.io", plural) => Arc::from(plural),
        (group, plural) => Arc::from(format!("{group}/{plural}")),
    }
}

fn strategy(row: &Row) -> Arc<dyn Strategy> {
    match (row.group, row.plural) {
        ("apiextensions.k8s.io", _) => Arc::new(crate::crd::Definitions),
        ("", "configmaps") => Arc::new(kinds::ConfigMaps),
        ("", "events") => Arc::new(kinds::Events { new_group: false }),
        ("events.k8s.io", _) => Arc::new(kinds::Events { new_group: true }),
        ("", "namespaces") => Arc::new(kinds::Namespaces),
        ("", "nodes") => Arc::new(kinds::Nodes),
        ("", "pods") => Arc::new(kinds::Pods),
        ("", "secrets") => Arc::new(kinds::Secrets),
        ("", "services") => Arc::new(super::service::Services::default()),
        ("apps", _) => Arc::new(kinds::Workloads),
        ("coordination.k8s.io", _) => Arc::new(kinds::Leases),
        ("discovery.k8s.io", _) => Arc::new(kinds::EndpointSlices),
        (RBAC, "roles" | "clusterroles") => Arc::new(crate::auth::Roles { namespaced: row.namespaced }),
        (RBAC, _) => Arc::new(crate::auth::Bindings { namespaced: row.namespaced }),
        _ => Arc::new(Plain),
    }
}
