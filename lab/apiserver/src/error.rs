//! Refusals, as the `Status` objects of `meta.k8s.io/v1`.

use herald_apiserver_schema::{Cause, summary};
use serde_json::{Map, Value, json};

/// Which resource an error is about: group and plural name (or kind, where Kubernetes says so).
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// API group, empty for core.
    pub(crate) group: &'a str,
    /// Plural name.
    pub(crate) resource: &'a str,
    /// Kind.
    pub(crate) kind: &'a str,
}

impl About<'_> {
    /// `services`, or `leases.coordination.k8s.io`.
    pub(crate) fn qualified(&self) -> String {
        qualified(self.resource, self.group)
    }

    /// `details` of a Status about an object.
    pub(crate) fn details(&self, kind: &str, name: &str) -> Map<String, Value> {
        let mut details = Map::new();
        if !name.is_empty() {
            details.insert("name".into(), name.into());
        }
        if !self.group.is_empty() {
            details.insert("group".into(), self.group.into());
        }
        if !kind.is_empty() {
            details.insert("kind".into(), kind.into());
        }
        details
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// A refused request: becomes a `Status` with `status: Failure`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub(crate) struct ApiError {
    /// HTTP status code.
    pub(crate) code: u16,
    /// `NotFound`, `Conflict`, …; empty where Kubernetes gives none.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) message: String,
    /// `details` of the Status.
    pub(crate) details: Option<Map<String, Value>>,
    /// `metadata` of the Status (a list's `continue`).
    pub(crate) metadata: Option<Value>,
}

/// Most handlers' result.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

impl ApiError {
    /// Any code, reason and message.
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, metadata: None }
    }

    /// Adds `details`.
    pub(crate) fn with_details(mut self, details: Value) -> Self {
        if let Value::Object(map) = details {
            self.details = Some(map);
        }
        self
    }

    /// Sets `metadata`.
    pub(crate) fn with_metadata(mut self, metadata: Value) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// 404 for an object.
    pub(crate) fn not_found(about: About<'_>, name: &str) -> Self {
        Self {
            code: 404,
            reason: "NotFound",
            message: format!("{} {name:?} not found", about.qualified()),
            details: Some(about.details(about.resource, name)),
            metadata: None,
        }
    }

    /// 404 for a path.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details(json!({}))
    }

    /// 409 AlreadyExists.
    pub(crate) fn already_exists(about: About<'_>, name: &str) -> Self {
        Self {
            code: 409,
            reason: "AlreadyExists",
            message: format!("{} {name:?} already exists", about.qualified()),
            details: Some(about.details(about.resource, name)),
            metadata: None,
        }
    }

    /// 409 Conflict with a text of its own.
    pub(crate) fn conflict(about: About<'_>, name: &str, why: impl AsRef<str>) -> Self {
        Self {
            code: 409,
            reason: "Conflict",
            message: format!("Operation cannot be fulfilled on {} {name:?}: {}", about.qualified(), why.as_ref()),
            details: Some(about.details(about.resource, name)),
            metadata: None,
        }
    }

    /// 409 because the object's resourceVersion is another.
    pub(crate) fn modified(about: About<'_>, name: &str) -> Self {
        Self::conflict(
            about,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 422 with causes. One cause is named as it is, several in brackets.
    pub(crate) fn invalid(about: About<'_>, name: &str, causes: &[Cause]) -> Self {
        let what = summary(causes);
        let mut details = about.details(about.kind, name);
        details.insert("causes".into(), causes.iter().map(Cause::to_json).collect());
        Self {
            code: 422,
            reason: "Invalid",
            message: format!("{} {name:?} is invalid: {what}", qualified(about.kind, about.group)),
            details: Some(details),
            metadata: None,
        }
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with_details(json!({}))
    }

    /// 410, reason Expired: the resourceVersion is too old.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 500 without a reason, as errors of unknown type are reported.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 500, reason InternalError.
    pub(crate) fn internal(message: impl AsRef<str>) -> Self {
        let message = message.as_ref();
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .with_details(json!({"causes": [{"message": message}]}))
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": self.metadata.clone().unwrap_or_else(|| json!({})), "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if let Value::Object(map) = &mut status {
            if !self.reason.is_empty() {
                map.insert("reason".into(), self.reason.into());
            }
            if let Some(details) = &self.details {
                map.insert("details".into(), Value::Object(details.clone()));
            }
        }
        status
    }
}
