//! Get and list.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Scope;
use super::form::View;
use super::options::{ListOptions, VersionMatch};
use super::select::{check, selected};
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call, Form, Negotiated};
use crate::store::{Object, Snapshot, TooOld};

/// How long a read waits for a revision that the server has not reached (kube-apiserver: 3 s).
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) async fn get(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let view = View::of_call(scope, call, false)?;
    if let Some(version) = call.query.get("resourceVersion") {
        reach(api, revision(version)?).await?;
    }
    let object = api
        .store
        .get(&scope.resource.collection, &scope.key())
        .ok_or_else(|| ApiError::not_found(scope.resource.about(), &scope.target.name))?;
    Ok(Answer::json_bytes(200, view.object(scope, &object)).warnings(&deprecation(scope)))
}

pub(super) async fn list(api: &Api, scope: &Scope, call: &Call) -> Result<Answer> {
    let view = View::of_call(scope, call, true)?;
    let options = ListOptions::parse(&call.query, false)?;
    check(scope, &options)?;
    let page = Page::read(api, scope, &options).await?;
    let mut metadata = list_metadata(scope, call, page.revision);
    if let Some(next) = page.next {
        metadata["continue"] = next.into();
        if options.labels.is_empty() && options.fields.is_empty() {
            metadata["remainingItemCount"] = page.remaining.into();
        }
    }
    let json = view.list(scope, metadata, &page.objects);
    Ok(Answer::json_bytes(200, json).warnings(&deprecation(scope)))
}

/// The metadata that every list has. Lists of custom resources always have a `continue`.
pub(super) fn list_metadata(scope: &Scope, call: &Call, revision: u64) -> Value {
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if scope.resource.strategy.is_custom() && Negotiated::from_headers(&call.headers).form().ok() == Some(Form::Full) {
        metadata["continue"] = "".into();
    }
    metadata
}

/// The `Warning` of a version that is deprecated.
fn deprecation(scope: &Scope) -> Vec<String> {
    scope.resource.version(&scope.target.version).and_then(|version| version.warning.clone()).into_iter().collect()
}

/// Reads a resourceVersion parameter.
fn revision(text: &str) -> Result<u64> {
    text.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: \
             invalid syntax"
        ))
    })
}

/// Waits until the server has reached a revision.
async fn reach(api: &Api, revision: u64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let current = api.store.revision();
        if revision <= current {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(ApiError::new(
                504,
                "Timeout",
                format!("Timeout: Too large resource version: {revision}, current: {current}"),
            )
            .with_details(json!({
                "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                "retryAfterSeconds": 1,
            })));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One page of a list.
struct Page {
    revision: u64,
    objects: Vec<Arc<Object>>,
    /// Where the next page begins.
    next: Option<String>,
    remaining: usize,
}

impl Page {
    async fn read(api: &Api, scope: &Scope, options: &ListOptions) -> Result<Self> {
        let collection = &scope.resource.collection;
        let prefix = scope.prefix();
        let version = options.resource_version.as_deref().filter(|v| !v.is_empty());
        let mut start = None;
        let mut limit = options.limit;
        let snapshot = match (&options.continue_token, version) {
            (Some(_), Some(version)) if version != "0" => {
                return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
            }
            (Some(token), _) => {
                let token = Continue::decode(token)?;
                let snapshot = match token.revision {
                    Some(at) => api.store.list_at(collection, &prefix, at).map_err(|_| token.expired())?,
                    None => api.store.list(collection, &prefix),
                };
                start = Some(token.start);
                snapshot
            }
            (None, None) => api.store.list(collection, &prefix),
            (None, Some(version)) => {
                let at = revision(version)?;
                if at == 0 {
                    limit = 0; // answered from the cache, which knows no limit
                }
                reach(api, at).await?;
                match options.version_match {
                    Some(VersionMatch::Exact) => api.store.list_at(collection, &prefix, at).map_err(|_: TooOld| {
                        ApiError::expired("The resourceVersion for the provided list is too old.")
                    })?,
                    _ => api.store.list(collection, &prefix),
                }
            }
        };
        Ok(Self::cut(scope, options, snapshot, start.as_deref(), limit))
    }

    fn cut(scope: &Scope, options: &ListOptions, snapshot: Snapshot, start: Option<&str>, limit: usize) -> Self {
        let Snapshot { revision, mut objects } = snapshot;
        if let Some(start) = start {
            let skipped = objects.partition_point(|object| key(object).as_str() < start);
            objects.drain(..skipped);
        }
        objects.retain(|object| selected(scope, options, object));
        if limit == 0 || objects.len() <= limit {
            return Self { revision, objects, next: None, remaining: 0 };
        }
        let remaining = objects.len() - limit;
        objects.truncate(limit);
        let next = objects.last().map(|last| Continue::after(revision, &key(last)).encode());
        Self { revision, objects, next, remaining }
    }
}

fn key(object: &Object) -> String {
    crate::store::key(crate::meta::namespace(&object.value), crate::meta::name(&object.value))
}

/// A `continue` token: the revision of the first page, and the key that the next page begins with.
struct Continue {
    /// `None` reads whatever is there now.
    revision: Option<u64>,
    start: String,
}

impl Continue {
    fn after(revision: u64, key: &str) -> Self {
        // The first key that could come after this one.
        Self { revision: Some(revision), start: format!("{key}\0") }
    }

    fn encode(&self) -> String {
        let revision = self.revision.map_or(json!(-1), |revision| json!(revision));
        URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": self.start}).to_string())
    }

    fn decode(token: &str) -> Result<Self> {
        let invalid = |why: String| ApiError::bad_request(format!("invalid continue token: {why}"));
        let bytes = URL_SAFE_NO_PAD
            .decode(token.trim_end_matches('='))
            .map_err(|error| invalid(format!("continue key is not valid: {error}")))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| invalid(format!("continue key is not valid: invalid character: {error}")))?;
        let start = value["start"].as_str().unwrap_or_default().to_owned();
        Ok(Self { revision: value["rv"].as_u64(), start })
    }

    /// 410, with a token that goes on without consistency.
    fn expired(&self) -> ApiError {
        let inconsistent = Self { revision: None, start: self.start.clone() };
        ApiError::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list \
             without the continue parameter, or use the continue token in this response to retrieve the remainder of \
             the results. Continuing with the provided token results in an inconsistent list - objects that were \
             created, modified, or deleted between the time the first chunk was returned and now may show up in the \
             list.",
        )
        .with_metadata(json!({"continue": inconsistent.encode()}))
    }
}
