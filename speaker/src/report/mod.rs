//! Telling people: status objects and Events. Never waited for by anybody.
//!
//! ```text
//!   decide ─── Report ────► Desk ─┬─► Ledger: layer 2 ──┐
//!    (a Service, its routes)      ├─► Ledger: routes ───┼─► at most 10 writes a second ──► ServiceL2Status
//!   bgp ────── Sessions ──►       ├─► Ledger: sessions ─┘                                   ServiceBGPStatus
//!                    │            └─► notice ──► EventSink                                  BGPSessionState
//!                    └─────► BgpMetrics
//! ```
//!
//! A ledger compares what should stand with what does, and knows how soon a difference is worth a write; the desk says
//! whose turn it is; writers make the requests. ConfigurationState (`state`) has a task of its own.
//!
//! A ServiceL2Status says which node announces a Service; or, from one speaker for all, why no node does. A
//! ServiceBGPStatus says which peers have its routes from a node, a BGPSessionState how a session is doing.

mod bgp_status;
mod crowd;
mod desk;
mod l2_status;
mod ledger;
mod notice;
mod object;
mod routes;
mod said;
mod session;
mod session_state;
pub mod state;
mod writer;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use herald_runtime::clock::Monotonic;
use herald_runtime::events::EventSink;
use kube::Client;
use tokio::sync::{mpsc, watch as latest};
use tokio::time::{MissedTickBehavior, interval};

use crate::flags::ServiceBgpStatus;
use crate::watch::node::NodeSeen;
use crate::watch::service::ServiceKey;
pub use crowd::LIMIT as BGP_STATUS_LIMIT;
use desk::{Desk, Done, Job, Kind};
use l2_status::L2StatusWriter;
use object::OwnNode;
pub use routes::Peers;
pub use said::{Interfaces, Said};
pub use session::{SessionSeen, Sessions};
pub use state::Standpoint;
use writer::Writer;

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
    /// Which peers have the routes of a Service has changed.
    Routes {
        /// The Service.
        service: ServiceKey,
        /// Its UID.
        uid: String,
        /// The BGPPeers that have all its routes from this node now; none while no session is up. `None`: it is not to be
        /// announced by BGP from here, or not any more.
        peers: Option<Peers>,
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
    /// The speaker stops for good: nothing that it has said is true any more. The last report.
    Stopped,
}

/// How long it may take at the end to remove what is true no more.
const FAREWELL: Duration = Duration::from_secs(2);

/// What it takes to write.
#[derive(Debug)]
pub struct Writers {
    node: String,
    mode: ServiceBgpStatus,
    l2: L2StatusWriter,
    routes: Writer<bgp_status::Routes>,
    sessions: Writer<session_state::SessionStates>,
    crowded: latest::Sender<bool>,
}

impl Writers {
    /// Writers for `node` into `namespace`; the Node object becomes the owner, so that a deleted Node leaves nothing
    /// behind. `fit` are the nodes whose speakers can speak for themselves.
    #[must_use]
    pub fn new(
        client: &Client,
        namespace: &str,
        node: &str,
        my_node: latest::Receiver<Option<NodeSeen>>,
        fit: latest::Receiver<BTreeSet<String>>,
        mode: ServiceBgpStatus,
    ) -> Self {
        let own = OwnNode { name: node.to_owned(), seen: my_node };
        Self {
            node: node.to_owned(),
            mode,
            l2: L2StatusWriter::new(client.clone(), namespace, own.clone(), fit),
            routes: Writer::new(client.clone(), namespace, own.clone()),
            sessions: Writer::new(client.clone(), namespace, own),
            crowded: latest::Sender::new(false),
        }
    }

    /// Whether there are Services without a ServiceBGPStatus because there are too many.
    #[must_use]
    pub fn crowded(&self) -> latest::Receiver<bool> {
        self.crowded.subscribe()
    }

    /// Removes everything about this node, in one request for each kind.
    async fn clear(&self) {
        let all = async { tokio::join!(self.l2.clear(), self.routes.clear(), self.sessions.clear()) };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("status objects of this node may be left: the API server does not answer");
        }
    }

    async fn run(&self, job: Job) -> Done {
        match job {
            Job::List(Kind::L2) => self.l2.list().await.map_or(Done::NotListed(Kind::L2), Done::FoundL2),
            Job::List(Kind::Routes) => {
                self.routes.list().await.map_or(Done::NotListed(Kind::Routes), Done::FoundRoutes)
            }
            Job::List(Kind::Sessions) => {
                self.sessions.list().await.map_or(Done::NotListed(Kind::Sessions), Done::FoundSessions)
            }
            Job::Count => Done::Counted(self.routes.count().await),
            Job::L2(write) => {
                let written = self.l2.write(&write).await;
                Done::L2(write, written)
            }
            Job::Routes(write, exists) => {
                let written = self.routes.write(&write, exists).await;
                Done::Routes(write, written)
            }
            Job::Session(write, exists) => {
                let written = self.sessions.write(&write, exists).await;
                Done::Session(write, written)
            }
        }
    }
}

/// Writes what is reported until the reports end.
///
/// Reports are taken in at once whatever the API server does; only the newest state of each Service is kept.
pub async fn run(
    mut reports: mpsc::Receiver<Report>,
    mut sessions: latest::Receiver<Sessions>,
    events: EventSink,
    writers: Writers,
) {
    let mut desk = Desk::new(writers.node.clone(), writers.mode);
    let clock = Monotonic::start();
    let mut pace = interval(WRITE_PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let job = async {
            pace.tick().await;
            match desk.next(clock.now()) {
                Some(job) => Some(writers.run(job).await),
                None => None,
            }
        };
        // A write under way is not given up when a report comes in: reports wait in a list of their own meanwhile.
        let mut arrived = Vec::new();
        let done = {
            let mut job = std::pin::pin!(job);
            loop {
                tokio::select! {
                    done = &mut job => break Some(done),
                    report = reports.recv() => match report {
                        Some(Report::Stopped) => break None,
                        Some(report) => arrived.push(report),
                        None => return,
                    },
                }
            }
        };
        let Some(done) = done else { return writers.clear().await };
        let now = clock.now();
        let notices = done.into_iter().flat_map(|done| desk.done(done, now)).collect::<Vec<_>>();
        notices.into_iter().for_each(|notice| events.emit(notice));
        arrived.into_iter().for_each(|report| desk.take(report, &events, now));
        if sessions.has_changed().unwrap_or(false) {
            desk.sessions(&sessions.borrow_and_update(), now);
        }
        let crowded = desk.is_crowded();
        writers.crowded.send_if_modified(|known| std::mem::replace(known, crowded) != crowded);
    }
}
