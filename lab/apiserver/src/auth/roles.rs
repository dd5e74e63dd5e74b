//! The roles and bindings that every cluster starts with, as far as clients of this server need them.

use serde_json::{Value, json};

/// Collections and objects, without UIDs and times.
pub(crate) fn bootstrap_policy() -> Vec<(&'static str, Value)> {
    let discovery = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ];
    let health = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
    let issuer = [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
        "/openid/v1/jwks/",
    ];
    let get = |urls: &[&str]| json!({"verbs": ["get"], "nonResourceURLs": urls});
    let create =
        |group: &str, resources: &[&str]| json!({"verbs": ["create"], "apiGroups": [group], "resources": resources});
    let authenticated = ["system:authenticated"];
    let roles: [(&str, Vec<Value>, &[&str]); 5] = [
        (
            "cluster-admin",
            vec![
                json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
                json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
            ],
            &["system:masters"],
        ),
        (
            "system:basic-user",
            vec![
                create("authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
                create("authentication.k8s.io", &["selfsubjectreviews"]),
            ],
            &authenticated,
        ),
        ("system:discovery", vec![get(&["/.well-known", "/.well-known/*"]), get(&discovery)], &authenticated),
        ("system:service-account-issuer-discovery", vec![get(&issuer)], &["system:serviceaccounts"]),
        ("system:public-info-viewer", vec![get(&health)], &["system:authenticated", "system:unauthenticated"]),
    ];
    roles.iter().flat_map(|(name, rules, groups)| [role(name, rules), binding(name, groups)]).collect()
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    })
}

fn role(name: &str, rules: &[Value]) -> (&'static str, Value) {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata(name), "rules": rules,
    });
    ("rbac.authorization.k8s.io/clusterroles", role)
}

fn binding(name: &str, groups: &[&str]) -> (&'static str, Value) {
    let subject = |group: &&str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group});
    let subjects: Vec<Value> = groups.iter().map(subject).collect();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": metadata(name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": subjects,
    });
    ("rbac.authorization.k8s.io/clusterrolebindings", binding)
}
