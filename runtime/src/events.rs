//! Kubernetes Events: queued, paced, and never waited for.
//!
//! An Event is a courtesy to people. It must not delay an address, so the queue is bounded and [`EventSink::emit`]
//! drops (and counts) when it is full. Repeats are folded into one Event with a series by `kube`'s recorder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// Events that may wait to be sent.
const QUEUE: usize = 4096;
/// Events into which a repeat is folded: those before it.
const REMEMBERED: usize = 64;
/// How long one write may take before it is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Kubernetes refuses longer notes.
const NOTE_MAX: usize = 1024;

/// How grave an Event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something went as it should.
    Normal,
    /// Somebody should look at it.
    Warning,
}

/// One Event to be written.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The object it is about.
    pub about: ObjectReference,
    /// How grave it is.
    pub severity: Severity,
    /// One word for programs, such as `IPAllocated`.
    pub reason: &'static str,
    /// What was being done, such as `Allocate`.
    pub action: &'static str,
    /// A sentence for people; cut at 1,024 bytes.
    pub note: String,
}

/// Where to put Events. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventSink {
    queue: mpsc::Sender<Notice>,
    dropped: Arc<AtomicU64>,
}

/// The task that writes the queued Events.
#[derive(Debug)]
pub struct EventWriter {
    task: JoinHandle<()>,
}

impl EventSink {
    /// Starts writing Events as `component` (for example `metallb-controller`), at most `per_second` of them.
    #[must_use]
    pub fn start(client: Client, component: &str, instance: Option<String>, per_second: u32) -> (Self, EventWriter) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let recorder = Forgetful::new(client, Reporter { controller: component.to_owned(), instance });
        let pause = Duration::from_secs(1) / per_second.max(1);
        let task = tokio::spawn(write(recorder, waiting, pause));
        (Self { queue, dropped: Arc::default() }, EventWriter { task })
    }

    /// A sink and the end it flows to, for tests.
    #[must_use]
    pub fn pair() -> (Self, mpsc::Receiver<Notice>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        (Self { queue, dropped: Arc::default() }, waiting)
    }

    /// Queues an Event; drops and counts it when the queue is full.
    pub fn emit(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many Events were dropped because too many were waiting.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl EventWriter {
    /// Waits until the queued Events are written, at most `limit`. Every [`EventSink`] must be gone by then.
    pub async fn flush(self, limit: Duration) {
        if tokio::time::timeout(limit, self.task).await.is_err() {
            tracing::warn!("some Events were not written before the end");
        }
    }
}

/// `kube`'s recorder, made anew now and then.
///
/// It keeps each Event whole for six minutes, to fold a repeat into it; at fifty a second that is more memory than all
/// Services together take. A repeat that comes after [`REMEMBERED`] others is an Event of its own.
struct Forgetful {
    client: Client,
    reporter: Reporter,
    recorder: Recorder,
    remembered: usize,
}

impl Forgetful {
    fn new(client: Client, reporter: Reporter) -> Self {
        let recorder = Recorder::new(client.clone(), reporter.clone());
        Self { client, reporter, recorder, remembered: 0 }
    }

    /// The recorder for one more Event.
    fn recorder(&mut self) -> &Recorder {
        if self.remembered == REMEMBERED {
            self.recorder = Recorder::new(self.client.clone(), self.reporter.clone());
            self.remembered = 0;
        }
        self.remembered += 1;
        &self.recorder
    }
}

async fn write(mut recorder: Forgetful, mut waiting: mpsc::Receiver<Notice>, pause: Duration) {
    let mut pace = tokio::time::interval_at(Instant::now(), pause);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Some(notice) = waiting.recv().await {
        pace.tick().await;
        let event = Event {
            type_: match notice.severity {
                Severity::Normal => EventType::Normal,
                Severity::Warning => EventType::Warning,
            },
            reason: notice.reason.to_owned(),
            note: Some(shorten(notice.note)),
            action: notice.action.to_owned(),
            secondary: None,
        };
        match tokio::time::timeout(WRITE_TIMEOUT, recorder.recorder().publish(&event, &notice.about)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(reason = notice.reason, "an Event was refused: {error}"),
            Err(_) => tracing::debug!(reason = notice.reason, "an Event took too long and was given up"),
        }
    }
}

/// Cuts a note to what the server takes, at a character boundary.
fn shorten(mut note: String) -> String {
    if note.len() > NOTE_MAX {
        let mut end = NOTE_MAX - '…'.len_utf8();
        while !note.is_char_boundary(end) {
            end -= 1;
        }
        note.truncate(end);
        note.push('…');
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            about: ObjectReference::default(),
            severity: Severity::Normal,
            reason: "IPAllocated",
            action: "Allocate",
            note: String::new(),
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (sink, _waiting) = EventSink::pair();
        for _ in 0..QUEUE + 3 {
            sink.emit(notice());
        }
        assert_eq!(sink.dropped(), 3);
    }

    #[test]
    fn long_notes_are_cut_at_a_character() {
        let note = shorten("ü".repeat(2000));
        assert!(note.len() <= NOTE_MAX && note.ends_with('…'));
        assert_eq!(shorten("short".into()), "short");
    }
}
