//! All sessions of this node: started, changed and ended as the configuration says.

use std::collections::BTreeMap;

use herald_bgp::packet::Notification;
use herald_runtime::clock::Monotonic;
use tokio::task::JoinSet;

use super::session::{Command, Handle, Peer, Routes, start};
use super::status::Status;

/// All sessions of this node.
#[derive(Debug)]
pub struct Peers {
    clock: Monotonic,
    sessions: BTreeMap<String, (Peer, Handle)>,
    /// Those that say good-bye.
    ending: JoinSet<()>,
}

/// How the sessions end with the speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// It will be back: peers that keep routes during a graceful restart keep them; the others are told.
    Restart,
    /// It stops for good.
    Stop,
}

impl Peers {
    /// None yet.
    #[must_use]
    pub fn new(clock: Monotonic) -> Self {
        Self { clock, sessions: BTreeMap::new(), ending: JoinSet::new() }
    }

    /// These are the peers now, by name. A session whose peer has not changed goes on; `routes` are what a new one is to
    /// have. Returns names of peers that no session can be had with, and why.
    pub async fn follow(
        &mut self,
        wanted: &BTreeMap<String, Peer>,
        mut routes: impl FnMut(&str) -> Routes,
    ) -> BTreeMap<String, String> {
        let gone: Vec<_> = self.sessions.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            self.end(&name, Notification::peer_deconfigured()).await;
        }
        let mut failed = BTreeMap::new();
        for (name, peer) in wanted {
            let (as_wanted, mut peer) = (peer.clone(), peer.clone());
            match self.sessions.get(name) {
                Some((known, _)) if *known == as_wanted => continue,
                Some(_) => {
                    self.end(name, Notification::other_configuration_change()).await;
                    // To the peer, the next session is a restart of ours that went on forwarding.
                    if let Some(restart) = &mut peer.config.graceful_restart {
                        restart.restarted = true;
                    }
                }
                None => {}
            }
            match start(peer, routes(name), self.clock) {
                Ok(handle) => drop(self.sessions.insert(name.clone(), (as_wanted, handle))),
                Err(error) => drop(failed.insert(name.clone(), error.to_string())),
            }
        }
        failed
    }

    /// A peer's routes change.
    pub async fn tell(&self, peer: &str, routes: Routes) {
        if let Some((_, handle)) = self.sessions.get(peer).filter(|_| !routes.is_empty()) {
            // A session takes commands until it is told to end.
            let _ = handle.commands.send(Command::Routes(routes)).await;
        }
    }

    /// The peers that there are sessions with.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sessions.keys().map(String::as_str)
    }

    /// How each session is doing.
    pub fn statuses(&self) -> impl Iterator<Item = (&str, Status)> {
        self.sessions.iter().map(|(name, (_, handle))| (name.as_str(), handle.status.borrow().clone()))
    }

    /// Ends all sessions and waits until they have said so.
    pub async fn farewell(mut self, how: Farewell) {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        for name in names {
            let Some((_, handle)) = self.sessions.remove(&name) else { continue };
            let keeps = handle.status.borrow().negotiated.as_ref().is_some_and(|n| n.graceful_restart.is_some());
            let words = match how {
                Farewell::Restart if keeps => None,
                Farewell::Restart => Some(Notification::administrative_reset(Some("the speaker restarts"))),
                Farewell::Stop => Some(Notification::administrative_shutdown(Some("the speaker stops"))),
            };
            let _ = handle.commands.send(Command::End(words)).await;
            self.ending.spawn(async { drop(handle.task.await) });
        }
        while self.ending.join_next().await.is_some() {}
    }

    async fn end(&mut self, name: &str, words: Notification) {
        if let Some((_, handle)) = self.sessions.remove(name) {
            let _ = handle.commands.send(Command::End(Some(words))).await;
            self.ending.spawn(async { drop(handle.task.await) });
        }
        while self.ending.try_join_next().is_some() {}
    }
}
