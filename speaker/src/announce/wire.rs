//! The shell around [`Layer2`]: sockets, timers, and nothing decided.
//!
//! One task owns everything, so an answer never waits for a lock, and an address that is disowned gets not one more
//! answer. Interfaces cost a socket or two each, no thread.
//!
//! What is told to the decider waits in [`Layer2`]'s own bounded queue until there is room: the wire never waits for it.

mod sockets;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use herald_neighbor::{
    Interface, InterfaceIndex, Layer2, MacAddr, Notice, Outcome, Purpose, Scope, Settings, Transmission,
};
use herald_runtime::clock::Monotonic;
use herald_sys::Protocol;
use tokio::sync::mpsc;

use self::sockets::{Key, Sockets};
use super::interface::InterfaceChange;
use crate::metrics::WireMetrics;

/// Frames taken from one socket before the others have their turn.
const FRAMES_PER_TURN: usize = 64;
/// Room for a frame of a usual network. Neighbour discovery may carry options of some length; what is cut off here can't be
/// read, and is counted as such.
const FRAME_MAX: usize = 2_048;

/// What the wire is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answer for `ip` on these interfaces.
    Own {
        /// The address.
        ip: IpAddr,
        /// Where.
        scope: Scope,
        /// MACs of speakers that would come before this one if they were known to be alive and eligible: to their claims we
        /// give way.
        ahead: BTreeSet<MacAddr>,
    },
    /// Stop answering for `ip`.
    Disown {
        /// The address.
        ip: IpAddr,
    },
    /// Answer for `ip` with its owner's MAC, while the owner's speaker is away. Ended by `Own` or `Disown`.
    StandIn {
        /// The address.
        ip: IpAddr,
        /// Where.
        scope: Scope,
        /// The owner's MAC.
        mac: MacAddr,
    },
    /// The MACs of all other speakers.
    Speakers(BTreeSet<MacAddr>),
    /// Ask the network once who has `target`; [`Notice::Heard`] tells who does.
    Probe {
        /// The address asked for.
        target: IpAddr,
    },
    /// Say again that `ip` is here: the network may have heard another node meanwhile.
    Announce {
        /// The address.
        ip: IpAddr,
    },
}

/// What the wire tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireEvent {
    /// The interfaces that take part now, and their MACs.
    Interfaces(BTreeMap<String, MacAddr>),
    /// What others say of addresses: interfaces by their names.
    Notice(Notice<String>),
}

/// Least time between two words about the interfaces to the decider. The first is told at once; that hundreds of pods come or go in a row
/// is told a few times, not a thousand, each time with all there are.
const INTERFACES_PAUSE: Duration = Duration::from_millis(100);

/// Everything the task owns.
struct Wire {
    layer2: Layer2,
    sockets: Sockets,
    clock: Monotonic,
    metrics: WireMetrics,
    /// What was last told of the interfaces.
    told: Option<BTreeMap<String, MacAddr>>,
    /// Before then they are not told again.
    tell_interfaces_from: Duration,
    interfaces_changed: bool,
    dropped: u64,
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
        sockets: Sockets::new(metrics.clone()),
        clock,
        metrics,
        told: None,
        tell_interfaces_from: Duration::ZERO,
        interfaces_changed: false,
        dropped: 0,
    };
    loop {
        // Listening comes before speaking: whoever answers an announcement or a question is to be heard.
        wire.sockets.follow(&mut wire.layer2, wire.clock.now());
        wire.send_due();
        // One moment for both: what may not be told yet is waited for.
        let now = wire.now();
        tokio::select! {
            key = wire.sockets.readable() => wire.receive(key),
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
            }
            Ok(room) = events.reserve(), if wire.has_news(now) => {
                wire.tell(room);
                while let Some(room) = wire.has_news(wire.now()).then(|| events.try_reserve().ok()).flatten() {
                    wire.tell(room);
                }
            }
            () = wire.wait(now) => {}
        }
    }
}

