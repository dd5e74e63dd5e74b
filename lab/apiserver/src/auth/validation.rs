//! What is special about roles and bindings.

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use crate::meta::validation::NameRule;
use crate::meta::{map_of, text};
use crate::registry::{Part, Strategy};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Roles and ClusterRoles.
#[derive(Debug)]
pub(crate) struct Roles {
    /// Whether they live in namespaces.
    pub(crate) namespaced: bool,
}

impl Strategy for Roles {
    fn name_rule(&self) -> NameRule {
        NameRule::Path
    }

    fn set_defaults(&self, object: &mut Value) {
        // Go writes an empty list of rules as null.
        map_of(object).entry("rules").or_insert(Value::Null);
    }

    fn validate(&self, object: &Value, _old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let rules = object.get("rules").and_then(Value::as_array).into_iter().flatten();
        rules.enumerate().flat_map(|(index, rule)| self.rule(index, rule)).collect()
    }
}

impl Roles {
    fn rule(&self, index: usize, rule: &Value) -> Vec<Cause> {
        let mut causes = Vec::new();
        let empty = |name: &str| rule.get(name).and_then(Value::as_array).is_none_or(Vec::is_empty);
        let field = |name: &str| format!("rules[{index}].{name}");
        if empty("verbs") {
            causes.push(Cause::required(field("verbs"), "verbs must contain at least one value"));
        }
        if !empty("nonResourceURLs") {
            let urls = rule.get("nonResourceURLs").unwrap_or(&Value::Null);
            if self.namespaced {
                let detail = "namespaced rules cannot apply to non-resource URLs";
                causes.push(Cause::invalid(field("nonResourceURLs"), urls, detail));
            }
            if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
                let detail = "rules cannot apply to both regular resources and non-resource URLs";
                causes.push(Cause::invalid(field("nonResourceURLs"), urls, detail));
            }
            return causes;
        }
        if empty("apiGroups") {
            causes.push(Cause::required(field("apiGroups"), "resource rules must supply at least one api group"));
        }
        if empty("resources") {
            causes.push(Cause::required(field("resources"), "resource rules must supply at least one resource"));
        }
        causes
    }
}

/// RoleBindings and ClusterRoleBindings.
#[derive(Debug)]
pub(crate) struct Bindings {
    /// Whether they live in namespaces.
    pub(crate) namespaced: bool,
}

impl Strategy for Bindings {
    fn name_rule(&self) -> NameRule {
        NameRule::Path
    }

    fn set_defaults(&self, object: &mut Value) {
        let default = |of: &mut Value| {
            if text(of, "/apiGroup").is_empty() {
                map_of(of).insert("apiGroup".to_owned(), GROUP.into());
            }
        };
        if let Some(role) = object.get_mut("roleRef").filter(|role| role.is_object()) {
            default(role);
        }
        for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            if matches!(text(subject, "/kind"), "User" | "Group") {
                default(subject);
            }
        }
    }

    fn validate(&self, object: &Value, old: Option<&Value>, _part: Part) -> Vec<Cause> {
        let mut causes = Vec::new();
        let (group, kind, name) =
            (text(object, "/roleRef/apiGroup"), text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
        let kinds: &[&str] = if self.namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
        if group != GROUP {
            causes.push(Cause::not_supported("roleRef.apiGroup", &group.into(), &[GROUP]));
        }
        if !kinds.contains(&kind) {
            causes.push(Cause::not_supported("roleRef.kind", &kind.into(), kinds));
        }
        if name.is_empty() {
            causes.push(Cause::required("roleRef.name", ""));
        }
        for (index, subject) in object.get("subjects").and_then(Value::as_array).into_iter().flatten().enumerate() {
            self.subject(index, subject, &mut causes);
        }
        if old.is_some_and(|old| old.get("roleRef") != object.get("roleRef")) {
            // Printed as the Go struct without tags that it is inside kube-apiserver.
            let shown = json!({"APIGroup": group, "Kind": kind, "Name": name}).to_string();
            causes.push(Cause::invalid_shown("roleRef", &shown, "cannot change roleRef"));
        }
        causes
    }
}

impl Bindings {
    fn subject(&self, index: usize, subject: &Value, causes: &mut Vec<Cause>) {
        let field = |name: &str| format!("subjects[{index}].{name}");
        let (kind, group) = (text(subject, "/kind"), text(subject, "/apiGroup"));
        if text(subject, "/name").is_empty() {
            causes.push(Cause::required(field("name"), ""));
        }
        match kind {
            "ServiceAccount" => {
                if !group.is_empty() {
                    causes.push(Cause::not_supported(field("apiGroup"), &group.into(), &[""]));
                }
                if !self.namespaced && text(subject, "/namespace").is_empty() {
                    causes.push(Cause::required(field("namespace"), ""));
                }
            }
            "User" | "Group" if group != GROUP => {
                causes.push(Cause::not_supported(field("apiGroup"), &group.into(), &[GROUP]));
            }
            "User" | "Group" => {}
            other => {
                causes.push(Cause::not_supported(field("kind"), &other.into(), &["ServiceAccount", "User", "Group"]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules() {
        let role = |rule: Value| Roles { namespaced: true }.validate(&json!({"rules": [rule]}), None, Part::Object);
        assert_eq!(
            fields(&role(json!({"apiGroups": [""], "resources": ["pods"]}))),
            ["rules[0].verbs: Required value: verbs must contain at least one value"]
        );
        assert_eq!(role(json!({"verbs": ["get"]})).len(), 2);
        assert_eq!(role(json!({"verbs": ["get"], "nonResourceURLs": ["/a"]})).len(), 1);
        assert_eq!(role(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]})), []);
        let cluster = Roles { namespaced: false };
        let both = json!({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"], "resources": ["pods"]}]});
        assert_eq!(cluster.validate(&both, None, Part::Object).len(), 1);
    }

    #[test]
    fn bindings() {
        let strategy = Bindings { namespaced: false };
        let mut binding =
            json!({"roleRef": {"kind": "ClusterRole", "name": "a"}, "subjects": [{"kind": "Group", "name": "g"}]});
        strategy.set_defaults(&mut binding);
        assert_eq!(strategy.validate(&binding, None, Part::Object), []);
        let mut other = binding.clone();
        other["roleRef"]["name"] = "b".into();
        assert_eq!(
            fields(&strategy.validate(&other, Some(&binding), Part::Object)),
            [
                r#"roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"b"}: cannot change roleRef"#
            ]
        );
        let bad = json!({
            "roleRef": {"apiGroup": "x", "kind": "Role"},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}, {"kind": "Robot", "name": "b"}, {"kind": "User", "apiGroup": "x"}],
        });
        assert_eq!(strategy.validate(&bad, None, Part::Object).len(), 7);
    }
}
