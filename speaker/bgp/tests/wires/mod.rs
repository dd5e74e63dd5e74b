//! Two ends and the wires between them, in virtual time. Each segment takes a time of its own; those of one connection keep
//! their order, connections keep none between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herald_bgp::packet::Message;
use herald_bgp::state::{Action, Closing, Connection, Event, Session};

/// Whoever speaks BGP at an end of the wires.
pub trait Speaker: std::fmt::Debug {
    fn handle(&mut self, event: Event, now: Duration);
    fn advance(&mut self, now: Duration);
    fn next_deadline(&self) -> Option<Duration>;
    fn take_action(&mut self) -> Option<Action>;
}

impl Speaker for Session {
    fn handle(&mut self, event: Event, now: Duration) {
        self.handle(event, now);
    }

    fn advance(&mut self, now: Duration) {
        self.advance(now);
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.next_deadline()
    }

    fn take_action(&mut self) -> Option<Action> {
        self.take_action()
    }
}

/// One of the two ends.
pub type End = usize;
/// Number of a TCP connection, never used again.
type Wire = u32;

/// What is under way.
#[derive(Debug)]
enum Cargo {
    Syn,
    SynAck,
    Reset,
    Message(Message),
    Fin,
}

/// One end's sockets.
#[derive(Default)]
struct Sockets {
    /// The attempt to connect.
    dialing: Option<Wire>,
    open: BTreeMap<Connection, Wire>,
    up: Option<Wire>,
    ups: u32,
}

pub struct World {
    pub now: Duration,
    pub speakers: [Box<dyn Speaker>; 2],
    sockets: [Sockets; 2],
    listens: [bool; 2],
    /// What arrives when at whom, in order of time; the second number keeps the order of equals.
    flights: BTreeMap<(Duration, u64), (End, Wire, Cargo)>,
    sent: u64,
    /// When the last octet of a wire arrives at an end: octets keep their order.
    arrivals: BTreeMap<(Wire, End), Duration>,
    wires: Wire,
    /// Delays to draw from, in milliseconds.
    delays: Vec<u16>,
    /// Wires that one end has given up.
    gone: BTreeSet<(Wire, End)>,
    /// Nothing arrives any more.
    severed: bool,
}

impl World {
    pub fn new(speakers: [Box<dyn Speaker>; 2], listens: [bool; 2], delays: Vec<u16>) -> Self {
        Self {
            now: Duration::ZERO,
            speakers,
            sockets: Default::default(),
            listens,
            flights: BTreeMap::new(),
            sent: 0,
            arrivals: BTreeMap::new(),
            wires: 0,
            delays,
            gone: BTreeSet::new(),
            severed: false,
        }
    }

    fn send(&mut self, to: End, wire: Wire, cargo: Cargo) {
        if self.severed {
            return;
        }
        self.sent += 1;
        let draw = usize::try_from(self.sent).unwrap() % self.delays.len();
        let last = self.arrivals.get(&(wire, to)).copied().unwrap_or_default();
        let at = last.max(self.now + Duration::from_millis(u64::from(self.delays[draw])));
        self.arrivals.insert((wire, to), at);
        self.flights.insert((at, self.sent), (to, wire, cargo));
    }

    pub fn handle(&mut self, end: End, event: Event, newcomer: Option<Wire>) {
        self.speakers[end].handle(event, self.now);
        self.obey(end, newcomer);
    }

    /// Does what a session wants done.
    fn obey(&mut self, end: End, mut newcomer: Option<Wire>) {
        while let Some(action) = self.speakers[end].take_action() {
            let wire = |sockets: &Sockets, connection| *sockets.open.get(&connection).expect("it stands");
            match action {
                Action::Connect => {
                    self.wires += 1;
                    assert!(self.sockets[end].dialing.replace(self.wires).is_none());
                    self.send(1 - end, self.wires, Cargo::Syn);
                }
                Action::AbortConnect => {
                    let wire = self.sockets[end].dialing.take().expect("it is connecting");
                    self.gone.insert((wire, end));
                    self.send(1 - end, wire, Cargo::Fin);
                }
                Action::SendOpen(connection, open) => {
                    self.adopt(end, connection, &mut newcomer);
                    let wire = wire(&self.sockets[end], connection);
                    self.send(1 - end, wire, Cargo::Message(Message::Open(open)));
                }
                Action::SendKeepalive(connection) => {
                    let wire = wire(&self.sockets[end], connection);
                    self.send(1 - end, wire, Cargo::Message(Message::Keepalive));
                }
                Action::Close(connection, closing) => {
                    let wire = self.sockets[end].open.remove(&connection).expect("it stands");
                    self.hang_up(end, wire, closing);
                }
                Action::Refuse(closing) => {
                    let wire = newcomer.take().expect("somebody to refuse");
                    self.hang_up(end, wire, closing);
                }
                Action::Up(connection, _) => {
                    let wire = wire(&self.sockets[end], connection);
                    assert!(self.sockets[end].up.replace(wire).is_none());
                    self.sockets[end].ups += 1;
                }
                Action::Down(_) => assert!(self.sockets[end].up.take().is_some()),
                Action::Failed(_) | Action::Refresh(_) => {}
            }
        }
        self.adopt(end, Connection::Incoming, &mut newcomer);
    }