impl Wire {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Sleeps until something is due.
    fn wait(&self, now: Duration) -> impl Future<Output = ()> + use<> {
        let tell = self.interfaces_changed.then_some(self.tell_interfaces_from).filter(|from| *from > now);
        let due = [self.layer2.next_deadline(), self.sockets.next_deadline(), tell].into_iter().flatten().min();
        let due = due.map(|at| self.clock.instant(at));
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
            Command::Own { ip, scope, ahead } => self.layer2.own(ip, scope, ahead, now),
            Command::StandIn { ip, scope, mac } => self.layer2.stand_in(ip, scope, mac),
            Command::Disown { ip } => {
                self.layer2.disown(ip);
                self.metrics.forget(ip);
            }
            Command::Speakers(macs) => self.layer2.set_speakers(macs),
            Command::Probe { target } => {
                if self.layer2.probe(target, now).is_err() {
                    self.metrics.probes_dropped.inc();
                }
            }
            Command::Announce { ip } => self.layer2.announce(ip, now),
        }
    }

    fn change(&mut self, change: InterfaceChange) {
        match change {
            InterfaceChange::Usable(interface) => {
                let now = self.now();
                self.layer2.set_interface(interface, now);
                self.sockets.interfaces_changed();
                self.interfaces_changed = true;
            }
            InterfaceChange::Gone(index) => {
                self.layer2.remove_interface(index);
                self.sockets.interface_gone(index);
                self.interfaces_changed = true;
            }
            InterfaceChange::OtherMac { mac, present } => self.layer2.set_other_local_mac(mac, present),
        }
    }

    fn send_due(&mut self) {
        let now = self.now();
        for Transmission { interface, frame, ip, purpose } in self.layer2.poll(now) {
            let Some(socket) = self.sockets.get((interface, protocol(ip))) else { continue };
            match (socket.send(&frame), purpose) {
                (Ok(()), Purpose::Announcement) => self.metrics.gratuitous_sent(ip),
                (Ok(()), Purpose::Probe) => drop(self.metrics.probes_sent.inc()),
                (Err(error), _) => self.metrics.send_failed(&error),
            }
        }
    }

    fn receive(&mut self, key: Key) {
        let mut buffer = [0; FRAME_MAX];
        let now = self.now();
        for _ in 0..FRAMES_PER_TURN {
            let Some(length) = self.sockets.receive(key, &mut buffer) else { return };
            let frame = buffer.get(..length).unwrap_or_default();
            match self.layer2.receive(key.0, frame, now) {
                Outcome::Reply { frame, ip, .. } => {
                    self.metrics.request_received(ip);
                    match self.sockets.get(key).map(|socket| socket.send(&frame)) {
                        Some(Ok(())) => self.metrics.response_sent(ip),
                        Some(Err(error)) => self.metrics.send_failed(&error),
                        None => {}
                    }
                }
                Outcome::Claim(claim) => self.metrics.claimed(claim.claimant),
                Outcome::Heard => {}
                Outcome::Ignored(reason) => self.metrics.ignored(reason.label()),
            }
        }
        // So many that the kernel's queue may have been too short.
        self.sockets.count_dropped(key);
    }

    fn has_news(&self, now: Duration) -> bool {
        self.may_tell_interfaces(now) || self.layer2.has_notice()
    }

    fn may_tell_interfaces(&self, now: Duration) -> bool {
        self.interfaces_changed && now >= self.tell_interfaces_from
    }

    /// Tells one thing; `room` is given back if there turns out to be none.
    fn tell(&mut self, room: mpsc::Permit<'_, WireEvent>) {
        let now = self.now();
        if self.may_tell_interfaces(now) {
            self.interfaces_changed = false;
            self.tell_interfaces_from = now + INTERFACES_PAUSE;
            let interfaces: BTreeMap<_, _> =
                self.layer2.interfaces().map(|interface| (interface.name.clone(), interface.mac)).collect();
            // An address alone is no news to the decider.
            if self.told.as_ref() != Some(&interfaces) {
                self.told = Some(interfaces.clone());
                room.send(WireEvent::Interfaces(interfaces));
            }
            return;
        }
        let Some(notice) = self.layer2.take_notice() else { return };
        let dropped = self.layer2.notices_dropped();
        self.metrics.events_dropped.inc_by(dropped - self.dropped);
        self.dropped = dropped;
        let name = |index: InterfaceIndex| {
            let found = self.layer2.interfaces().find(|interface: &&Interface| interface.index == index);
            found.map(|interface| interface.name.clone()).unwrap_or_default()
        };
        room.send(WireEvent::Notice(notice.map(name)));
    }
}

/// Which socket an address's frames go through.
fn protocol(ip: IpAddr) -> Protocol {
    if ip.is_ipv4() { Protocol::Arp } else { Protocol::Ipv6 }
}
