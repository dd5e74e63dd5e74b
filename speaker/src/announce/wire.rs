//! The shell around [`Layer2`]: sockets, timers, and nothing decided.
//!
//! One task owns everything, so an answer never waits for a lock, and an address that is disowned gets not one more
//! answer. Interfaces cost a socket each, no thread.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::ops::Bound;
use std::task::Poll;
use std::time::Duration;

use herald_neighbor::filter::{LIMITS, Program};
use herald_neighbor::{Claim, Claimant, Interface, InterfaceIndex, Layer2, Outcome, Scope, Settings};
use herald_runtime::clock::Monotonic;
use herald_sys::{Instruction, PacketSocket, Protocol};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use super::interface::InterfaceChange;
use crate::metrics::WireMetrics;

/// Frames taken from one socket before the others have their turn.
const FRAMES_PER_TURN: usize = 64;
/// Room for an Ethernet frame with an ARP packet; what is longer is none, and counted as malformed.
const FRAME_MAX: usize = 256;
/// When a socket can't be opened (the interface is vanishing, or the system is short of memory).
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// What the wire is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answer for `ip` on these interfaces.
    Own {
        /// The address.
        ip: IpAddr,
        /// Where.
        scope: Scope,
    },
    /// Stop answering for `ip`.
    Disown {
        /// The address.
        ip: IpAddr,
    },
    /// Announce everything again: the network may have heard others meanwhile.
    AnnounceAll,
}

/// What the wire tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireEvent {
    /// The names of the interfaces that take part now.
    Interfaces(BTreeSet<String>),
    /// Another machine says it has an address of ours.
    Claim(Claim),
}

/// Everything the task owns.
struct Wire {
    layer2: Layer2,
    sockets: BTreeMap<InterfaceIndex, AsyncFd<PacketSocket>>,
    /// Interfaces whose socket could not be opened; tried again later.
    unopened: BTreeSet<InterfaceIndex>,
    /// The socket that had its turn last.
    last: InterfaceIndex,
    clock: Monotonic,
    metrics: WireMetrics,
    events: mpsc::Sender<WireEvent>,
}

/// Answers and announces until the commands end.
pub async fn run(
    settings: Settings,
    clock: Monotonic,
    metrics: WireMetrics,
    mut commands: mpsc::Receiver<Command>,
    mut interfaces: mpsc::Receiver<InterfaceChange>,
    events: mpsc::Sender<WireEvent>,
) {
    let mut wire = Wire {
        layer2: Layer2::new(settings),
        sockets: BTreeMap::new(),
        unopened: BTreeSet::new(),
        last: InterfaceIndex(0),
        clock,
        metrics,
        events,
    };
    loop {
        wire.update_filters();
        wire.announce();
        tokio::select! {
            index = readable(&wire.sockets, wire.last) => wire.receive(index),
            command = commands.recv() => match command {
                Some(command) => {
                    wire.obey(command);
                    // A decision about many addresses is one new filter, not many.
                    while let Ok(command) = commands.try_recv() {
                        wire.obey(command);
                    }
                }
                None => return,
            },
            Some(change) = interfaces.recv() => {
                wire.change(change);
                while let Ok(change) = interfaces.try_recv() {
                    wire.change(change);
                }
                wire.tell_interfaces();
            }
            () = wire.wait() => wire.reopen(),
        }
    }
}

impl Wire {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Sleeps until something is due.
    fn wait(&self) -> impl Future<Output = ()> + use<> {
        let retry = (!self.unopened.is_empty()).then(|| self.now() + REOPEN_PAUSE);
        let due = [self.layer2.next_deadline(), retry].into_iter().flatten().min().map(|at| self.clock.instant(at));
        async move {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Own { ip, scope } => self.layer2.own(ip, scope, now),
            Command::Disown { ip } => {
                self.layer2.disown(ip);
            }
            Command::AnnounceAll => self.layer2.announce_all(now),
        }
    }

    fn change(&mut self, change: InterfaceChange) {
        match change {
            InterfaceChange::Usable(interface) => self.add(interface),
            InterfaceChange::Gone(index) => self.forget(index),
            InterfaceChange::OtherMacs(macs) => self.layer2.set_other_local_macs(macs),
        }
    }

    fn add(&mut self, interface: Interface) {
        let (index, name) = (interface.index, interface.name.clone());
        if !self.sockets.contains_key(&index) {
            match self.open(index) {
                Ok(socket) => {
                    tracing::info!(interface = name, "takes part in layer 2");
                    self.sockets.insert(index, socket);
                    self.unopened.remove(&index);
                }
                Err(error) => {
                    tracing::warn!(interface = name, "can't take part in layer 2 yet, will try again: {error}");
                    self.unopened.insert(index);
                }
            }
        }
        let now = self.now();
        self.layer2.set_interface(interface, now);
    }

