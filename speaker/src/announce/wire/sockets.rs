//! The sockets of all interfaces, and what the kernel is to let through to them.
//!
//! | socket | while |
//! |---|---|
//! | ARP | the interface takes part |
//! | IPv6, and the groups that questions are sent to | it also has a link-local address, and any IPv6 address concerns us |
//!
//! A node that announces no IPv6 address does not look at IPv6 at all. What can't be opened, or joined, is tried again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::net::Ipv6Addr;
use std::ops::Bound;
use std::task::Poll;
use std::time::Duration;

use herald_neighbor::filter::{LIMITS, Program};
use herald_neighbor::{InterfaceIndex, Layer2};
use herald_sys::{Groups, Instruction, PacketSocket, Protocol};
use tokio::io::unix::AsyncFd;

use crate::metrics::WireMetrics;

/// Before a socket or a membership is tried again (the interface is vanishing, or the system is short of memory).
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Groups joined or left in one turn, so that thousands of new addresses don't hold up an answer.
const MEMBERSHIPS_PER_TURN: usize = 64;

/// A socket's interface and protocol.
pub(super) type Key = (InterfaceIndex, Protocol);

/// All sockets.
pub(super) struct Sockets {
    open: BTreeMap<Key, AsyncFd<PacketSocket>>,
    groups: BTreeMap<InterfaceIndex, Groups>,
    /// Groups to join (true) or leave, where.
    memberships: VecDeque<(InterfaceIndex, Ipv6Addr, bool)>,
    /// The socket that had its turn last.
    last: Key,
    changed: bool,
    /// What could not be opened; when it can, what was announced until then went nowhere.
    failed: BTreeSet<Key>,
    /// When to try again what failed.
    retry: Option<Duration>,
    metrics: WireMetrics,
}

impl Sockets {
    pub(super) fn new(metrics: WireMetrics) -> Self {
        Self {
            open: BTreeMap::new(),
            groups: BTreeMap::new(),
            memberships: VecDeque::new(),
            last: (InterfaceIndex(0), Protocol::Arp),
            changed: false,
            failed: BTreeSet::new(),
            retry: None,
            metrics,
        }
    }

    /// Interfaces came, went or changed.
    pub(super) fn interfaces_changed(&mut self) {
        self.changed = true;
    }

    /// An interface is gone, or down. It may be back at once, under the same number and before anybody looked at its sockets.
    /// One that was open while the interface was set down refuses the next frame, for the kernel has to tell first that the
    /// network was down; that frame would be the first announcement. (A lost carrier alone leaves nothing to tell.) And one
    /// that was open on an interface that has been removed neither hears nor sends ever again, whatever bears its number.
    /// So all are opened anew.
    pub(super) fn interface_gone(&mut self, index: InterfaceIndex) {
        let before = self.open.len();
        self.open.retain(|(of, _), _| *of != index);
        self.groups.remove(&index);
        if self.open.len() != before {
            tracing::debug!(interface = index.0, "no longer takes part in layer 2");
        }
        self.changed = true;
    }

