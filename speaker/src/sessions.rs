//! What the loop has to do with BGP: it tells the sessions, and hears how they are doing.
//!
//! ```text
//!   Step::Peers, Step::Routes ──► Sessions ──► Peers (a task for each)
//!                                    │             │ Status
//!   World::set_session ◄── hear() ◄──┤ ◄── SessionEvent
//!                                    └──► report: BGPSessionState, metrics
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

use herald_bgp::Family;
use herald_bgp::state::State;
use herald_compiler::BgpPeer;
use herald_compiler::config::Endpoint;
use herald_runtime::clock::Monotonic;
use tokio::sync::{mpsc, watch as latest};
use tokio::task::JoinHandle;

use crate::bgp::wanted::Wanted;
use crate::bgp::{Farewell, Peers, Routes, Status};
use crate::report;

/// How a session is doing now.
#[derive(Debug)]
pub struct SessionEvent {
    /// Name of the BGPPeer.
    peer: String,
    /// Which of the sessions with it that there have been.
    serial: u64,
    status: Status,
}

/// The sessions, as the loop knows them.
#[derive(Debug)]
pub struct Sessions {
    peers: Peers,
    followed: BTreeMap<String, Followed>,
    serial: u64,
    /// What people are told.
    shown: report::Sessions,
    shown_to: latest::Sender<report::Sessions>,
    events_to: mpsc::Sender<SessionEvent>,
}

#[derive(Debug)]
struct Followed {
    serial: u64,
    status: latest::Receiver<Status>,
    /// Turns what it says into events.
    task: JoinHandle<()>,
    /// Since the session was established, the peer has been sent all that it was to have.
    complete: bool,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sessions {
    /// None yet. What becomes of them goes to `shown_to`, and to `events_to`, whose other end hands it to
    /// [`hear`](Self::hear).
    #[must_use]
    pub fn new(
        clock: Monotonic,
        shown_to: latest::Sender<report::Sessions>,
        events_to: mpsc::Sender<SessionEvent>,
    ) -> Self {
        let (followed, shown) = (BTreeMap::new(), report::Sessions::new());
        Self { peers: Peers::new(clock), followed, serial: 0, shown, shown_to, events_to }
    }

    /// Peers may connect to this address.
    ///
    /// # Errors
    /// When the address can't be listened on.
    pub fn listen(&mut self, address: SocketAddr) -> io::Result<()> {
        let local = self.peers.listen(address)?;
        tracing::info!(address = %local, "peers may connect");
        Ok(())
    }

    /// These are the peers now; `tables` are what new ones are to have.
    pub async fn follow(&mut self, peers: &[BgpPeer], wanted: Wanted, mut tables: BTreeMap<String, Routes>) {
        let Wanted { sessions, without, mut doubts } = wanted;
        for (peer, doubt) in &doubts {
            tracing::warn!(peer, "{doubt}");
        }
        let failed = self.peers.follow(&sessions, |name| tables.remove(name).unwrap_or_default()).await;
        let mut why: BTreeMap<_, _> = without.into_iter().map(|(name, why)| (name, why.to_string())).collect();
        why.extend(failed);
        self.followed.retain(|name, _| sessions.contains_key(name) && !why.contains_key(name));
        let statuses: Vec<_> = self.peers.watches().map(|(name, status)| (name.to_owned(), status)).collect();
        for (name, status) in statuses {
            if self.followed.get(&name).is_none_or(|known| !known.status.same_channel(&status)) {
                let followed = self.start(name.clone(), status);
                self.followed.insert(name, followed);
            }
        }
        let seen = |peer: &BgpPeer| {
            let (why, doubt) = (why.remove(&peer.name), doubts.remove(&peer.name));
            (peer.name.clone(), self.seen(peer, why, doubt))
        };
        self.shown = peers.iter().map(seen).collect();
        self.show();
    }

    fn seen(&self, peer: &BgpPeer, why: Option<String>, doubt: Option<String>) -> report::SessionSeen {
        let address = match &peer.endpoint {
            Endpoint::Address(address) => address.to_string(),
            Endpoint::Interface(name) => name.clone(),
        };
        let status = match (why, self.followed.get(&peer.name)) {
            (Some(why), _) => Err(why),
            (None, Some(followed)) => Ok(followed.status.borrow().clone()),
            (None, None) => Ok(Status::default()),
        };
        let own_as = peer.local_asn.unwrap_or(peer.my_asn);
        report::SessionSeen { address, port: peer.port, vrf: peer.vrf.clone(), own_as, status, doubt }
    }

    fn start(&mut self, peer: String, status: latest::Receiver<Status>) -> Followed {
        self.serial += 1;
        let (serial, events, mut changes) = (self.serial, self.events_to.clone(), status.clone());
        changes.mark_changed();
        let task = tokio::spawn(async move {
            // Of what changes while the loop is busy only the last counts.
            while changes.changed().await.is_ok() {
                let status = changes.borrow_and_update().clone();
                if events.send(SessionEvent { peer: peer.clone(), serial, status }).await.is_err() {
                    return;
                }
            }
        });
        Followed { serial, status, task, complete: false }
    }

    /// What routers are told of some prefixes, by name of the BGPPeer.
    pub async fn tell(&self, changes: BTreeMap<String, Routes>) {
        for (peer, routes) in changes {
            self.peers.tell(&peer, routes).await;
        }
    }

    /// Takes in how a session is doing. Returns the families of which the peer has all that it is to have, unless the
    /// session is no more.
    pub fn hear(&mut self, event: SessionEvent) -> Option<(String, BTreeSet<Family>)> {
        let SessionEvent { peer, serial, status } = event;
        let followed = self.followed.get_mut(&peer).filter(|followed| followed.serial == serial)?;
        let established = status.state == State::Established;
        followed.complete = established && (followed.complete || status.settled);
        let agreed = status.negotiated.as_ref().filter(|_| followed.complete).map(|agreed| &agreed.families);
        let carried = agreed.into_iter().flatten().filter(|family| !status.without_next_hop.contains(family));
        let carried = carried.copied().collect();
        if let Some(shown) = self.shown.get_mut(&peer) {
            shown.status = Ok(status);
            self.show();
        }
        Some((peer, carried))
    }

    /// Whether no peer has anything any more.
    #[must_use]
    pub fn have_withdrawn(&self) -> bool {
        self.followed.values().all(|followed| {
            let status = followed.status.borrow();
            status.state != State::Established || status.sent == [0; 2]
        })
    }

    /// Ends them all, and waits until the peers were told.
    pub async fn farewell(self, how: Farewell) {
        self.peers.farewell(how).await;
    }

    fn show(&self) {
        // Nobody may be listening any more.
        self.shown_to.send_replace(self.shown.clone());
    }
}