    fn forget(&mut self, index: InterfaceIndex) {
        self.sockets.remove(&index);
        self.unopened.remove(&index);
        if let Some(interface) = self.layer2.remove_interface(index) {
            tracing::info!(interface = interface.name, "no longer takes part in layer 2");
        }
    }

    fn reopen(&mut self) {
        for index in std::mem::take(&mut self.unopened) {
            let interface = self.layer2.interfaces().find(|interface| interface.index == index).cloned();
            if let Some(interface) = interface {
                self.add(interface);
                let now = self.now();
                self.layer2.announce_on(index, now);
            }
        }
    }

    fn tell_interfaces(&self) {
        let names = self.layer2.interfaces().map(|interface| interface.name.clone()).collect();
        self.tell(WireEvent::Interfaces(names));
    }

    /// The decider empties this channel faster than interfaces change; should it be full, the next change tells all.
    fn tell(&self, event: WireEvent) {
        if self.events.try_send(event).is_err() {
            self.metrics.events_dropped.inc();
        }
    }

    fn open(&self, index: InterfaceIndex) -> io::Result<AsyncFd<PacketSocket>> {
        let socket = with_limits(|limit| {
            let program = instructions(&self.layer2.filter(limit));
            PacketSocket::open(index.0, Protocol::Arp, &program)
        })?;
        socket.into_async()
    }

    fn update_filters(&mut self) {
        if !self.layer2.take_filter_changed() {
            return;
        }
        for (index, socket) in &self.sockets {
            let replaced = with_limits(|limit| {
                let program = self.layer2.filter(limit);
                socket.get_ref().set_filter(&instructions(&program))
            });
            if let Err(error) = replaced {
                tracing::error!(interface = index.0, "new addresses are not answered here: {error}");
                self.metrics.filter_failures.inc();
            }
        }
    }

    fn announce(&mut self) {
        let now = self.now();
        for transmission in self.layer2.poll(now) {
            let Some(socket) = self.sockets.get(&transmission.interface) else { continue };
            match socket.get_ref().send(&transmission.frame) {
                Ok(()) => self.metrics.gratuitous_sent(transmission.ip),
                Err(error) => self.metrics.send_failed(&error),
            }
        }
    }

    fn receive(&mut self, index: InterfaceIndex) {
        self.last = index;
        let mut buffer = [0; FRAME_MAX];
        let now = self.now();
        for _ in 0..FRAMES_PER_TURN {
            let Some(socket) = self.sockets.get(&index) else { return };
            let received = socket.try_io(tokio::io::Interest::READABLE, |socket| socket.receive(&mut buffer));
            let received = match received {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    // "Network is down", once: netlink says what became of the interface.
                    tracing::debug!(interface = index.0, "{error}");
                    self.metrics.receive_failures.inc();
                    return;
                }
            };
            let frame = buffer.get(..received.length).unwrap_or_default();
            // Every other machine is a stranger as long as speakers don't know each other's MACs.
            match self.layer2.receive(index, frame, |_, _| Claimant::Foreign, now) {
                Outcome::Reply { frame, ip, .. } => {
                    self.metrics.request_received(ip);
                    match socket.get_ref().send(&frame) {
                        Ok(()) => self.metrics.response_sent(ip),
                        Err(error) => self.metrics.send_failed(&error),
                    }
                }
                Outcome::Claim(claim) => self.tell(WireEvent::Claim(claim)),
                Outcome::Ignored(reason) => self.metrics.ignored(reason.label()),
            }
        }
    }
}

/// The next socket after `last` with something to read, or with an error to fetch: a flood on one interface leaves the
/// others their turn.
async fn readable(sockets: &BTreeMap<InterfaceIndex, AsyncFd<PacketSocket>>, last: InterfaceIndex) -> InterfaceIndex {
    std::future::poll_fn(|context| {
        let after = sockets.range((Bound::Excluded(last), Bound::Unbounded));
        for (index, socket) in after.chain(sockets.range(..=last)) {
            if socket.poll_read_ready(context).is_ready() {
                return Poll::Ready(*index);
            }
        }
        Poll::Pending
    })
    .await
}

/// Tries ever shorter filters until the kernel has room for one.
fn with_limits<T>(mut attach: impl FnMut(usize) -> io::Result<T>) -> io::Result<T> {
    let mut result = Err(ErrorKind::OutOfMemory.into());
    for limit in LIMITS {
        result = attach(limit);
        match &result {
            Err(error) if error.kind() == ErrorKind::OutOfMemory => {}
            _ => return result,
        }
    }
    result
}

fn instructions(program: &Program) -> Vec<Instruction> {
    let translate = |i: &herald_neighbor::filter::Instruction| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k };
    program.instructions.iter().map(translate).collect()
}
