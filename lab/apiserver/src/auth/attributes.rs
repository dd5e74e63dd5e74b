//! What is asked for, as the authorizer sees it.

use serde_json::{Map, Value};

use super::User;
use crate::error::ApiError;
use crate::http::{Query, RequestInfo};
use crate::meta::text;

/// What a user wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// `get`, `list`, `patch`, …
    pub(crate) verb: String,
    /// The resource, unless it is a path that is asked for.
    pub(crate) resource: Option<ResourceAttributes>,
    /// The path.
    pub(crate) path: String,
}

/// The resource that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResourceAttributes {
    /// API group, empty for core.
    pub(crate) group: String,
    /// Plural name.
    pub(crate) resource: String,
    /// `status`, …; empty for the object itself.
    pub(crate) subresource: String,
    /// Empty for the cluster scope and all namespaces.
    pub(crate) namespace: String,
    /// Empty for a collection.
    pub(crate) name: String,
}

impl Attributes {
    /// What a request asks for. A list or watch of the one object that its field selector names is about that object.
    pub(crate) fn of_request(info: &RequestInfo, query: &Query) -> Self {
        let resource = info.target.as_ref().map(|target| {
            let mut name = target.name.clone();
            if name.is_empty() && matches!(info.verb.as_str(), "list" | "watch" | "deletecollection") {
                name = query.get("fieldSelector").and_then(selected_name).unwrap_or_default().to_owned();
            }
            ResourceAttributes {
                group: target.group.clone(),
                resource: target.resource.clone(),
                subresource: target.subresource.clone(),
                namespace: target.namespace.clone(),
                name,
            }
        });
        Self { verb: info.verb.clone(), resource, path: info.path.clone() }
    }

    /// A resource.
    pub(super) fn for_resource(
        verb: &str,
        group: &str,
        resource: &str,
        subresource: &str,
        namespace: &str,
        name: &str,
    ) -> Self {
        let resource = ResourceAttributes {
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        Self { verb: verb.to_owned(), resource: Some(resource), path: String::new() }
    }

    /// A path.
    pub(super) fn for_path(verb: &str, path: &str) -> Self {
        Self { verb: verb.to_owned(), resource: None, path: path.to_owned() }
    }

    /// `spec` of an access review; None if it has neither or both kinds of attributes.
    pub(super) fn of_review(spec: &Value) -> Option<Self> {
        let of = |name: &str| spec.get(name).filter(|value| value.is_object());
        match (of("resourceAttributes"), of("nonResourceAttributes")) {
            (Some(of), None) => Some(Self::for_resource(
                text(of, "/verb"),
                text(of, "/group"),
                text(of, "/resource"),
                text(of, "/subresource"),
                text(of, "/namespace"),
                text(of, "/name"),
            )),
            (None, Some(of)) => Some(Self::for_path(text(of, "/verb"), text(of, "/path"))),
            _ => None,
        }
    }

    /// The 403 answer. `reason` is what the authorizer adds; empty for nothing.
    pub(super) fn forbidden(&self, user: &User, reason: &str) -> ApiError {
        let mut message = self.refusal(user);
        if !reason.is_empty() {
            message.push_str(": ");
            message.push_str(reason);
        }
        let mut details = Map::new();
        let message = match &self.resource {
            None => format!("forbidden: {message}"),
            Some(of) => {
                let mut put = |name: &str, value: &str| {
                    if !value.is_empty() {
                        details.insert(name.to_owned(), value.into());
                    }
                };
                put("name", &of.name);
                put("group", &of.group);
                put("kind", &of.resource);
                let dot = if of.group.is_empty() { "" } else { "." };
                let name = if of.name.is_empty() { String::new() } else { format!(" {:?}", of.name) };
                format!("{}{dot}{}{name} is forbidden: {message}", of.resource, of.group)
            }
        };
        ApiError::new(403, "Forbidden", message).with_details(Value::Object(details))
    }

    /// `User "x" cannot get resource "services" in API group "" in the namespace "a"`.
    fn refusal(&self, user: &User) -> String {
        let (who, verb) = (&user.name, &self.verb);
        let Some(of) = &self.resource else {
            return format!("User {who:?} cannot {verb} path {:?}", self.path);
        };
        let what = match of.subresource.as_str() {
            "" => of.resource.clone(),
            subresource => format!("{}/{subresource}", of.resource),
        };
        let place = match of.namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        format!("User {who:?} cannot {verb} resource {what:?} in API group {:?} {place}", of.group)
    }
}

/// The name in `metadata.name=NAME`, alone or among other requirements.
fn selected_name(selector: &str) -> Option<&str> {
    selector.split(',').find_map(|part| {
        let (field, value) = part.split_once('=')?;
        (field.trim() == "metadata.name").then(|| value.trim_start_matches('=').trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_selectors_name_an_object() {
        assert_eq!(selected_name("metadata.name=a"), Some("a"));
        assert_eq!(selected_name("spec.x=1,metadata.name==b"), Some("b"));
        assert_eq!(selected_name("metadata.name!=a"), None);
        assert_eq!(selected_name("metadata.namespace=a"), None);
    }
}
