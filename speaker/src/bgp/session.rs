//! The task of one peer.

mod happened;

use std::net::IpAddr;
use std::sync::Arc;

use herald_bgp::packet::update::{Encoding, NextHops};
use herald_bgp::packet::{self, Decoding, Message, Notification, frame};
use herald_bgp::received::Received;
use herald_bgp::state::{Action, Closing, ConfigError, Connection, Event, Negotiated, PeerConfig, Session, State};
use herald_bgp::table::{AdjRibOut, Next};
use herald_bgp::writer::Writer;
use herald_bgp::{Attributes, Family, Prefix};
use herald_runtime::clock::{Monotonic, wall_clock};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::connection::{Arrived, Read, Wire};
use super::egress;
use super::next_hops::{NodeAddresses, next_hops};
use super::status::Status;
use super::transport::Transport;
use happened::{Dial, Happened, dialed, ended, ready, until};

/// Commands that wait to be taken in. Taking one in waits for nothing.
const QUEUE: usize = 64;
/// Messages are written as long as fewer bytes wait; so a change meets at most this much that is older.
const WRITE_AHEAD: usize = 64 * 1024;
/// Prefixes of the peer that are counted.
const RECEIVED_LIMIT: usize = 10_000;
/// Connections that are told why they are refused, at a time; others are closed without a word.
const REFUSALS: usize = 8;
/// Reads of [`connection`](super::connection) after which nobody is listened to any more whose connection is broken.
const LAST_READS: usize = 1024;

/// Routes that change: what is to be said of each, or that it is not announced any more.
pub type Routes = Vec<(Prefix, Option<Arc<Attributes>>)>;

/// A peer, and what the session with it is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Name of its BGPPeer.
    pub name: String,
    /// What BGP needs to know.
    pub config: PeerConfig,
    /// What TCP needs to know.
    pub transport: Transport,
    /// Addresses of this node, for next hops.
    pub addresses: NodeAddresses,
}

/// What a session is told.
#[derive(Debug)]
pub enum Command {
    /// These routes change.
    Routes(Routes),
    /// A connection that the peer has made.
    Accepted(TcpStream),
    /// The session ends: with these words, or without any, as a restart asks for.
    End(Option<Notification>),
}

/// A running session.
#[derive(Debug)]
pub struct Handle {
    /// To tell it something.
    pub commands: mpsc::Sender<Command>,
    /// How it is doing.
    pub status: watch::Receiver<Status>,
    /// Ends after [`Command::End`].
    pub task: JoinHandle<()>,
}

/// Starts the session with `peer`, which is to have `routes`.
///
/// # Errors
/// When the peer is to be told about no address family.
pub fn start(peer: Peer, routes: Routes, clock: Monotonic) -> Result<Handle, ConfigError> {
    start_after(Vec::new(), peer, routes, clock)
}

/// As [`start`], once the sessions with these statuses have ended: a router has one session with a node and takes a second
/// for a collision (RFC 4271 §6.8).
pub(super) fn start_after(
    before: Vec<watch::Receiver<Status>>,
    peer: Peer,
    routes: Routes,
    clock: Monotonic,
) -> Result<Handle, ConfigError> {
    let session = Session::new(peer.config.clone())?;
    let (commands, received) = mpsc::channel(QUEUE);
    let (status_to, status) = watch::channel(Status::default());
    let mut table = AdjRibOut::default();
    routes.into_iter().for_each(|(prefix, attributes)| table.set(prefix, attributes));
    let task = Task {
        peer,
        clock,
        session,
        table,
        outgoing: None,
        incoming: None,
        fresh: None,
        dial: None,
        encoding: None,
        received: Received::new(RECEIVED_LIMIT),
        status: Status::default(),
        before,
        ending: false,
        lingering: JoinSet::new(),
    };
    let task = tokio::spawn(task.run(received, status_to));
    Ok(Handle { commands, status, task })
}

