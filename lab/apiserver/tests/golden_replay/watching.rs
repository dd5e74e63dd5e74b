//! Watches that stay open while the steps go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::recording::Expect;

/// A watch that was opened.
pub struct Watching {
    pub step: String,
    pub expect: Expect,
    /// How many events have been compared.
    pub compared: usize,
    inbox: Arc<Inbox>,
    reader: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Events, each with the number of the step that was being done when it came.
    events: Vec<(usize, Value)>,
    current_step: usize,
    ended: bool,
}

impl Watching {
    /// Reads the stream from now on.
    pub fn open(step: &str, number: usize, expect: &Expect, mut body: Incoming) -> Self {
        let inbox = Arc::new(Inbox::default());
        inbox.state.lock().unwrap().current_step = number;
        let to = Arc::clone(&inbox);
        let reader = tokio::spawn(async move {
            let mut buffer = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                let Some(data) = frame.data_ref() else { continue };
                buffer.extend_from_slice(data);
                while let Some(end) = buffer.iter().position(|b| *b == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let event = serde_json::from_slice(&line).expect("an event per line");
                    let mut state = to.state.lock().unwrap();
                    let step = state.current_step;
                    state.events.push((step, event));
                    to.changed.notify_waiters();
                }
            }
            to.state.lock().unwrap().ended = true;
            to.changed.notify_waiters();
        });
        Self { step: step.to_owned(), expect: expect.clone(), compared: 0, inbox, reader }
    }

    /// Events from now on belong to this step.
    pub fn at_step(&self, number: usize) {
        self.inbox.state.lock().unwrap().current_step = number;
    }

    /// The event after those that were compared, if it has come.
    pub fn next(&self) -> Option<(usize, Value)> {
        self.inbox.state.lock().unwrap().events.get(self.compared).cloned()
    }

    /// How many events came.
    pub fn count(&self) -> usize {
        self.inbox.state.lock().unwrap().events.len()
    }

    /// Whether the server closed the stream.
    pub fn has_ended(&self) -> bool {
        self.inbox.state.lock().unwrap().ended
    }

    /// Waits until so many events came or the stream ended.
    pub async fn wait_for(&self, count: usize, limit: Duration) {
        self.wait(limit, |state| state.events.len() >= count || state.ended).await;
    }

    /// Waits until the stream ended.
    pub async fn wait_for_end(&self, limit: Duration) {
        self.wait(limit, |state| state.ended).await;
    }

    async fn wait(&self, limit: Duration, done: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + limit;
        loop {
            let changed = self.inbox.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if done(&self.inbox.state.lock().unwrap()) {
                return;
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
