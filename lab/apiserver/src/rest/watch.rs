//! Watches.
//!
//! A watch is a cursor in its collection's history: it takes what has happened since, writes it down in its own form,
//! and sleeps until the collection changes again. Nothing is queued per watcher, so a slow one costs nothing; one that
//! falls out of the history is told so with a 410 and ends.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::time::Instant;

use super::Scope;
use super::form::View;
use super::options::ListOptions;
use super::read::selected;
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call, Form, Negotiated};
use crate::store::{Event, Object};

/// Events taken from history at a time.
const BATCH: usize = 256;

pub(super) fn watch(api: &Arc<Api>, scope: &Scope, call: &Call) -> Result<Answer> {
    let form = Negotiated::from_headers(&call.headers).form()?;
    let options = ListOptions::parse(&call.query)?;
    let scope = Scope { resource: Arc::clone(&scope.resource), target: scope.target.clone(), part: scope.part };
    let changes = api.store.subscribe(&scope.resource.collection);
    let initial =
        options.resource_version.as_deref().is_none_or(|v| v == "0") || options.send_initial_events == Some(true);
    let mut watch = Watch {
        api: Arc::clone(api),
        prefix: scope.prefix(),
        scope,
        form,
        cursor: 0,
        pending: VecDeque::new(),
        changes,
        deadline: options.timeout.map(|t| Instant::now() + t),
        options,
        ended: false,
    };
    if initial {
        let snapshot = api.store.list(&watch.scope.resource.collection, &watch.prefix);
        watch.cursor = snapshot.revision;
        for chunk in snapshot.objects.chunks(BATCH) {
            let mut out = BytesMut::new();
            for object in chunk {
                if selected(&watch.scope, &watch.options, object) {
                    watch.line(&mut out, "ADDED", object);
                }
            }
            if !out.is_empty() {
                watch.pending.push_back(out.freeze());
            }
        }
        if watch.options.send_initial_events == Some(true) {
            let bookmark = json!({"type": "BOOKMARK", "object": {
                "kind": watch.scope.resource.kind,
                "apiVersion": watch.scope.resource.api_version(&watch.scope.target.version),
                "metadata": {
                    "resourceVersion": watch.cursor.to_string(),
                    "annotations": {"k8s.io/initial-events-end": "true"},
                },
            }});
            watch.pending.push_back(Bytes::from(format!("{bookmark}\n")));
        }
    } else if let Some(version) = watch.options.resource_version.as_deref() {
        watch.cursor = version.parse().map_err(|_| {
            ApiError::unknown(format!(
                "resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
            ))
        })?;
    }
    let chunks = stream::unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(chunk)), watch))
    });
    Ok(Answer::stream(StreamBody::new(chunks).boxed_unsync()))
}

/// One watch that is open.
struct Watch {
    api: Arc<Api>,
    scope: Scope,
    prefix: String,
    form: Form,
    options: ListOptions,
    /// Everything up to this revision has been told.
    cursor: u64,
    /// Written down, not yet sent.
    pending: VecDeque<Bytes>,
    changes: tokio::sync::watch::Receiver<u64>,
    deadline: Option<Instant>,
    ended: bool,
}

impl Watch {
    /// The next lines; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.pending.pop_front() {
                return Some(chunk);
            }
            if self.ended {
                return None;
            }
            self.changes.mark_unchanged();
            if self.take_events() {
                continue;
            }
            let changed = self.changes.changed();
            match self.deadline {
                Some(deadline) => tokio::select! {
                    changed = changed => changed.ok()?,
                    () = tokio::time::sleep_until(deadline) => return None,
                },
                None => changed.await.ok()?,
            }
        }
    }

    /// Takes events from history; whether there were any.
    fn take_events(&mut self) -> bool {
        let taken = self.api.store.events_after(&self.scope.resource.collection, self.cursor, BATCH);
        let mut out = BytesMut::new();
        match taken {
            Ok((events, known)) => {
                let any = !events.is_empty();
                for event in &events {
                    self.event(&mut out, event);
                }
                self.cursor = self.cursor.max(known);
                if !out.is_empty() {
                    self.pending.push_back(out.freeze());
                }
                any
            }
            Err(too_old) => {
                let error =
                    ApiError::expired(format!("too old resource version: {} ({})", self.cursor, too_old.oldest + 1));
                let line = json!({"type": "ERROR", "object": error.status()});
                self.pending.push_back(Bytes::from(format!("{line}\n")));
                self.ended = true;
                true
            }
        }
    }

    /// What an event is to this watch: an object may enter or leave the selection.
    fn event(&self, out: &mut BytesMut, event: &Event) {
        if !event.key.starts_with(&self.prefix) {
            return;
        }
        let was = event.previous.as_ref().is_some_and(|previous| selected(&self.scope, &self.options, previous));
        let is = !event.deleted && selected(&self.scope, &self.options, &event.object);
        match (was, is) {
            (false, true) => self.line(out, "ADDED", &event.object),
            (true, true) => self.line(out, "MODIFIED", &event.object),
            (true, false) if event.deleted => self.line(out, "DELETED", &event.object),
            (true, false) => {
                // Left the selection: the content before, at the revision of the change.
                if let Some(previous) = &event.previous {
                    let gone = previous.at_revision(event.revision);
                    self.line(out, "DELETED", &gone);
                }
            }
            (false, false) => {}
        }
    }

    fn line(&self, out: &mut BytesMut, kind: &str, object: &Object) {
        let json = View::new(&self.scope, self.form).object(object);
        out.reserve(json.len() + 40);
        out.put_slice(b"{\"type\":\"");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\",\"object\":");
        out.put_slice(&json);
        out.put_slice(b"}\n");
    }
}
