//! The roles and bindings of the store, compiled for questions.
//!
//! ```text
//! roles, clusterroles ──────────────────────────┐
//! rolebindings, clusterrolebindings ── subjects ┴─► Binding {who, rules}   ◄── decide(user, attributes)
//! ```
//!
//! Compiled anew when one of the four collections has changed; a question costs as much as there are bindings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::User;
use super::attributes::Attributes;
use super::rule::Rule;
use crate::meta::{name, namespace, text};
use crate::store::Store;

/// The group whose members may do everything.
pub(super) const MASTERS: &str = "system:masters";

/// An answer of the authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether it is allowed.
    pub(crate) allowed: bool,
    /// By which binding; or, when it is not allowed, what was wrong with the policy. May be empty.
    pub(crate) reason: String,
}

/// Where roles and bindings are stored.
const CLUSTER_ROLES: &str = "rbac.authorization.k8s.io/clusterroles";
const ROLES: &str = "rbac.authorization.k8s.io/roles";
const CLUSTER_BINDINGS: &str = "rbac.authorization.k8s.io/clusterrolebindings";
const BINDINGS: &str = "rbac.authorization.k8s.io/rolebindings";

/// All bindings, with the rules they bind.
#[derive(Debug, Default)]
pub(super) struct Policy {
    everywhere: Vec<Binding>,
    inside: HashMap<String, Vec<Binding>>,
}

#[derive(Debug)]
struct Binding {
    /// `ClusterRoleBinding "a" of ClusterRole "b"`.
    title: String,
    /// Namespace of the binding; empty for a cluster role binding.
    namespace: String,
    subjects: Vec<Subject>,
    /// The rules, or the message about the role that is not there.
    rules: Result<Arc<Vec<Rule>>, String>,
}

#[derive(Debug)]
struct Subject {
    kind: String,
    name: String,
    namespace: String,
}