    fn adopt(&mut self, end: End, connection: Connection, newcomer: &mut Option<Wire>) {
        if connection == Connection::Incoming
            && let Some(wire) = newcomer.take()
        {
            assert!(self.sockets[end].open.insert(connection, wire).is_none(), "the older one was not closed");
        }
    }

    fn hang_up(&mut self, end: End, wire: Wire, closing: Closing) {
        if let Closing::Notify(notification) = closing {
            self.send(1 - end, wire, Cargo::Message(Message::Notification(notification)));
        }
        self.gone.insert((wire, end));
        self.send(1 - end, wire, Cargo::Fin);
    }

    fn connection_of(&self, end: End, wire: Wire) -> Option<Connection> {
        self.sockets[end].open.iter().find(|(_, open)| **open == wire).map(|(connection, _)| *connection)
    }

    fn arrive(&mut self, end: End, wire: Wire, cargo: Cargo) {
        if self.gone.contains(&(wire, end)) {
            return;
        }
        match cargo {
            Cargo::Syn if self.listens[end] => {
                self.send(1 - end, wire, Cargo::SynAck);
                self.handle(end, Event::Connected(Connection::Incoming), Some(wire));
            }
            Cargo::Syn => {
                self.gone.insert((wire, end));
                self.send(1 - end, wire, Cargo::Reset);
            }
            Cargo::SynAck => {
                assert_eq!(self.sockets[end].dialing.take(), Some(wire));
                self.sockets[end].open.insert(Connection::Outgoing, wire);
                self.handle(end, Event::Connected(Connection::Outgoing), None);
            }
            Cargo::Reset => {
                assert_eq!(self.sockets[end].dialing.take(), Some(wire));
                self.handle(end, Event::ConnectFailed { reason: "refused".to_owned() }, None);
            }
            Cargo::Message(message) => {
                let connection = self.connection_of(end, wire).expect("a wire that is not gone");
                self.handle(end, Event::Received(connection, message), None);
            }
            Cargo::Fin => {
                self.gone.insert((wire, end));
                if let Some(connection) = self.connection_of(end, wire) {
                    self.sockets[end].open.remove(&connection);
                    let reason = "closed by the peer".to_owned();
                    self.handle(end, Event::Closed { connection, reason }, None);
                }
            }
        }
    }

    /// Lets time pass until then.
    pub fn run(&mut self, until: Duration) {
        for _ in 0..1_000_000 {
            let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
            let timers = self.speakers.each_ref().map(|speaker| speaker.next_deadline());
            let Some(next) = [flight, timers[0], timers[1]].into_iter().flatten().min().filter(|at| *at <= until)
            else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if flight == Some(next) {
                let (_, (end, wire, cargo)) = self.flights.pop_first().expect("it was there");
                self.arrive(end, wire, cargo);
            } else {
                for end in [0, 1] {
                    self.speakers[end].advance(self.now);
                    self.obey(end, None);
                }
            }
        }
        panic!("too much happens");
    }

    /// From now on nothing arrives, not even what is under way.
    pub fn cut(&mut self) {
        self.flights.clear();
        self.severed = true;
    }

    /// Whether an end is established.
    pub fn is_up(&self, end: End) -> bool {
        self.sockets[end].up.is_some()
    }

    /// Both ends are established over one and the same wire, and have no other.
    pub fn agree(&self) -> bool {
        let [a, b] = &self.sockets;
        a.up.is_some() && a.up == b.up && a.open.len() == 1 && b.open.len() == 1
    }

    pub fn ups(&self) -> [u32; 2] {
        self.sockets.each_ref().map(|sockets| sockets.ups)
    }
}
