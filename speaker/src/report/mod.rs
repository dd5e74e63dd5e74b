//! Telling people: ServiceL2Status objects and Events. Never waited for by anybody.
//!
//! ```text
//!   decide ── Report ──► Ledger (desired ⇄ actual) ──► at most 10 writes a second ──► ServiceL2Status
//!                 └────► notice: nodeAssigned, AddressOrphaned ──► EventSink
//! ```
//!
//! ConfigurationState (`state`) has a task of its own. A ServiceL2Status says which node announces a Service; or, from one speaker for all, why no node does.

mod ledger;
mod notice;
pub mod state;
mod status;

use std::net::IpAddr;
use std::time::Duration;

use herald_runtime::clock::Monotonic;
use herald_runtime::events::EventSink;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::watch::service::ServiceKey;
use ledger::Ledger;
pub use ledger::Said;
pub use state::Standpoint;
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
        /// What this node has to say of it, if anything.
        said: Option<Said>,
        /// It is announced from here and was not before.
        newly: bool,
    },
    /// A Service was announced from here and is no longer, because its addresses have no pool any more.
    Orphaned {
        /// The Service.
        service: ServiceKey,
        /// Its UID.
        uid: String,
        /// The addresses that were announced.
        addresses: Vec<IpAddr>,
        /// The pool they came from.
        pool: Option<String>,
    },
    /// Another machine says that it has an address of a Service that is announced from here.
    Conflict {
        /// The Service.
        service: ServiceKey,
        /// Its UID.
        uid: String,
        /// Which address, and which machine.
        conflict: String,
    },
    /// The first full decision was made.
    Settled,
}

/// Writes what is reported until the reports end.
///
/// Reports are taken in at once whatever the API server does; only the newest state of each Service is kept.
pub async fn run(mut reports: mpsc::Receiver<Report>, node: String, events: EventSink, writer: StatusWriter) {
    let mut ledger = Ledger::default();
    let clock = Monotonic::start();
    let mut adopted = false;
    let mut pace = interval(WRITE_PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let write = async {
            pace.tick().await;
            if !adopted {
                return Done::Adopted(writer.list().await);
            }
            match ledger.next_write(clock.now()) {
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
            take(report, &mut ledger, &node, &events, clock.now());
        }
    }
}

enum Done {
    Adopted(Option<Vec<(ServiceKey, Option<Said>)>>),
    Written(ledger::Write, bool),
    Nothing,
}

fn take(report: Report, ledger: &mut Ledger, node: &str, events: &EventSink, now: Duration) {
    match report {
        Report::Settled => ledger.settle(),
        Report::Service { service, uid, said, newly } => {
            if newly {
                events.emit(notice::node_assigned(&service, uid, node));
            }
            ledger.set(&service, said, now);
        }
        Report::Conflict { service, uid, conflict } => {
            events.emit(notice::address_conflict(&service, uid, &conflict));
        }
        Report::Orphaned { service, uid, addresses, pool } => {
            events.emit(notice::address_orphaned(&service, uid, node, &addresses, pool.as_deref()));
        }
    }
}