impl Subject {
    fn read(value: &Value, binding_namespace: &str) -> Self {
        let namespace = match text(value, "/namespace") {
            "" => binding_namespace,
            own => own,
        };
        Self {
            kind: text(value, "/kind").to_owned(),
            name: text(value, "/name").to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    fn is(&self, user: &User) -> bool {
        match self.kind.as_str() {
            "User" => user.name == self.name,
            "Group" => user.groups.contains(&self.name),
            "ServiceAccount" => {
                let parts = user.name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
                parts == Some((self.namespace.as_str(), self.name.as_str()))
            }
            _ => false,
        }
    }

    fn describe(&self) -> String {
        match self.kind.as_str() {
            "ServiceAccount" => format!("ServiceAccount {:?}", format!("{}/{}", self.name, self.namespace)),
            kind => format!("{kind} {:?}", self.name),
        }
    }
}

impl Policy {
    fn compile(store: &Store) -> Self {
        let rules_of = |collection: &str| -> HashMap<String, Arc<Vec<Rule>>> {
            let roles = store.list(collection, "").objects;
            roles
                .iter()
                .map(|role| {
                    (
                        crate::store::key(namespace(&role.value), name(&role.value)),
                        Arc::new(Rule::read_all(&role.value)),
                    )
                })
                .collect()
        };
        let (cluster_roles, roles) = (rules_of(CLUSTER_ROLES), rules_of(ROLES));
        let binding = |object: &Value| {
            let (binding_name, inside) = (name(object), namespace(object));
            let (role_kind, role) = (text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
            let title = if inside.is_empty() {
                format!("ClusterRoleBinding {binding_name:?} of {role_kind} {role:?}")
            } else {
                format!("RoleBinding {:?} of {role_kind} {role:?}", format!("{binding_name}/{inside}"))
            };
            let rules = match role_kind {
                "Role" => roles.get(&crate::store::key(inside, role)),
                _ => cluster_roles.get(role),
            };
            let missing = || format!("{}.rbac.authorization.k8s.io {role:?} not found", role_kind.to_lowercase());
            let subjects = object.get("subjects").and_then(Value::as_array).into_iter().flatten();
            Binding {
                title,
                namespace: inside.to_owned(),
                subjects: subjects.map(|subject| Subject::read(subject, inside)).collect(),
                rules: rules.cloned().ok_or_else(missing),
            }
        };
        let everywhere = store.list(CLUSTER_BINDINGS, "").objects.iter().map(|object| binding(&object.value)).collect();
        let mut inside: HashMap<String, Vec<Binding>> = HashMap::new();
        for object in store.list(BINDINGS, "").objects {
            let binding = binding(&object.value);
            inside.entry(binding.namespace.clone()).or_default().push(binding);
        }
        Self { everywhere, inside }
    }

    /// The bindings that count for this user in this namespace (empty: for cluster scope and paths), each with the
    /// subject by which it does.
    fn bindings<'a>(&'a self, user: &'a User, namespace: &str) -> impl Iterator<Item = (&'a Binding, &'a Subject)> {
        let inside = if namespace.is_empty() { None } else { self.inside.get(namespace) };
        self.everywhere.iter().chain(inside.into_iter().flatten()).filter_map(move |binding| {
            binding.subjects.iter().find(|subject| subject.is(user)).map(|subject| (binding, subject))
        })
    }

    /// Whether the user may do this.
    pub(super) fn decide(&self, user: &User, attributes: &Attributes) -> Decision {
        if user.groups.iter().any(|group| group == MASTERS) {
            return Decision { allowed: true, reason: String::new() };
        }
        let namespace = attributes.resource.as_ref().map(|of| of.namespace.as_str()).unwrap_or_default();
        let mut missing = Vec::new();
        for (binding, subject) in self.bindings(user, namespace) {
            match &binding.rules {
                Ok(rules) if rules.iter().any(|rule| rule.covers(attributes)) => {
                    let reason = format!("RBAC: allowed by {} to {}", binding.title, subject.describe());
                    return Decision { allowed: true, reason };
                }
                Ok(_) => {}
                Err(message) => missing.push(message.as_str()),
            }
        }
        let reason = match missing.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            several => format!("RBAC: [{}]", several.join(", ")),
        };
        Decision { allowed: false, reason }
    }

    /// All rules that count for the user in a namespace, and the messages about roles that are not there.
    pub(super) fn rules_for(&self, user: &User, namespace: &str) -> (Vec<Rule>, Vec<String>) {
        let (mut rules, mut missing) = (Vec::new(), Vec::new());
        for (binding, _) in self.bindings(user, namespace) {
            match &binding.rules {
                Ok(of) => rules.extend(of.iter().cloned()),
                Err(message) => missing.push(message.clone()),
            }
        }
        (rules, missing)
    }

    /// The rules of a role, as a binding in `namespace` would bind them.
    pub(super) fn rules_of(store: &Store, namespace: &str, kind: &str, role: &str) -> Option<Vec<Rule>> {
        let role = match kind {
            "Role" => store.get(ROLES, &crate::store::key(namespace, role)),
            _ => store.get(CLUSTER_ROLES, role),
        };
        role.map(|role| Rule::read_all(&role.value))
    }
}

/// The compiled policy, for as long as it holds.
#[derive(Debug, Default)]
pub(super) struct Cache {
    state: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    policy: Arc<Policy>,
    changes: Vec<watch::Receiver<u64>>,
}

impl Cache {
    /// The policy as of now.
    pub(super) fn get(&self, store: &Store) -> Arc<Policy> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |current: &Current| current.changes.iter().all(|change| !change.has_changed().unwrap_or(true));
        if let Some(current) = state.as_ref().filter(|current| holds(current)) {
            return Arc::clone(&current.policy);
        }
        // Subscribed before anything is read: a write in between is seen as a change at the next question.
        let changes = [CLUSTER_ROLES, ROLES, CLUSTER_BINDINGS, BINDINGS]
            .map(|collection| store.subscribe(&Arc::from(collection)))
            .to_vec();
        let policy = Arc::new(Policy::compile(store));
        *state = Some(Current { policy: Arc::clone(&policy), changes });
        policy
    }
}

#[cfg(test)]
mod tests;
