//! Nobody gives away rights that they do not have.
//!
//! Who creates or changes a role must hold all of its rules (or the verb `escalate`); who binds one, too (or the verb
//! `bind` on it).

use serde_json::{Value, json};

use super::policy::Policy;
use super::rule::Rule;
use super::{Attributes, User};
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::Target;
use crate::meta::{name, text};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Checks a role or binding that `user` is about to write; anything else passes.
///
/// # Errors
/// 403 that lists the rules the user lacks; 404 for a binding to a role that is not there.
pub(crate) fn check(api: &Api, user: &User, target: &Target, object: &Value) -> Result<()> {
    if target.group != GROUP || user.groups.iter().any(|group| group == super::policy::MASTERS) {
        return Ok(());
    }
    let namespace = target.namespace.as_str();
    let may = |verb: &str, resource: &str, role: &str| {
        let attributes = Attributes::for_resource(verb, GROUP, resource, "", namespace, role);
        api.auth.decide(api, user, &attributes).allowed
    };
    let rules = match target.resource.as_str() {
        "roles" | "clusterroles" if may("escalate", &target.resource, name(object)) => return Ok(()),
        "roles" | "clusterroles" => Rule::read_all(object),
        "rolebindings" | "clusterrolebindings" => {
            let (kind, role) = (text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
            let resource = if kind == "Role" { "roles" } else { "clusterroles" };
            if may("bind", resource, role) {
                return Ok(());
            }
            let about = crate::error::About { group: GROUP, resource, kind };
            Policy::rules_of(&api.store, namespace, kind, role).ok_or_else(|| ApiError::not_found(about, role))?
        }
        _ => return Ok(()),
    };
    let held = api.auth.policy.get(&api.store).rules_for(user, namespace).0;
    let lacking: Vec<String> = rules.iter().filter(|rule| !rule.is_held(&held)).map(Rule::compact).collect();
    if lacking.is_empty() { Ok(()) } else { Err(refusal(user, target, name(object), &lacking)) }
}

fn refusal(user: &User, target: &Target, name: &str, lacking: &[String]) -> ApiError {
    let groups = super::review::go_list(&user.groups);
    let message = format!(
        "{}.{GROUP} {name:?} is forbidden: user {:?} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n{}",
        target.resource,
        user.name,
        lacking.join("\n")
    );
    let details = json!({"name": name, "group": GROUP, "kind": target.resource});
    ApiError::new(403, "Forbidden", message).with_details(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: Value) -> Rule {
        Rule::read(&value)
    }

    #[test]
    fn held_rules() {
        let held = [
            rule(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["services", "nodes"]})),
            rule(json!({"verbs": ["list"], "apiGroups": [""], "resources": ["services"]})),
            rule(json!({"verbs": ["*"], "apiGroups": ["a"], "resources": ["*"]})),
            rule(json!({"verbs": ["patch"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["x"]})),
            rule(json!({"verbs": ["get"], "nonResourceURLs": ["/api/*"]})),
        ];
        let ok = |value: Value| rule(value).is_held(&held);
        assert!(ok(json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["services"]})));
        assert!(!ok(json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["nodes"]})));
        assert!(!ok(json!({"verbs": ["*"], "apiGroups": [""], "resources": ["services"]})));
        assert!(!ok(json!({"verbs": ["get"], "apiGroups": ["*"], "resources": ["services"]})));
        assert!(ok(json!({"verbs": ["*"], "apiGroups": ["a"], "resources": ["x", "y/status"]})));
        assert!(ok(json!({"verbs": ["patch"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["x"]})));
        assert!(!ok(json!({"verbs": ["patch"], "apiGroups": [""], "resources": ["pods"]})));
        assert!(!ok(
            json!({"verbs": ["patch"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["x", "y"]})
        ));
        assert!(ok(json!({"verbs": ["get"], "nonResourceURLs": ["/api/v1"]})));
        assert!(!ok(json!({"verbs": ["get"], "nonResourceURLs": ["/metrics"]})));
    }

    #[test]
    fn refusals_list_what_lacks() {
        let lacking = rule(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]})).compact();
        assert_eq!(lacking, r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#);
    }
}
