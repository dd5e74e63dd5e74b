//! Query parameters of lists and watches, and of writes.

use std::time::Duration;

use crate::error::{ApiError, Result};
use crate::http::Query;
use crate::meta::{FieldSelector, LabelSelector};

/// Parameters of a list or a watch.
#[derive(Debug, Clone, Default)]
pub(super) struct ListOptions {
    pub(super) labels: LabelSelector,
    pub(super) fields: FieldSelector,
    pub(super) resource_version: Option<String>,
    pub(super) version_match: Option<String>,
    pub(super) limit: usize,
    pub(super) continue_token: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) bookmarks: bool,
    pub(super) send_initial_events: Option<bool>,
}

impl ListOptions {
    pub(super) fn parse(query: &Query) -> Result<Self> {
        let owned = |name| query.get(name).map(str::to_owned);
        Ok(Self {
            labels: LabelSelector::parse(query.get("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(query.get("fieldSelector").unwrap_or_default())?,
            resource_version: owned("resourceVersion"),
            version_match: owned("resourceVersionMatch"),
            limit: query.number("limit")?.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            continue_token: owned("continue"),
            timeout: query.number("timeoutSeconds")?.filter(|n| *n > 0).map(Duration::from_secs),
            bookmarks: query.flag("allowWatchBookmarks"),
            send_initial_events: query.get("sendInitialEvents").map(|v| v != "false" && v != "0"),
        })
    }
}

/// Parameters of a write.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteOptions {
    pub(super) dry_run: bool,
    pub(super) field_manager: Option<String>,
    pub(super) validation: FieldValidation,
    pub(super) force: bool,
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
    pub(super) fn parse(query: &Query) -> Result<Self> {
        let mut dry_run = false;
        for value in query.all("dryRun") {
            if value != "All" {
                return Err(ApiError::bad_request(format!("invalid dryRun value {value:?}")));
            }
            dry_run = true;
        }
        Ok(Self {
            dry_run,
            field_manager: query.get("fieldManager").map(str::to_owned),
            validation: match query.get("fieldValidation") {
                None | Some("Warn") => FieldValidation::Warn,
                Some("Ignore") => FieldValidation::Ignore,
                Some("Strict") => FieldValidation::Strict,
                Some(other) => {
                    return Err(ApiError::bad_request(format!("invalid fieldValidation value {other:?}")));
                }
            },
            force: query.flag("force"),
        })
    }
}
