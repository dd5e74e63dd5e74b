//! Telling people: ServiceL2Status objects and Events. Never waited for by anybody.
//!
//! ```text
//!   decide ── Report ──► Ledger (desired ⇄ actual) ──► at most 10 writes a second ──► ServiceL2Status
//!                 └────► nodeAssigned ──► EventSink
//! ```

mod ledger;
mod status;

use std::collections::BTreeSet;
use std::time::Duration;

use herald_runtime::events::{EventSink, Notice, Severity};
use k8s_openapi::api::core::v1::ObjectReference;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::watch::service::ServiceKey;
use ledger::Ledger;
pub use status::StatusWriter;

/// Pause between two writes to the API server: ten a second per speaker.
const WRITE_PAUSE: Duration = Duration::from_millis(100);

/// What is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The verdict about a Service has changed.
    Service {
        /// The Service.
        service: ServiceKey,
        /// Its UID.
        uid: String,
        /// The interfaces it is announced on from here (empty means all); `None` if it is not.
        interfaces: Option<BTreeSet<String>>,
        /// It was not announced from here before.
        newly: bool,
    },
    /// The first full decision was made.
    Settled,
}

/// Writes what is reported until the reports end.
///
/// Reports are taken in at once whatever the API server does; only the newest state of each Service is kept.
pub async fn run(mut reports: mpsc::Receiver<Report>, node: String, events: EventSink, writer: StatusWriter) {
    let mut ledger = Ledger::default();
    let mut adopted = false;
    let mut pace = interval(WRITE_PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let write = async {
            pace.tick().await;
            if !adopted {
                return Done::Adopted(writer.list().await);
            }
            match ledger.next_write() {
                Some(write) => {
                    let result = writer.write(&write).await;
                    Done::Written(write, result)
                }
                None => Done::Nothing,
            }
        };
        // A write under way is not given up when a report comes in: reports wait in a list of their own meanwhile.
        let mut arrived = Vec::new();
        let done = {
            let mut write = std::pin::pin!(write);
            loop {
                tokio::select! {
                    done = &mut write => break Some(done),
                    report = reports.recv() => match report {
                        Some(report) => arrived.push(report),
                        None => break None,
                    },
                }
            }
        };
        match done {
            Some(Done::Adopted(Some(found))) => {
                adopted = true;
                ledger.adopt(found);
            }
            Some(Done::Written(write, true)) => ledger.written(write),
            Some(Done::Written(write, false)) => ledger.failed(&write),
            Some(Done::Adopted(None) | Done::Nothing) => {}
            None => return,
        }
        for report in arrived {
            take(report, &mut ledger, &node, &events);
        }
    }
}

enum Done {
    Adopted(Option<Vec<(ServiceKey, ledger::Interfaces)>>),
    Written(ledger::Write, bool),
    Nothing,
}

fn take(report: Report, ledger: &mut Ledger, node: &str, events: &EventSink) {
    match report {
        Report::Settled => ledger.settle(),
        Report::Service { service, uid, interfaces, newly } => {
            if interfaces.is_some() && newly {
                events.emit(node_assigned(&service, uid, node));
            }
            ledger.set(&service, interfaces);
        }
    }
}

/// MetalLB's Event, word for word: dashboards and tests find the owner by it.
fn node_assigned(service: &ServiceKey, uid: String, node: &str) -> Notice {
    Notice {
        about: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Service".to_owned()),
            namespace: Some(service.namespace.clone()),
            name: Some(service.name.clone()),
            uid: Some(uid),
            ..ObjectReference::default()
        },
        severity: Severity::Normal,
        reason: "nodeAssigned",
        action: "Announce",
        note: format!("announcing from node {node:?} with protocol \"layer2\""),
    }
}
