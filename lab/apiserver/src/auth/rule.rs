//! One rule of a Role or ClusterRole, and what it covers.

use serde_json::{Value, json};

use super::attributes::Attributes;
use super::texts;

/// `rules[]` of a Role or ClusterRole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) verbs: Vec<String>,
    pub(super) api_groups: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) resource_names: Vec<String>,
    pub(super) urls: Vec<String>,
}

impl Rule {
    /// Reads one; what is missing is empty and covers nothing.
    pub(super) fn read(value: &Value) -> Self {
        let list = |name: &str| value.get(name).map(texts).unwrap_or_default();
        Self {
            verbs: list("verbs"),
            api_groups: list("apiGroups"),
            resources: list("resources"),
            resource_names: list("resourceNames"),
            urls: list("nonResourceURLs"),
        }
    }

    /// Reads `rules` of a role.
    pub(super) fn read_all(role: &Value) -> Vec<Self> {
        role.get("rules").and_then(Value::as_array).into_iter().flatten().map(Self::read).collect()
    }

    /// Whether the rule allows this.
    pub(super) fn covers(&self, of: &Attributes) -> bool {
        if !has(&self.verbs, &of.verb) {
            return false;
        }
        let Some(target) = &of.resource else {
            return self.urls.iter().any(|url| url_matches(url, &of.path));
        };
        has(&self.api_groups, &target.group)
            && self.resources.iter().any(|rule| resource_matches(rule, &target.resource, &target.subresource))
            && (self.resource_names.is_empty() || self.resource_names.contains(&target.name))
    }

    /// Whether other rules, together, allow everything that this one does. As in kube-apiserver, each single verb on
    /// each single resource must be allowed by one of them, and `*` only by `*`.
    pub(super) fn is_held(&self, held: &[Rule]) -> bool {
        let by = |test: &dyn Fn(&Rule) -> bool| held.iter().any(test);
        let paths = self.verbs.iter().all(|verb| {
            self.urls
                .iter()
                .all(|url| by(&|rule| has(&rule.verbs, verb) && rule.urls.iter().any(|of| url_matches(of, url))))
        });
        let any_name = String::new();
        let names = if self.resource_names.is_empty() { std::slice::from_ref(&any_name) } else { &self.resource_names };
        let covers = |rule: &Rule, verb: &str, group: &str, resource: &str, name: &String| {
            let (of, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            has(&rule.verbs, verb)
                && has(&rule.api_groups, group)
                && rule.resources.iter().any(|rule| resource_matches(rule, of, subresource))
                && (rule.resource_names.is_empty() || rule.resource_names.contains(name))
        };
        paths
            && self.verbs.iter().all(|verb| {
                self.api_groups.iter().all(|group| {
                    self.resources
                        .iter()
                        .all(|resource| names.iter().all(|name| by(&|rule| covers(rule, verb, group, resource, name))))
                })
            })
    }

    /// As messages show a rule: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`.
    pub(super) fn compact(&self) -> String {
        let parts = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("ResourceNames", &self.resource_names),
            ("NonResourceURLs", &self.urls),
            ("Verbs", &self.verbs),
        ];
        let shown = parts.into_iter().filter(|(_, list)| !list.is_empty());
        let parts: Vec<String> = shown.map(|(name, list)| format!("{name}:{}", super::review::go_list(list))).collect();
        format!("{{{}}}", parts.join(", "))
    }

    /// As `resourceRules[]` of a SelfSubjectRulesReview; None for a rule about paths.
    pub(super) fn resource_rule(&self) -> Option<Value> {
        if self.resources.is_empty() {
            return None;
        }
        let mut rule = json!({"verbs": self.verbs, "apiGroups": self.api_groups, "resources": self.resources});
        if !self.resource_names.is_empty() {
            rule["resourceNames"] = json!(self.resource_names);
        }
        Some(rule)
    }

    /// As `nonResourceRules[]` of a SelfSubjectRulesReview; None for a rule about resources.
    pub(super) fn url_rule(&self) -> Option<Value> {
        if self.urls.is_empty() { None } else { Some(json!({"verbs": self.verbs, "nonResourceURLs": self.urls})) }
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == "*" || item == wanted)
}

/// `services`, `services/status`, `*/status`, `*`.
fn resource_matches(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == "*" {
        return true;
    }
    match rule.split_once('/') {
        Some(("*", of)) => !subresource.is_empty() && of == subresource,
        Some((resource_of, of)) => resource_of == resource && of == subresource,
        None => subresource.is_empty() && rule == resource,
    }
}

/// `/healthz`, `/api/*`, `*`.
fn url_matches(rule: &str, path: &str) -> bool {
    rule == "*" || rule == path || rule.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &Value) -> Rule {
        Rule::read(value)
    }

    #[test]
    fn resources() {
        let allowed = |rule_value: Value, resource: &str, subresource: &str, name: &str| {
            let attributes = Attributes::for_resource("get", "g", resource, subresource, "ns", name);
            rule(&rule_value).covers(&attributes)
        };
        let on = |resources: &[&str]| json!({"verbs": ["get"], "apiGroups": ["g"], "resources": resources});
        assert!(allowed(on(&["a"]), "a", "", "x"));
        assert!(!allowed(on(&["a"]), "a", "status", "x"));
        assert!(allowed(on(&["a/status"]), "a", "status", "x"));
        assert!(!allowed(on(&["a/status"]), "a", "", "x"));
        assert!(allowed(on(&["*/status"]), "b", "status", "x"));
        assert!(!allowed(on(&["*/status"]), "b", "", "x"));
        assert!(allowed(on(&["*"]), "b", "scale", "x"));
        let named = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["a"], "resourceNames": ["x"]});
        assert!(allowed(named.clone(), "a", "", "x"));
        assert!(!allowed(named.clone(), "a", "", "y"));
        assert!(!allowed(named, "a", "", ""));
        assert!(!allowed(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["a"]}), "a", "", ""));
        assert!(!allowed(json!({}), "a", "", ""));
    }

    #[test]
    fn paths() {
        let allowed = |url: &str, verb: &str, path: &str| {
            rule(&json!({"verbs": ["get"], "nonResourceURLs": [url]})).covers(&Attributes::for_path(verb, path))
        };
        assert!(allowed("/healthz", "get", "/healthz"));
        assert!(!allowed("/healthz", "post", "/healthz"));
        assert!(!allowed("/healthz", "get", "/healthz/x"));
        assert!(allowed("/api/*", "get", "/api/v1"));
        assert!(!allowed("/api/*", "get", "/api"));
        assert!(allowed("*", "get", "/metrics"));
    }
}