    /// When [`follow`](Self::follow) has something to do though nothing changes.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        if self.memberships.is_empty() { self.retry } else { Some(Duration::ZERO) }
    }

    /// Opens, closes, filters and joins as [`Layer2`] needs it now.
    pub(super) fn follow(&mut self, layer2: &mut Layer2, now: Duration) {
        let mut again = self.retry.is_some_and(|at| at <= now);
        if again {
            self.retry = None;
        }
        let filters_changed = layer2.take_filter_changed();
        if filters_changed || self.changed || again {
            // New sockets have the new filter from the start.
            if filters_changed {
                self.update_filters(layer2);
            }
            again |= self.update_sockets(layer2, now);
            self.changed = false;
        }
        if layer2.take_groups_changed() || again {
            self.plan_memberships(layer2);
        }
        self.carry_out_memberships(now);
    }

    /// True if a socket was opened or closed.
    fn update_sockets(&mut self, layer2: &mut Layer2, now: Duration) -> bool {
        let ipv6 = layer2.concerns_ipv6();
        let keys = layer2.interfaces().flat_map(|interface| {
            let ipv6 = ipv6 && interface.link_local.is_some();
            let index = interface.index;
            [Some((index, Protocol::Arp)), ipv6.then_some((index, Protocol::Ipv6))].into_iter().flatten()
        });
        let wanted: BTreeSet<Key> = keys.collect();
        let before = self.open.len();
        self.open.retain(|key, _| {
            let stays = wanted.contains(key);
            if let (false, (index, Protocol::Arp)) = (stays, key) {
                tracing::debug!(interface = index.0, "no longer takes part in layer 2");
            }
            stays
        });
        self.failed.retain(|key| wanted.contains(key));
        let mut changed = self.open.len() != before;
        for key in wanted {
            if self.open.contains_key(&key) {
                continue;
            }
            let (index, protocol) = key;
            let named = layer2.interfaces().find(|interface| interface.index == index);
            let name = named.map(|interface| interface.name.clone()).unwrap_or_default();
            match open(layer2, index, protocol) {
                Ok(socket) => {
                    tracing::debug!(interface = name, ?protocol, "takes part in layer 2");
                    self.open.insert(key, socket);
                    changed = true;
                    if self.failed.remove(&key) {
                        layer2.announce_on(index, now);
                    }
                }
                Err(error) => {
                    self.failed.insert(key);
                    tracing::warn!(interface = name, "can't take part in layer 2 yet, will try again: {error}");
                    self.retry = Some(now + RETRY_PAUSE);
                }
            }
        }
        changed
    }

    fn update_filters(&self, layer2: &Layer2) {
        for ((index, protocol), socket) in &self.open {
            let replaced = with_limits(|limit| socket.get_ref().set_filter(&program(layer2, *protocol, limit)));
            if let Err(error) = replaced {
                tracing::error!(interface = index.0, "new addresses are not answered here: {error}");
                self.metrics.filter_failures.inc();
            }
        }
    }

    fn plan_memberships(&mut self, layer2: &Layer2) {
        let listening = |index: InterfaceIndex| self.open.contains_key(&(index, Protocol::Ipv6));
        // Closing the sockets leaves all groups at once.
        self.groups.retain(|index, _| listening(*index));
        self.memberships.clear();
        for interface in layer2.interfaces().filter(|interface| listening(interface.index)) {
            let index = interface.index;
            let joined: BTreeSet<_> =
                self.groups.entry(index).or_insert_with(|| Groups::new(index.0)).joined().collect();
            let wanted = layer2.groups(interface);
            self.memberships.extend(wanted.difference(&joined).map(|group| (index, *group, true)));
            self.memberships.extend(joined.difference(&wanted).map(|group| (index, *group, false)));
        }
    }

    fn carry_out_memberships(&mut self, now: Duration) {
        for _ in 0..MEMBERSHIPS_PER_TURN {
            let Some((index, group, join)) = self.memberships.pop_front() else { return };
            let Some(groups) = self.groups.get_mut(&index) else { continue };
            let result = if join { groups.join(group) } else { groups.leave(group) };
            if let Err(error) = result {
                tracing::warn!("neighbours may not reach addresses of this group yet, will try again: {error}");
                self.metrics.membership_failures.inc();
                self.retry = Some(now + RETRY_PAUSE);
                // What is true of one group is true of the others.
                self.memberships.retain(|(other, ..)| *other != index);
            }
        }
    }

    /// The next socket after the last one with something to read, or with an error to fetch: a flood on one interface
    /// leaves the others their turn.
    pub(super) async fn readable(&self) -> Key {
        std::future::poll_fn(|context| {
            let after = self.open.range((Bound::Excluded(self.last), Bound::Unbounded));
            for (key, socket) in after.chain(self.open.range(..=self.last)) {
                if socket.poll_read_ready(context).is_ready() {
                    return Poll::Ready(*key);
                }
            }
            Poll::Pending
        })
        .await
    }

    pub(super) fn get(&self, key: Key) -> Option<&PacketSocket> {
        self.open.get(&key).map(AsyncFd::get_ref)
    }

    /// Takes the next frame out of a socket's queue, and returns its length; `None` if there is none.
    pub(super) fn receive(&mut self, key: Key, buffer: &mut [u8]) -> Option<usize> {
        self.last = key;
        let socket = self.open.get(&key)?;
        match socket.try_io(tokio::io::Interest::READABLE, |socket| socket.receive(buffer)) {
            Ok(received) => Some(received.length),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => {
                // "Network is down", once: netlink says what became of the interface.
                tracing::debug!(interface = key.0.0, "{error}");
                self.metrics.receive_failures.inc();
                None
            }
        }
    }

    /// Counts what the kernel dropped because a socket's queue was full.
    pub(super) fn count_dropped(&self, key: Key) {
        if let Some(statistics) = self.get(key).and_then(|socket| socket.take_statistics().ok()) {
            self.metrics.frames_dropped.inc_by(statistics.dropped.into());
        }
    }
}

fn open(layer2: &Layer2, index: InterfaceIndex, protocol: Protocol) -> io::Result<AsyncFd<PacketSocket>> {
    with_limits(|limit| PacketSocket::open(index.0, protocol, &program(layer2, protocol, limit)))?.into_async()
}

fn program(layer2: &Layer2, protocol: Protocol, limit: usize) -> Vec<Instruction> {
    let program: Program = match protocol {
        Protocol::Arp => layer2.arp_filter(limit),
        Protocol::Ipv6 => layer2.ndp_filter(limit),
    };
    let translate = |i: &herald_neighbor::filter::Instruction| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k };
    program.instructions.iter().map(translate).collect()
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
