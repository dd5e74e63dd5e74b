//! What is to be written next: three kinds of objects, one pace.
//!
//! Of sessions there are a few, so they come first; the other two take turns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use herald_runtime::events::{EventSink, Notice};

use super::bgp_status::Routes;
use super::crowd::Crowd;
use super::ledger::{Ledger, RETRY, Write};
use super::routes::Peers;
use super::said::Said;
use super::session::{SessionSaid, Sessions};
use super::session_state::SessionStates;
use super::writer::Found;
use super::{Report, notice, routes};
use crate::flags::ServiceBgpStatus;
use crate::watch::service::ServiceKey;

/// How long sessions of the configuration may take to be there after the first decision.
const SESSIONS_COME: Duration = Duration::from_secs(10);

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Sessions,
    L2,
    Routes,
}

/// What is to be done at the API server.
#[derive(Debug)]
pub(super) enum Job {
    /// Find what a predecessor left.
    List(Kind),
    /// Count ServiceBGPStatus objects.
    Count,
    L2(Write<ServiceKey, Said>),
    /// With whether there is an object, as far as is known.
    Routes(Write<ServiceKey, Peers>, bool),
    Session(Write<String, SessionSaid>, bool),
}

/// How it went.
#[derive(Debug)]
pub(super) enum Done {
    /// A list could not be had.
    NotListed(Kind),
    FoundL2(Vec<(ServiceKey, Option<Said>)>),
    FoundRoutes(Found<Routes>),
    FoundSessions(Found<SessionStates>),
    Counted(Option<usize>),
    L2(Write<ServiceKey, Said>, bool),
    Routes(Write<ServiceKey, Peers>, bool),
    Session(Write<String, SessionSaid>, bool),
}

/// Everything that is to be told, and what is known of what has been.
#[derive(Debug)]
pub(super) struct Desk {
    node: String,
    l2: Ledger<ServiceKey, Said>,
    routes: Ledger<ServiceKey, Peers>,
    sessions: Ledger<String, SessionSaid>,
    crowd: Crowd,
    /// Kinds of which it is not known what a predecessor left, and when to ask.
    unlisted: BTreeSet<(Duration, Kind)>,
    /// Whose turn it is.
    turn: Kind,
    /// Services that some peer has had the routes of since they are announced from here.
    assigned: BTreeSet<ServiceKey>,
    /// Those of them, with their UIDs, of which it is not known yet whether a predecessor has told it.
    unsure: BTreeMap<ServiceKey, String>,
    /// Sets of peers that are in use: most Services have the same.
    shared: BTreeSet<Peers>,
}

impl Desk {
    pub(super) fn new(node: String, mode: ServiceBgpStatus) -> Self {
        let unlisted = [Kind::Sessions, Kind::L2, Kind::Routes].map(|kind| (Duration::ZERO, kind)).into();
        Self {
            node,
            l2: Ledger::default(),
            routes: Ledger::default(),
            sessions: Ledger::default(),
            crowd: Crowd::new(mode),
            unlisted,
            turn: Kind::L2,
            assigned: BTreeSet::new(),
            unsure: BTreeMap::new(),
            shared: BTreeSet::new(),
        }
    }

    /// Takes a report in.
    pub(super) fn take(&mut self, report: Report, events: &EventSink, now: Duration) {
        match report {
            Report::Settled => {
                self.l2.settle(now);
                self.routes.settle(now + if self.crowd.is_off() { Duration::ZERO } else { routes::RETURN });
                self.sessions.settle(now + SESSIONS_COME);
            }
            Report::Service { service, uid, said, newly } => {
                if newly {
                    events.emit(notice::node_assigned(&service, uid, &self.node, notice::Protocol::Layer2));
                }
                self.l2.set(&service, said, now);
            }
            Report::Routes { service, uid, peers } => {
                self.routes(service, uid, peers, now).into_iter().for_each(|notice| events.emit(notice));
            }
            // The end: there is nothing to write any more.
            Report::Stopped => {}
            Report::Conflict { service, uid, conflict } => {
                events.emit(notice::address_conflict(&service, uid, &conflict));
            }
            Report::Orphaned { service, uid, addresses, pool } => {
                events.emit(notice::address_orphaned(&service, uid, &self.node, &addresses, pool.as_deref()));
            }
        }
    }

    /// These peers have the routes of a Service. The Event is for the first that has them since it is announced from
    /// here; a predecessor has told it if it has left an object.
    fn routes(&mut self, service: ServiceKey, uid: String, peers: Option<Peers>, now: Duration) -> Option<Notice> {
        if peers.as_ref().is_none_or(|peers| peers.is_empty()) {
            self.crowd.forget(&service);
        }
        let Some(peers) = peers else {
            self.assigned.remove(&service);
            self.unsure.remove(&service);
            self.routes.set(&service, None, now);
            return None;
        };
        let newly = !peers.is_empty() && self.assigned.insert(service.clone());
        let notice = match self.is_listed(Kind::Routes) {
            true => self.assigned_to(&service, uid).filter(|_| newly),
            false => {
                if newly {
                    self.unsure.insert(service.clone(), uid);
                }
                None
            }
        };
        if !self.crowd.is_off() {
            let peers = self.share(peers);
            self.routes.set(&service, Some(peers), now);
        }
        notice
    }

