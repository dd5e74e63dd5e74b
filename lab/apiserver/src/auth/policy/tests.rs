use super::*;
use crate::store::Expect;
use serde_json::json;

fn put(store: &Store, collection: &str, object: Value) {
    let key = crate::store::key(namespace(&object), name(&object));
    store.put(&Arc::from(collection), &key, Expect::Absent, object).unwrap();
}

fn store() -> Store {
    let store = Store::new(100);
    for (collection, object) in crate::auth::bootstrap_policy() {
        put(&store, collection, object);
    }
    let rule = |group: &str, resource: &str| json!([{"verbs": ["get", "list"], "apiGroups": [group], "resources": [resource]}]);
    put(&store, ROLES, json!({"metadata": {"name": "r", "namespace": "a"}, "rules": rule("", "services")}));
    put(&store, CLUSTER_ROLES, json!({"metadata": {"name": "c"}, "rules": rule("", "nodes")}));
    store
}

fn bind(store: &Store, namespace: &str, name: &str, role: (&str, &str), subject: Value) {
    let mut metadata = json!({"name": name});
    let collection = if namespace.is_empty() {
        CLUSTER_BINDINGS
    } else {
        metadata["namespace"] = namespace.into();
        BINDINGS
    };
    put(
        store,
        collection,
        json!({"metadata": metadata, "roleRef": {"kind": role.0, "name": role.1}, "subjects": [subject]}),
    );
}

fn user(name: &str, groups: &[&str]) -> User {
    User { name: name.to_owned(), groups: groups.iter().map(|g| (*g).to_owned()).collect(), ..User::default() }
}

fn get(resource: &str, namespace: &str) -> Attributes {
    Attributes::for_resource("get", "", resource, "", namespace, "x")
}

#[test]
fn nothing_is_allowed_without_a_binding() {
    let store = store();
    let policy = Policy::compile(&store);
    let decision = policy.decide(&user("u", &["system:authenticated"]), &get("services", "a"));
    assert_eq!(decision, Decision { allowed: false, reason: String::new() });
    let health = policy.decide(&user("u", &["system:unauthenticated"]), &Attributes::for_path("get", "/healthz"));
    assert_eq!(
        health.reason,
        r#"RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated""#
    );
    assert!(!policy.decide(&user("u", &["system:unauthenticated"]), &Attributes::for_path("get", "/api")).allowed);
    assert!(policy.decide(&user("u", &["system:authenticated"]), &Attributes::for_path("get", "/apis/x/v1")).allowed);
    assert!(policy.decide(&user("u", &[MASTERS]), &get("anything", "")).allowed);
}

#[test]
fn a_role_binding_counts_in_its_namespace_only() {
    let store = store();
    bind(&store, "a", "b", ("Role", "r"), json!({"kind": "ServiceAccount", "name": "ctl"}));
    bind(&store, "a", "d", ("ClusterRole", "c"), json!({"kind": "User", "name": "u"}));
    let policy = Policy::compile(&store);
    let account = User::service_account("a", "ctl");
    let decision = policy.decide(&account, &get("services", "a"));
    assert!(decision.allowed);
    assert_eq!(decision.reason, r#"RBAC: allowed by RoleBinding "b/a" of Role "r" to ServiceAccount "ctl/a""#);
    assert!(!policy.decide(&account, &get("services", "other")).allowed);
    assert!(!policy.decide(&account, &get("services", "")).allowed);
    assert!(!policy.decide(&User::service_account("other", "ctl"), &get("services", "a")).allowed);
    assert!(policy.decide(&user("u", &[]), &get("nodes", "a")).allowed);
    assert!(!policy.decide(&user("u", &[]), &get("nodes", "")).allowed);
}

#[test]
fn a_cluster_role_binding_counts_everywhere() {
    let store = store();
    bind(&store, "", "b", ("ClusterRole", "c"), json!({"kind": "Group", "name": "system:serviceaccounts:a"}));
    let policy = Policy::compile(&store);
    assert!(policy.decide(&User::service_account("a", "x"), &get("nodes", "")).allowed);
    assert!(policy.decide(&User::service_account("a", "x"), &get("nodes", "any")).allowed);
    assert!(!policy.decide(&User::service_account("b", "x"), &get("nodes", "")).allowed);
}

#[test]
fn a_role_that_is_not_there_is_named() {
    let store = store();
    bind(&store, "a", "b", ("Role", "gone"), json!({"kind": "User", "name": "u"}));
    let decision = Policy::compile(&store).decide(&user("u", &[]), &get("services", "a"));
    assert!(!decision.allowed);
    assert_eq!(decision.reason, r#"RBAC: role.rbac.authorization.k8s.io "gone" not found"#);
}

#[test]
fn the_policy_is_compiled_again_when_it_changed() {
    let store = store();
    let cache = Cache::default();
    let asks = |cache: &Cache| cache.get(&store).decide(&user("u", &[]), &get("services", "a")).allowed;
    assert!(!asks(&cache));
    assert!(Arc::ptr_eq(&cache.get(&store), &cache.get(&store)));
    bind(&store, "a", "b", ("Role", "r"), json!({"kind": "User", "name": "u"}));
    assert!(asks(&cache));
    let role = store.get(ROLES, "a/r").unwrap();
    store.delete(&Arc::from(ROLES), "a/r", role.revision, None).unwrap();
    assert!(!asks(&cache));
}

#[test]
fn rules_of_a_user() {
    let store = store();
    bind(&store, "a", "b", ("Role", "r"), json!({"kind": "User", "name": "u"}));
    let policy = Policy::compile(&store);
    let someone = user("u", &["system:authenticated"]);
    let inside = policy.rules_for(&someone, "a").0;
    let outside = policy.rules_for(&someone, "other").0;
    assert_eq!(inside.len(), outside.len() + 1);
    assert_eq!(
        inside.last().and_then(Rule::resource_rule),
        Some(json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["services"]}))
    );
}
