//! All sessions of this node: started, changed and ended as the configuration says.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use herald_bgp::packet::Notification;
use herald_runtime::clock::Monotonic;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::listener::{Guest, Listener, ListenerCounters};
use super::session::{Command, Handle, Peer, Routes, start_after};
use super::status::Status;

/// All sessions of this node.
#[derive(Debug)]
pub struct Peers {
    clock: Monotonic,
    sessions: BTreeMap<String, Running>,
    /// Those that say good-bye.
    ending: Vec<Ending>,
    listener: Option<Listener>,
}

#[derive(Debug)]
struct Running {
    /// As it was wanted.
    peer: Peer,
    /// Whether it began as one that takes the place of another.
    restarted: bool,
    handle: Handle,
}

#[derive(Debug)]
struct Ending {
    peer: Peer,
    status: watch::Receiver<Status>,
    task: JoinHandle<()>,
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
        Self { clock, sessions: BTreeMap::new(), ending: Vec::new(), listener: None }
    }

    /// Lets the peers connect, too: on `address`, which on `[::]` is for IPv4 as well. Returns where, with the port that the
    /// kernel has chosen for 0.
    ///
    /// # Errors
    /// What the kernel says, as when somebody else has the port.
    pub fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = self.listener.insert(Listener::bind(address)?);
        let local = listener.local();
        self.admit();
        Ok(local)
    }

    /// What became of connections that were made to us; `None`: nobody listens.
    #[must_use]
    pub fn listener_counters(&self) -> Option<ListenerCounters> {
        self.listener.as_ref().map(Listener::counters)
    }

    /// These are the peers now, by name. A session whose peer has not changed goes on; `routes` are what a new one is to
    /// have. Returns names of peers that no session can be had with, and why.
    ///
    /// A router whose session is replaced is not spoken with anew before it has let go of the old one (a second at most). If
    /// it keeps routes during a graceful restart, it loses none of them by the change.
    pub async fn follow(
        &mut self,
        wanted: &BTreeMap<String, Peer>,
        mut routes: impl FnMut(&str) -> Routes,
    ) -> BTreeMap<String, String> {
        let gone: Vec<_> = self.sessions.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            if let Some(running) = self.sessions.remove(&name) {
                self.end(running, Some(Notification::peer_deconfigured())).await;
            }
        }
        let changed: Vec<_> = wanted.iter().filter(|(name, peer)| !self.has(name, peer)).collect();
        // All that end do so before one begins: two may have swapped their routers.
        let mut replaced = BTreeMap::new();
        for (name, peer) in &changed {
            let Some(running) = self.sessions.remove(*name) else { continue };
            let restarted = running.restarted || running.handle.status.borrow().counters.established > 0;
            replaced.insert(name.as_str(), restarted);
            let kept = running.keeps_routes() && comes_back(&running.peer, peer);
            self.end(running, (!kept).then(Notification::other_configuration_change)).await;
        }
        let mut failed = BTreeMap::new();
        for (name, peer) in changed {
            let restarted = replaced.get(name.as_str()).is_some_and(|restarted| *restarted);
            if let Err(error) = self.begin(peer, routes(name), restarted) {
                failed.insert(name.clone(), error);
            }
        }
        self.admit();
        failed
    }

    /// A peer's routes change.
    pub async fn tell(&self, peer: &str, routes: Routes) {
        if let Some(running) = self.sessions.get(peer).filter(|_| !routes.is_empty()) {
            // A session takes commands until it is told to end.
            let _ = running.handle.commands.send(Command::Routes(routes)).await;
        }
    }

    /// The peers that there are sessions with.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sessions.keys().map(String::as_str)
    }

    /// How each session is doing, as it goes on.
    pub fn watches(&self) -> impl Iterator<Item = (&str, watch::Receiver<Status>)> {
        self.sessions.iter().map(|(name, running)| (name.as_str(), running.handle.status.clone()))
    }

    /// How each session is doing.
    pub fn statuses(&self) -> impl Iterator<Item = (&str, Status)> {
        self.sessions.iter().map(|(name, running)| (name.as_str(), running.handle.status.borrow().clone()))
    }

    /// Ends all sessions and waits until they have said so: a second at most.
    pub async fn farewell(mut self, how: Farewell) {
        self.listener = None;
        for running in std::mem::take(&mut self.sessions).into_values() {
            let words = match how {
                Farewell::Restart if running.keeps_routes() => None,
                Farewell::Restart => Some(Notification::administrative_reset(Some("the speaker restarts"))),
                Farewell::Stop => Some(Notification::administrative_shutdown(Some("the speaker stops"))),
            };
            self.end(running, words).await;
        }
        for ending in self.ending {
            // One that has failed has ended, too.
            let _ = ending.task.await;
        }
    }

    fn admit(&self) {
        let Some(listener) = &self.listener else { return };
        let guests = self.sessions.values().map(|Running { peer, handle, .. }| Guest {
            commands: handle.commands.clone(),
            transport: peer.transport.clone(),
        });
        listener.admit(guests.collect());
    }

    fn has(&self, name: &str, peer: &Peer) -> bool {
        self.sessions.get(name).is_some_and(|running| running.peer == *peer && !running.handle.task.is_finished())
    }

    /// Begins a session. To the peer, one that takes the place of another is a restart of ours that went on forwarding.
    fn begin(&mut self, peer: &Peer, routes: Routes, restarted: bool) -> Result<(), String> {
        let as_wanted = peer.clone();
        let mut peer = peer.clone();
        if let Some(restart) = &mut peer.config.graceful_restart {
            restart.restarted |= restarted;
        }
        let before = self.ending.iter().filter(|ending| is_same_router(&ending.peer, &peer));
        let before = before.map(|ending| ending.status.clone()).collect();
        let handle = start_after(before, peer, routes, self.clock).map_err(|error| error.to_string())?;
        self.sessions.insert(as_wanted.name.clone(), Running { peer: as_wanted, restarted, handle });
        Ok(())
    }

    async fn end(&mut self, running: Running, words: Option<Notification>) {
        self.ending.retain(|ending| !ending.task.is_finished());
        let Running { peer, handle: Handle { commands, status, task }, .. } = running;
        // One that takes no commands has ended already.
        let _ = commands.send(Command::End(words)).await;
        self.ending.push(Ending { peer, status, task });
    }
}

impl Running {
    /// Whether the peer keeps our routes if the session ends without a word.
    fn keeps_routes(&self) -> bool {
        let status = self.handle.status.borrow();
        status.negotiated.as_ref().is_some_and(|negotiated| negotiated.graceful_restart.is_some())
    }
}

fn is_same_router(one: &Peer, other: &Peer) -> bool {
    let place = |peer: &Peer| (peer.transport.remote.ip(), peer.transport.device.clone());
    place(one) == place(other)
}

/// Whether the router takes the next session for this node coming back, and the routes that it kept for ours.
fn comes_back(before: &Peer, after: &Peer) -> bool {
    let identity = |peer: &Peer| (peer.config.effective_asn(), peer.config.router_id, peer.transport.source);
    is_same_router(before, after) && identity(before) == identity(after) && after.config.graceful_restart.is_some()
}