    /// What there is to say of a Service that has its first routes from here, unless a predecessor has said it.
    fn assigned_to(&self, service: &ServiceKey, uid: String) -> Option<Notice> {
        let news = !self.routes.holds(service);
        news.then(|| notice::node_assigned(service, uid, &self.node, notice::Protocol::Bgp))
    }

    fn share(&mut self, peers: Peers) -> Peers {
        if let Some(known) = self.shared.get(&peers) {
            return Arc::clone(known);
        }
        self.shared.retain(|known| Arc::strong_count(known) > 1);
        self.shared.insert(Arc::clone(&peers));
        peers
    }

    /// This is how the sessions are doing.
    pub(super) fn sessions(&mut self, sessions: &Sessions, now: Duration) {
        let gone: Vec<_> = self.sessions.keys().filter(|peer| !sessions.contains_key(*peer)).cloned().collect();
        gone.iter().for_each(|peer| self.sessions.set(peer, None, now));
        for (peer, seen) in sessions {
            self.sessions.set(peer, Some(SessionSaid::of(seen)), now);
        }
    }

    /// What to do now. Tell its end with [`done`](Self::done).
    pub(super) fn next(&mut self, now: Duration) -> Option<Job> {
        if let Some((_, kind)) = self.unlisted.first().copied().filter(|(at, _)| *at <= now) {
            return Some(Job::List(kind));
        }
        if self.crowd.take_question() {
            return Some(Job::Count);
        }
        if let Some(write) = self.of(Kind::Sessions, |desk| desk.sessions.next_write(now)) {
            let exists = self.sessions.holds(write.key());
            return Some(Job::Session(write, exists));
        }
        let first = self.turn;
        self.turn = other(first);
        [first, other(first)].into_iter().find_map(|kind| self.next_of(kind, now))
    }

    fn next_of(&mut self, kind: Kind, now: Duration) -> Option<Job> {
        if kind == Kind::L2 {
            return self.of(Kind::L2, |desk| desk.l2.next_write(now)).map(Job::L2);
        }
        let write = self.of(Kind::Routes, |desk| {
            let Self { routes, crowd, .. } = desk;
            routes.next_of(now, |service, exists| crowd.wait(service, exists, now))
        })?;
        let exists = self.routes.holds(write.key());
        Some(Job::Routes(write, exists))
    }

    /// Nothing of a kind before it is known what a predecessor left.
    fn of<T>(&mut self, kind: Kind, next: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.is_listed(kind).then(|| next(self)).flatten()
    }

    fn is_listed(&self, kind: Kind) -> bool {
        self.unlisted.iter().all(|(_, unlisted)| *unlisted != kind)
    }

    /// Something is done. Returns what there is to say now.
    pub(super) fn done(&mut self, done: Done, now: Duration) -> Vec<Notice> {
        match done {
            Done::NotListed(kind) => {
                self.listed(kind);
                self.unlisted.insert((now + RETRY, kind));
            }
            Done::FoundL2(found) => {
                self.listed(Kind::L2);
                self.l2.adopt(found);
            }
            Done::FoundRoutes(found) => {
                self.listed(Kind::Routes);
                let found = found.into_iter().map(|(service, peers)| (service, peers.map(|peers| self.share(peers))));
                let found: Vec<_> = found.collect();
                self.routes.adopt(found);
                let unsure = std::mem::take(&mut self.unsure);
                return unsure.into_iter().filter_map(|(service, uid)| self.assigned_to(&service, uid)).collect();
            }
            Done::FoundSessions(found) => {
                self.listed(Kind::Sessions);
                self.sessions.adopt(found);
            }
            Done::Counted(count) => self.crowd.counted(count, now),
            Done::L2(write, ok) => end(&mut self.l2, write, ok, now),
            Done::Routes(write, ok) => end(&mut self.routes, write, ok, now),
            Done::Session(write, ok) => end(&mut self.sessions, write, ok, now),
        }
        Vec::new()
    }

    /// Whether there are Services without a ServiceBGPStatus because there are too many.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowd.is_crowded()
    }

    fn listed(&mut self, kind: Kind) {
        self.unlisted.retain(|(_, unlisted)| *unlisted != kind);
    }
}

fn end<K: Ord + Clone, S: super::ledger::Saying>(
    ledger: &mut Ledger<K, S>,
    write: Write<K, S>,
    ok: bool,
    now: Duration,
) {
    if ok { ledger.written(write, now) } else { ledger.failed(&write, now) }
}

fn other(kind: Kind) -> Kind {
    if kind == Kind::L2 { Kind::Routes } else { Kind::L2 }
}

#[cfg(test)]
mod tests;
