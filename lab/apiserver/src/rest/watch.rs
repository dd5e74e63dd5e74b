//! Watches.
//!
//! A watch is a cursor in its collection's history: it takes what has happened since, writes it down in its own form,
//! and sleeps until the collection changes again. Nothing is queued per watcher, so a slow one costs nothing; one that
//! falls out of the history is told so with a 410 and ends.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::time::Instant;

use super::Scope;
use super::form::View;
use super::options::ListOptions;
use super::select::{check, selected};
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Answer, Call};
use crate::store::{Event, Object};

/// Events taken from history at a time.
const BATCH: usize = 256;

/// Time between bookmarks.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// When a streaming list gets its first bookmark after the one that ends the list.
const FIRST_BOOKMARK: Duration = Duration::from_secs(1);

/// How long before its end a watch gets a last bookmark.
const BEFORE_THE_END: Duration = Duration::from_secs(2);

pub(super) fn watch(api: &Arc<Api>, scope: &Scope, call: &Call) -> Result<Answer> {
    let view = View::of_call(scope, call, false)?;
    let options = ListOptions::parse(&call.query, true)?;
    check(scope, &options)?;
    let mut watch = Watch::new(Arc::clone(api), scope, view, options);
    watch.start()?;
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
    view: View,
    options: ListOptions,
    /// Everything up to this revision has been told.
    cursor: u64,
    /// Written down, not yet sent.
    pending: VecDeque<Bytes>,
    changes: tokio::sync::watch::Receiver<u64>,
    deadline: Option<Instant>,
    next_bookmark: Option<Instant>,
    ended: bool,
}

/// Why a watch woke up.
enum Wake {
    Changes,
    Bookmark,
    End,
}

impl Watch {
    fn new(api: Arc<Api>, scope: &Scope, view: View, options: ListOptions) -> Self {
        let scope = Scope { resource: Arc::clone(&scope.resource), target: scope.target.clone(), part: scope.part };
        let now = Instant::now();
        let changes = api.store.subscribe(&scope.resource.collection);
        let first = if options.send_initial_events == Some(true) { FIRST_BOOKMARK } else { BOOKMARK_EVERY };
        let deadline = options.timeout.map(|timeout| now + timeout);
        let mut watch = Self {
            prefix: scope.prefix(),
            next_bookmark: None,
            cursor: 0,
            pending: VecDeque::new(),
            changes,
            deadline,
            ended: false,
            api,
            scope,
            view,
            options,
        };
        watch.schedule_bookmark(now, first);
        watch
    }

    /// Where the watch begins: with all there is, or after a revision.
    fn start(&mut self) -> Result<()> {
        let version = self.options.resource_version.as_deref().unwrap_or("0");
        let revision: u64 = version.parse().map_err(|_| {
            ApiError::unknown(format!(
                "resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
            ))
        })?;
        match self.options.send_initial_events {
            Some(true) => {
                self.send_all();
                if self.options.bookmarks {
                    self.send_bookmark(true);
                }
            }
            None if revision == 0 => self.send_all(),
            _ => self.cursor = revision,
        }
        Ok(())
    }

    fn send_all(&mut self) {
        let snapshot = self.api.store.list(&self.scope.resource.collection, &self.prefix);
        self.cursor = snapshot.revision;
        for chunk in snapshot.objects.chunks(BATCH) {
            let mut out = BytesMut::new();
            for object in chunk.iter().filter(|object| selected(&self.scope, &self.options, object)) {
                self.line(&mut out, "ADDED", object);
            }
            if !out.is_empty() {
                self.pending.push_back(out.freeze());
            }
        }
    }

    fn send_bookmark(&mut self, initial_events_end: bool) {
        let object = self.view.bookmark(&self.scope, self.cursor, initial_events_end);
        let line = json!({"type": "BOOKMARK", "object": object});
        self.pending.push_back(Bytes::from(format!("{line}\n")));
    }

    fn schedule_bookmark(&mut self, now: Instant, after: Duration) {
        if !self.options.bookmarks {
            return;
        }
        let last = self.deadline.and_then(|deadline| deadline.checked_sub(BEFORE_THE_END));
        self.next_bookmark = match last {
            Some(last) if last <= now => None,
            Some(last) => Some(last.min(now + after)),
            None => Some(now + after),
        };
    }

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
            match self.sleep().await {
                Wake::Changes => {}
                Wake::Bookmark => {
                    self.send_bookmark(false);
                    self.schedule_bookmark(Instant::now(), BOOKMARK_EVERY);
                }
                Wake::End => return None,
            }
        }
    }

    async fn sleep(&mut self) -> Wake {
        let deadline = self.deadline;
        let next_bookmark = self.next_bookmark;
        let until = |at: Option<Instant>| async move {
            match at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.changes.changed() => match changed {
                Ok(()) => Wake::Changes,
                Err(_) => Wake::End,
            },
            () = until(next_bookmark) => Wake::Bookmark,
            () = until(deadline) => Wake::End,
        }
    }

    /// Takes events from history; whether there were any.
    fn take_events(&mut self) -> bool {
        let taken = self.api.store.events_after(&self.scope.resource.collection, self.cursor, BATCH);
        match taken {
            Ok((events, known)) => {
                let mut out = BytesMut::new();
                for event in &events {
                    self.event(&mut out, event);
                }
                self.cursor = self.cursor.max(known);
                if !out.is_empty() {
                    self.pending.push_back(out.freeze());
                }
                !events.is_empty()
            }
            Err(too_old) => {
                let message = format!("too old resource version: {} ({})", self.cursor, too_old.oldest);
                let line = json!({"type": "ERROR", "object": ApiError::expired(message).status()});
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
                    self.line(out, "DELETED", &previous.at_revision(event.revision));
                }
            }
            (false, false) => {}
        }
    }

    fn line(&self, out: &mut BytesMut, kind: &str, object: &Object) {
        let json = self.view.object(&self.scope, object);
        out.reserve(json.len() + 40);
        out.put_slice(b"{\"type\":\"");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\",\"object\":");
        out.put_slice(&json);
        out.put_slice(b"}\n");
    }
}