struct Task {
    peer: Peer,
    clock: Monotonic,
    session: Session,
    table: AdjRibOut,
    outgoing: Option<Wire>,
    incoming: Option<Wire>,
    /// Accepted, and not judged yet.
    fresh: Option<Wire>,
    dial: Option<Dial>,
    /// How routes are written, and over which connection, while the session is established.
    encoding: Option<(Connection, Encoding)>,
    received: Received,
    status: Status,
    /// Sessions that have to end before this one begins.
    before: Vec<watch::Receiver<Status>>,
    ending: bool,
    /// Connections whose last words are on their way.
    lingering: JoinSet<()>,
}

impl Task {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, status: watch::Sender<Status>) {
        if self.before.is_empty() {
            self.event(Event::Start);
        }
        loop {
            self.write();
            self.publish(&status);
            if self.ending && self.session.state() == State::Idle {
                while self.lingering.join_next().await.is_some() {}
                return;
            }
            let deadline = self.deadline();
            let happened = tokio::select! {
                command = commands.recv() => Happened::Command(command.unwrap_or(Command::End(None))),
                () = ended(&mut self.before) => Happened::Begin,
                result = dialed(&mut self.dial) => Happened::Dialed(result),
                () = ready(self.outgoing.as_ref()) => Happened::Ready(Connection::Outgoing),
                () = ready(self.incoming.as_ref()) => Happened::Ready(Connection::Incoming),
                () = until(deadline) => Happened::Time,
            };
            self.take(happened);
            for _ in 0..QUEUE {
                let Ok(command) = commands.try_recv() else { break };
                self.take(Happened::Command(command));
            }
        }
    }

    fn deadline(&self) -> Option<tokio::time::Instant> {
        let stalled = [&self.outgoing, &self.incoming].into_iter().flatten().filter_map(|wire| wire.stalled).min();
        let send_hold = stalled.zip(self.session.send_hold_time()).map(|(since, time)| since + time);
        let at = self.session.next_deadline().into_iter().chain(send_hold).min();
        at.map(|at| self.clock.instant(at))
    }

    fn take(&mut self, happened: Happened) {
        match happened {
            Happened::Begin => self.event(Event::Start),
            Happened::Command(Command::Routes(routes)) => {
                for (prefix, attributes) in routes {
                    self.table.set(prefix, attributes);
                }
            }
            Happened::Command(Command::Accepted(stream)) => {
                self.fresh = Some(Wire::new(stream));
                self.event(Event::Connected(Connection::Incoming));
                // Not refused: it is the one now, though nothing is to be sent yet.
                self.settle(Connection::Incoming);
                self.fresh = None;
            }
            Happened::Command(Command::End(words)) => {
                self.ending = true;
                self.event(Event::Stop(words));
            }
            Happened::Dialed(result) => {
                self.dial = None;
                match result {
                    Ok(stream) => {
                        self.outgoing = Some(Wire::new(stream));
                        self.event(Event::Connected(Connection::Outgoing));
                    }
                    Err(error) => {
                        let reason = format!("cannot connect to {}: {error}", self.peer.transport.remote);
                        self.event(Event::ConnectFailed { reason });
                    }
                }
            }
            Happened::Ready(connection) => {
                if let Some(arrived) = self.wire(connection).map(Wire::receive) {
                    self.read(connection, arrived);
                }
            }
            Happened::Time => {
                // What has arrived counts before what is late.
                for connection in Connection::ALL {
                    self.read_now(connection);
                }
                self.check_stalled();
                self.session.advance(self.clock.now());
                self.perform();
            }
        }
    }

    fn check_stalled(&mut self) {
        let Some(time) = self.session.send_hold_time() else { return };
        let now = self.clock.now();
        for connection in Connection::ALL {
            let stalled = self.wire(connection).and_then(|wire| wire.stalled);
            if stalled.is_some_and(|since| now >= since + time) {
                self.event(Event::SendStalled(connection));
            }
        }
    }

    /// Reads what has arrived by now. True if there may be more.
    fn read_now(&mut self, connection: Connection) -> bool {
        let arrived = self.wire(connection).map(Wire::receive_now);
        arrived.is_some_and(|arrived| self.read(connection, arrived))
    }

    /// Reads what has arrived. True if there may be more.
    fn read(&mut self, connection: Connection, arrived: Arrived) -> bool {
        loop {
            // What was read may have ended the connection.
            let Some(wire) = self.wire(connection) else { return false };
            match wire.take() {
                Read::Nothing => break,
                Read::Message(message) => {
                    if let Message::Update(update) = &message {
                        self.received.take(update);
                    }
                    self.event(Event::Received(connection, message));
                }
                Read::Invalid(notification) => {
                    self.event(Event::Invalid(connection, notification));
                    *self.slot(connection) = None; // nothing can be read of it any more
                }
            }
        }
        match arrived {
            Arrived::Something => true,
            Arrived::Nothing => false,
            Arrived::End(reason) => {
                self.lose(connection, reason);
                false
            }
        }
    }

    /// Nothing can be written any more. What the peer said before it went says more than the kernel does.
    fn broken(&mut self, connection: Connection, reason: String) {
        for _ in 0..LAST_READS {
            if !self.read_now(connection) {
                break;
            }
        }
        if self.wire(connection).is_some() {
            self.lose(connection, reason);
        }
    }

    fn lose(&mut self, connection: Connection, reason: String) {
        *self.slot(connection) = None;
        self.event(Event::Closed { connection, reason });
    }

    fn event(&mut self, event: Event) {
        self.session.handle(event, self.clock.now());
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(action) = self.session.take_action() {
            tracing::trace!(peer = self.peer.name, ?action, "BGP");
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect => {
                let transport = self.peer.transport.clone();
                self.dial = Some(Box::pin(async move { transport.connect().await }));
            }
            Action::AbortConnect => self.dial = None,
            Action::Refuse(closing) => {
                let wire = self.fresh.take();
                while self.lingering.try_join_next().is_some() {}
                if self.lingering.len() < REFUSALS {
                    self.close(wire, closing);
                }
            }
            Action::SendOpen(connection, open) => {
                self.settle(connection);
                self.send(connection, packet::open(&open));
            }
            Action::SendKeepalive(connection) => self.send(connection, packet::keepalive()),
            Action::Close(connection, closing) => {
                let wire = self.slot(connection).take();
                self.close(wire, closing);
                self.settle(connection);
            }
            Action::Up(connection, negotiated) => self.up(connection, &negotiated),
            Action::Refresh(family) => self.table.refresh(family),
            Action::Down(reason) => {
                tracing::warn!(peer = self.peer.name, "BGP session is down: {reason}");
                self.encoding = None;
                self.table.down();
                self.status.established_at = None;
                self.status.negotiated = None;
                self.status.local = None;
                self.status.without_next_hop.clear();
                self.received = Received::new(RECEIVED_LIMIT);
                self.status.last_error = Some(reason.to_string());
            }
            Action::Failed(reason) => {
                let reason = Some(reason.to_string());
                if self.status.last_error != reason {
                    let words = reason.as_deref().unwrap_or_default();
                    tracing::warn!(peer = self.peer.name, "BGP session can't be established: {words}");
                }
                self.status.last_error = reason;
            }
        }
    }

    fn up(&mut self, connection: Connection, negotiated: &Negotiated) {
        self.settle(connection);
        let mut addresses = self.peer.addresses.clone();
        let device = self.peer.transport.device.clone();
        let Some(wire) = self.wire(connection) else { return };
        wire.max_length = if negotiated.extended_message { frame::MAX_EXTENDED_LENGTH } else { frame::MAX_LENGTH };
        wire.decoding = Decoding {
            external: negotiated.external,
            four_octet_asn: negotiated.four_octet_asn,
            enhanced_refresh: negotiated.enhanced_refresh,
            families: negotiated.families.clone(),
        };
        let (max_length, local) = (wire.max_length, wire.local());
        if addresses.ipv6.is_none() && negotiated.families.contains(&Family::Ipv6) {
            addresses.egress = local.and_then(|local| egress::global_address(local, device.as_deref()));
        }
        let hops = local.map(|local: IpAddr| next_hops(local, negotiated.extended_next_hop, &addresses));
        let next_hops = hops.unwrap_or(NextHops::default());
        let has = |family: &Family| match family {
            Family::Ipv4 => next_hops.ipv4.is_some(),
            Family::Ipv6 => next_hops.ipv6.is_some(),
        };
        self.status.without_next_hop = negotiated.families.iter().filter(|family| !has(family)).copied().collect();
        self.status.local = local;
        self.status.negotiated = Some(negotiated.clone());
        self.status.established_at = Some(wall_clock());
        self.status.unsendable = None;
        self.table.up(negotiated.families.iter().filter(|family| has(family)).copied(), negotiated.enhanced_refresh);
        self.received = Received::new(RECEIVED_LIMIT);
        let encoding = Encoding {
            external: negotiated.external,
            shown_asn: negotiated.shown_asn,
            four_octet_asn: negotiated.four_octet_asn,
            next_hops,
            max_length,
        };
        self.encoding = Some((connection, encoding));
        tracing::info!(peer = self.peer.name, families = ?negotiated.families, "BGP session is established");
    }

    /// Writes what the peer is to have, as far as it takes it.
    fn write(&mut self) {
        loop {
            self.fill();
            let now = self.clock.now();
            let mut again = false;
            for connection in Connection::ALL {
                let Some(wire) = self.wire(connection) else { continue };
                if let Some(reason) = wire.flush(now) {
                    self.broken(connection, reason);
                    again = true;
                }
            }
            // As long as the kernel takes all of it, there may be more.
            let connection = self.encoding.as_ref().map(|(connection, _)| *connection);
            let empty = connection.and_then(|connection| self.wire(connection)).is_some_and(|wire| wire.waiting() == 0);
            if !again && (!empty || self.table.is_settled()) {
                break;
            }
        }
    }

    fn fill(&mut self) {
        let Some((connection, encoding)) = &self.encoding else { return };
        let wire = match connection {
            Connection::Outgoing => self.outgoing.as_mut(),
            Connection::Incoming => self.incoming.as_mut(),
        };
        let Some(wire) = wire else { return };
        while wire.waiting() < WRITE_AHEAD {
            let mut writer = Writer::new(encoding, &mut wire.output);
            let next = self.table.next(&mut writer);
            self.status.updates_sent += writer.updates;
            match next {
                Next::Written => {}
                Next::Nothing => break,
                Next::Unsendable { prefixes, error } => {
                    let first = prefixes.first().map(ToString::to_string).unwrap_or_default();
                    let words = format!("{} prefixes can't be announced, {first} among them: {error}", prefixes.len());
                    tracing::warn!(peer = self.peer.name, "{words}");
                    self.status.unsendable = Some(words);
                }
            }
        }
    }

    fn send(&mut self, connection: Connection, message: Vec<u8>) {
        if let Some(wire) = self.wire(connection) {
            wire.output.extend(message);
        }
    }

    fn close(&mut self, wire: Option<Wire>, closing: Closing) {
        while self.lingering.try_join_next().is_some() {}
        if let (Some(wire), Closing::Notify(last)) = (wire, closing) {
            self.lingering.spawn(wire.close(last));
        }
    }

    /// A connection that was accepted a moment ago takes its place.
    fn settle(&mut self, connection: Connection) {
        if connection == Connection::Incoming && self.incoming.is_none() {
            self.incoming = self.fresh.take();
        }
    }

    fn slot(&mut self, connection: Connection) -> &mut Option<Wire> {
        match connection {
            Connection::Outgoing => &mut self.outgoing,
            Connection::Incoming => &mut self.incoming,
        }
    }

    fn wire(&mut self, connection: Connection) -> Option<&mut Wire> {
        self.slot(connection).as_mut()
    }

    fn publish(&mut self, status: &watch::Sender<Status>) {
        self.status.state = self.session.state();
        self.status.sent = [self.table.sent(Family::Ipv4), self.table.sent(Family::Ipv6)];
        self.status.desired = self.table.desired();
        self.status.settled = self.table.is_settled();
        self.status.received = (!self.received.is_over()).then(|| self.received.count());
        self.status.counters = self.session.counters();
        status.send_if_modified(|known| {
            let changed = *known != self.status;
            if changed {
                known.clone_from(&self.status);
            }
            changed
        });
    }
}
