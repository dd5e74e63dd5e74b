//! What a path and a method ask for, as kube-apiserver's `RequestInfo` has it.
//!
//! ```text
//! /api/v1/namespaces/{ns}/{resource}/{name}/{subresource}
//! /apis/{group}/{version}/namespaces/{ns}/{resource}/{name}/{subresource}
//! /api/v1/watch/…                                             (the old form of a watch)
//! /healthz, /version, /openapi/v3, …                          (not a resource)
//! ```

use http::Method;

use super::query::{Query, decode};

/// A request for a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// API group, empty for core.
    pub(crate) group: String,
    /// API version.
    pub(crate) version: String,
    /// Namespace, empty for cluster scope and for all namespaces.
    pub(crate) namespace: String,
    /// Plural name of the resource.
    pub(crate) resource: String,
    /// `status`, `scale`, …; empty for the object itself.
    pub(crate) subresource: String,
    /// Object name, empty for the collection.
    pub(crate) name: String,
}

/// What a request asks for: the attributes that RBAC decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// The path, decoded.
    pub(crate) path: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for what is no resource the
    /// method in lower case.
    pub(crate) verb: String,
    /// The resource, if it is one.
    pub(crate) target: Option<Target>,
}

impl RequestInfo {
    /// Reads method, path and query.
    pub(crate) fn parse(method: &Method, raw_path: &str, query: &Query) -> Self {
        let path = decode(raw_path, false);
        let parts: Vec<String> = raw_path.trim_matches('/').split('/').map(|part| decode(part, false)).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, mut rest) = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => return Self::not_a_resource(method, path),
        };
        let mut old_watch = false;
        if let ["watch", tail @ ..] = rest
            && !tail.is_empty()
        {
            old_watch = true;
            rest = tail;
        }
        let mut target = Target { group: group.to_owned(), version: version.to_owned(), ..Target::default() };
        // A namespace is a resource too: its own object, its status and finalize; everything else lies inside it.
        let inside = match rest {
            ["namespaces", namespace, inside @ ..] if !matches!(inside, [] | ["status"] | ["finalize"]) => {
                target.namespace = (*namespace).to_owned();
                inside
            }
            ["namespaces", name, ..] => {
                target.namespace = (*name).to_owned();
                rest
            }
            other => other,
        };
        let mut inside = inside.iter();
        let mut next = || inside.next().map(|s| (*s).to_owned()).unwrap_or_default();
        target.resource = next();
        target.name = next();
        target.subresource = next();
        let verb = verb(method, &target, old_watch, query);
        Self { path, verb: verb.to_owned(), target: Some(target) }
    }

    fn not_a_resource(method: &Method, path: String) -> Self {
        Self { path, verb: method.as_str().to_ascii_lowercase(), target: None }
    }
}

fn verb(method: &Method, target: &Target, old_watch: bool, query: &Query) -> &'static str {
    let collection = target.name.is_empty();
    match *method {
        Method::GET | Method::HEAD if old_watch => "watch",
        Method::GET | Method::HEAD if collection && query.flag("watch") => "watch",
        Method::GET | Method::HEAD if collection => "list",
        Method::GET | Method::HEAD => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if collection => "deletecollection",
        Method::DELETE => "delete",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: Method, uri: &str) -> RequestInfo {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        RequestInfo::parse(&method, path, &Query::parse(query))
    }

    #[test]
    fn namespaced_objects_and_subresources() {
        let info = parse(Method::PATCH, "/api/v1/namespaces/a/services/b/status");
        let target = info.target.unwrap();
        assert_eq!(info.verb, "patch");
        assert_eq!((target.namespace.as_str(), target.resource.as_str(), target.name.as_str()), ("a", "services", "b"));
        assert_eq!(target.subresource, "status");
    }

    #[test]
    fn a_namespace_is_an_object_and_a_scope() {
        let own = parse(Method::GET, "/api/v1/namespaces/a").target.unwrap();
        assert_eq!((own.resource.as_str(), own.name.as_str()), ("namespaces", "a"));
        let status = parse(Method::PUT, "/api/v1/namespaces/a/finalize").target.unwrap();
        assert_eq!(status.subresource, "finalize");
        let list = parse(Method::GET, "/apis/metallb.io/v1beta1/namespaces/a/bgppeers?watch=1");
        assert_eq!(list.verb, "watch");
        assert_eq!(list.target.unwrap().group, "metallb.io");
    }

    #[test]
    fn groups_and_versions_alone_are_no_resources() {
        for path in ["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/openapi/v3", "/"] {
            assert_eq!(parse(Method::GET, path).target, None, "{path}");
        }
    }

    #[test]
    fn the_watch_parameter_and_the_old_prefix() {
        assert_eq!(parse(Method::GET, "/api/v1/services?watch=0").verb, "list");
        assert_eq!(parse(Method::GET, "/api/v1/services/x?watch=1").verb, "get");
        let old = parse(Method::GET, "/api/v1/watch/namespaces/n/configmaps");
        assert_eq!((old.verb.as_str(), old.target.unwrap().namespace.as_str()), ("watch", "n"));
    }
}
