//! Query parameters of lists and watches, and of writes.

use std::time::Duration;

use herald_apiserver_schema::Cause;
use serde_json::{Value, json};

use crate::error::{About, ApiError, Result};
use crate::http::Query;
use crate::meta::{FieldSelector, LabelSelector};

/// Parameters of a list or a watch.
#[derive(Debug, Clone, Default)]
pub(super) struct ListOptions {
    pub(super) labels: LabelSelector,
    pub(super) fields: FieldSelector,
    pub(super) resource_version: Option<String>,
    pub(super) version_match: Option<VersionMatch>,
    pub(super) limit: usize,
    pub(super) continue_token: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) bookmarks: bool,
    pub(super) send_initial_events: Option<bool>,
}

/// `resourceVersionMatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VersionMatch {
    Exact,
    NotOlderThan,
}

impl ListOptions {
    pub(super) fn parse(query: &Query, watch: bool) -> Result<Self> {
        let owned = |name| query.get(name).map(str::to_owned);
        let options = Self {
            labels: LabelSelector::parse(query.get("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(query.get("fieldSelector").unwrap_or_default())?,
            resource_version: owned("resourceVersion"),
            version_match: match query.get("resourceVersionMatch") {
                Some("Exact") => Some(VersionMatch::Exact),
                Some("NotOlderThan") => Some(VersionMatch::NotOlderThan),
                _ => None,
            },
            limit: query.number("limit")?.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            continue_token: owned("continue"),
            timeout: query.number("timeoutSeconds")?.filter(|n| *n > 0).map(Duration::from_secs),
            bookmarks: query.flag("allowWatchBookmarks"),
            send_initial_events: query.get("sendInitialEvents").map(|v| v != "false" && v != "0"),
        };
        let causes = if watch { options.watch_causes(query) } else { options.list_causes(query) };
        if causes.is_empty() { Ok(options) } else { Err(invalid_options("ListOptions", &causes)) }
    }

    fn watch_causes(&self, query: &Query) -> Vec<Cause> {
        let given = query.get("resourceVersionMatch");
        let mut causes = Vec::new();
        if self.send_initial_events.is_some() {
            if given != Some("NotOlderThan") {
                let words = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                causes.push(Cause::forbidden("resourceVersionMatch", words));
            }
            if let Some(other) = given.filter(|other| *other != "NotOlderThan") {
                causes.push(Cause::not_supported("resourceVersionMatch", &json!(other), &["NotOlderThan"]));
            }
        } else if given.is_some() {
            let words = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            causes.push(Cause::forbidden("resourceVersionMatch", words));
        }
        causes
    }

    fn list_causes(&self, query: &Query) -> Vec<Cause> {
        let mut causes = Vec::new();
        if self.send_initial_events.is_some() {
            causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        let Some(given) = query.get("resourceVersionMatch") else { return causes };
        let forbidden = |words: &str| Cause::forbidden("resourceVersionMatch", words);
        if self.resource_version.is_none() {
            causes.push(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
        }
        if self.continue_token.is_some() {
            causes.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
        }
        match self.version_match {
            None => {
                let supported = ["Exact", "NotOlderThan", ""];
                causes.push(Cause::not_supported("resourceVersionMatch", &json!(given), &supported));
            }
            Some(VersionMatch::Exact) if self.resource_version.as_deref() == Some("0") => {
                causes.push(forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
            }
            Some(_) => {}
        }
        causes
    }
}

/// Which sort of write options are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Update,
    Patch,
}

impl Operation {
    fn kind(self) -> &'static str {
        match self {
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
            Self::Patch => "PatchOptions",
        }
    }
}

/// Parameters of a write.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteOptions {
    pub(super) dry_run: bool,
    pub(super) field_manager: Option<String>,
    pub(super) validation: FieldValidation,
    pub(super) force: bool,
    force_given: bool,
}

/// What is done about fields that are unknown or given twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum FieldValidation {
    /// Dropped without a word.
    Ignore,
    /// Dropped with a warning.
    #[default]
    Warn,
    /// Refused.
    Strict,
}

impl WriteOptions {
    pub(super) fn parse(query: &Query, operation: Operation) -> Result<Self> {
        let mut causes = Vec::new();
        let dry_run = dry_run(query, &mut causes);
        let validation = match query.get("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported("fieldValidation", &json!(other), &supported));
                FieldValidation::Warn
            }
        };
        if query.get("fieldManager").is_some_and(|manager| manager.len() > 128) {
            let words = "may not be more than 128 bytes";
            causes.push(Cause::plain(herald_apiserver_schema::Reason::TooLong, "fieldManager", words));
        }
        if !causes.is_empty() {
            return Err(invalid_options(operation.kind(), &causes));
        }
        Ok(Self {
            dry_run,
            field_manager: query.get("fieldManager").map(str::to_owned),
            validation,
            force: query.flag("force"),
            force_given: query.get("force").is_some(),
        })
    }

    /// What only an apply may and must have.
    pub(super) fn check_patch(&self, apply: bool) -> Result<()> {
        let cause = match (apply, &self.field_manager) {
            (true, None) => Cause::required("fieldManager", "is required for apply patch"),
            (false, _) if self.force_given => Cause::forbidden("force", "may not be specified for non-apply patch"),
            _ => return Ok(()),
        };
        Err(invalid_options("PatchOptions", &[cause]))
    }
}

/// Whether a write is only to be tried; what is wrong with the wish is added to `causes`.
pub(super) fn dry_run(query: &Query, causes: &mut Vec<Cause>) -> bool {
    let values: Vec<&str> = query.all("dryRun").filter(|value| !value.is_empty()).collect();
    if values.iter().any(|value| *value != "All") {
        let shown: Vec<Value> = values.iter().map(|value| json!(value)).collect();
        causes.push(Cause::not_supported("dryRun", &Value::Array(shown), &["All"]));
    }
    !values.is_empty()
}

/// 422 about options of a request.
pub(super) fn invalid_options(kind: &str, causes: &[Cause]) -> ApiError {
    ApiError::invalid(About { group: "meta.k8s.io", resource: "", kind }, "", causes)
}
