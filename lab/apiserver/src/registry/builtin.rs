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
    subresources: &'static [Sub],
    verbs: &'static [&'static str],
}

/// A subresource of a row: name, group, version and kind of its body (empty: those of the row), verbs.
type Sub = (&'static str, &'static str, &'static [&'static str]);

const STATUS: Sub = ("status", "", &STATUS_VERBS);
const FINALIZE: Sub = ("finalize", "", &["update"]);
const TOKEN: Sub = ("token", "TokenRequest", &["create"]);

const fn row(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
) -> Row {
    Row {
        group,
        version,
        plural,
        singular,
        kind,
        namespaced: true,
        short: &[],
        categories: &[],
        subresources: &[],
        verbs: STORED_VERBS,
    }
}

impl Row {
    const fn cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn status(self) -> Self {
        self.with(&[STATUS])
    }

    const fn with(mut self, subresources: &'static [Sub]) -> Self {
        self.subresources = subresources;
        self
    }

    /// Not to be deleted by the dozen.
    const fn one_by_one(mut self) -> Self {
        self.verbs = &["create", "delete", "get", "list", "patch", "update", "watch"];
        self
    }

    /// Nothing is stored: a POST is a question, its answer the object.
    const fn question(self) -> Self {
        self.verbs(&["create"])
    }

    const fn verbs(mut self, verbs: &'static [&'static str]) -> Self {
        self.verbs = verbs;
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

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

const ROWS: &[Row] = &[
    row("", "v1", "configmaps", "configmap", "ConfigMap").short(&["cm"]),
    row("", "v1", "endpoints", "endpoints", "Endpoints").short(&["ep"]),
    row("", "v1", "events", "event", "Event").short(&["ev"]),
    row("", "v1", "namespaces", "namespace", "Namespace")
        .cluster()
        .one_by_one()
        .with(&[FINALIZE, STATUS])
        .short(&["ns"]),
    row("", "v1", "nodes", "node", "Node").cluster().status().short(&["no"]),
    row("", "v1", "pods", "pod", "Pod").status().short(&["po"]).all(),
    row("", "v1", "secrets", "secret", "Secret"),
    row("", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount").with(&[TOKEN]).short(&["sa"]),
    row("", "v1", "services", "service", "Service").status().short(&["svc"]).all(),
    row(AUTHENTICATION, "v1", "selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview").cluster().question(),
    row(AUTHENTICATION, "v1", "tokenreviews", "tokenreview", "TokenReview").cluster().question(),
    row(AUTHORIZATION, "v1", "localsubjectaccessreviews", "localsubjectaccessreview", "LocalSubjectAccessReview")
        .question(),
    row(AUTHORIZATION, "v1", "selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview")
        .cluster()
        .question(),
    row(AUTHORIZATION, "v1", "selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview")
        .cluster()
        .question(),
    row(AUTHORIZATION, "v1", "subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview").cluster().question(),
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
    let subresources = row.subresources.iter().map(|(name, kind, verbs)| Subresource {
        name: (*name).to_owned(),
        kind: (*kind).to_owned(),
        verbs: verbs.to_vec(),
    });
    Resource {
        group: row.group.to_owned(),
        plural: row.plural.to_owned(),
        singular: row.singular.to_owned(),
        kind: row.kind.to_owned(),
        list_kind: format!("{}List", row.kind),
        namespaced: row.namespaced,
        short_names: row.short.iter().map(|s| (*s).to_owned()).collect(),
        categories: row.categories.iter().map(|s| (*s).to_owned()).collect(),
        verbs: row.verbs,
        versions: vec![Version {
            name: row.version.to_owned(),
            subresources: subresources.collect(),
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
        ("", "serviceaccounts") => Arc::new(kinds::ServiceAccounts),
        ("", "services") => Arc::new(super::service::Services::default()),
        ("apps", _) => Arc::new(kinds::Workloads),
        ("coordination.k8s.io", _) => Arc::new(kinds::Leases),
        ("discovery.k8s.io", _) => Arc::new(kinds::EndpointSlices),
        (RBAC, "roles" | "clusterroles") => Arc::new(crate::auth::Roles { namespaced: row.namespaced }),
        (RBAC, _) => Arc::new(crate::auth::Bindings { namespaced: row.namespaced }),
        _ => Arc::new(Plain),
    }
}
