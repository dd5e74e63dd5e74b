//! Two sessions and the wires between them, in virtual time: whatever the delays, and though connections keep no order
//! between them, both ends come to be established over the same one connection, and stay so.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use herald_bgp::packet::Message;
use herald_bgp::state::{
    Action, Closing, Connection, Event, GracefulRestartConfig, PeerConfig, RemoteAs, Session, State,
};
use herald_bgp::{Asn, Family, HoldTime, RouterId};
use proptest::prelude::*;

/// One of the two ends.
type End = usize;
/// Number of a TCP connection, never used again.
type Wire = u32;

fn asn(number: u32) -> Asn {
    Asn::new(number).expect("not 0")
}

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

struct World {
    now: Duration,
    sessions: [Session; 2],
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
}

impl World {
    fn new(configs: [PeerConfig; 2], listens: [bool; 2], delays: Vec<u16>) -> Self {
        Self {
            now: Duration::ZERO,
            sessions: configs.map(|config| Session::new(config).expect("families")),
            sockets: Default::default(),
            listens,
            flights: BTreeMap::new(),
            sent: 0,
            arrivals: BTreeMap::new(),
            wires: 0,
            delays,
            gone: BTreeSet::new(),
        }
    }

    fn send(&mut self, to: End, wire: Wire, cargo: Cargo) {
        self.sent += 1;
        let draw = usize::try_from(self.sent).unwrap() % self.delays.len();
        let last = self.arrivals.get(&(wire, to)).copied().unwrap_or_default();
        let at = last.max(self.now + Duration::from_millis(u64::from(self.delays[draw])));
        self.arrivals.insert((wire, to), at);
        self.flights.insert((at, self.sent), (to, wire, cargo));
    }

    fn handle(&mut self, end: End, event: Event, newcomer: Option<Wire>) {
        self.sessions[end].handle(event, self.now);
        self.obey(end, newcomer);
    }

    /// Does what a session wants done.
    fn obey(&mut self, end: End, mut newcomer: Option<Wire>) {
        while let Some(action) = self.sessions[end].take_action() {
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
    fn run(&mut self, until: Duration) {
        for _ in 0..1_000_000 {
            let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
            let timers = self.sessions.each_ref().map(Session::next_deadline);
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
                    self.sessions[end].advance(self.now);
                    self.obey(end, None);
                }
            }
        }
        panic!("too much happens");
    }

    /// Both ends are established over one and the same wire, and have no other.
    fn agree(&self) -> bool {
        let [a, b] = &self.sockets;
        a.up.is_some() && a.up == b.up && a.open.len() == 1 && b.open.len() == 1
    }

    fn ups(&self) -> [u32; 2] {
        self.sockets.each_ref().map(|sockets| sockets.ups)
    }
}

/// The two ends: `own` is in AS 64512, the other in 64513, or in the same.
fn configs(ids: [u8; 2], internal: bool, restart: bool, seeds: [u64; 2]) -> [PeerConfig; 2] {
    let asns = [asn(64512), asn(if internal { 64512 } else { 64513 })];
    [0, 1].map(|end: End| PeerConfig {
        local_asn: asns[end],
        shown_asn: None,
        remote: RemoteAs::Exactly(asns[1 - end]),
        router_id: RouterId::new(Ipv4Addr::new(10, 0, 0, ids[end])).expect("not 0"),
        hold_time: HoldTime::DEFAULT,
        keepalive: None,
        connect_retry: Duration::from_secs(120),
        families: Family::ALL.into(),
        extended_next_hop: false,
        graceful_restart: restart
            .then_some(GracefulRestartConfig { restart_time: Duration::from_secs(30), restarted: false }),
        passive: false,
        delay_open: None,
        host_name: None,
        seed: seeds[end],
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_connect_and_one_connection_is_left(
        delays in prop::collection::vec(1_u16..2_000, 1..60),
        ids in prop_oneof![Just([1, 2]), Just([2, 1]), Just([3, 3])],
        start in 0_u64..3_000,
        restart: bool,
        delay_open in [prop::option::of(0_u64..8), prop::option::of(0_u64..8)],
        seeds: [u64; 2],
    ) {
        let mut configs = configs(ids, false, restart, seeds);
        for (config, delay) in configs.iter_mut().zip(delay_open) {
            config.delay_open = delay.map(Duration::from_secs);
        }
        let mut world = World::new(configs, [true, true], delays);
        world.handle(0, Event::Start, None);
        world.run(Duration::from_millis(start));
        world.handle(1, Event::Start, None);
        world.run(Duration::from_secs(60));
        prop_assert!(world.agree(), "{:?}", world.sessions);
        let ups = world.ups();
        // The lower end may be established on the wrong one for a moment; nobody else ever is.
        prop_assert!(ups.iter().all(|ups| *ups <= 2), "{:?}", ups);
        let higher = usize::from(ids[0] <= ids[1]);
        prop_assert_eq!(ups[higher], 1);
        world.run(Duration::from_secs(3_600));
        prop_assert!(world.agree() && world.ups() == ups, "it stays");
    }

    #[test]
    fn one_connects_and_the_other_listens(
        delays in prop::collection::vec(1_u16..2_000, 1..20),
        passive: bool,
        starts in [0_u64..200_000, 0_u64..200_000],
        seeds: [u64; 2],
    ) {
        let mut configs = configs([1, 2], true, false, seeds);
        configs[1].passive = passive;
        let mut world = World::new(configs, [false, true], delays);
        let first = usize::from(starts[1] < starts[0]);
        for end in [first, 1 - first] {
            world.run(Duration::from_millis(starts[end]));
            world.handle(end, Event::Start, None);
        }
        // An attempt every 120 s at worst, and what it takes.
        world.run(Duration::from_millis(starts[1 - first]) + Duration::from_secs(140));
        prop_assert!(world.agree(), "{:?}", world.sessions);
    }

    #[test]
    fn a_session_that_is_reset_comes_back(
        delays in prop::collection::vec(1_u16..500, 1..60),
        resets in prop::collection::vec((any::<bool>(), 0_u64..100_000), 1..12),
        restart: bool,
        seeds: [u64; 2],
    ) {
        let mut world = World::new(configs([1, 2], false, restart, seeds), [true, true], delays);
        world.handle(0, Event::Start, None);
        world.handle(1, Event::Start, None);
        for (end, after) in resets {
            let end = usize::from(end);
            let until = world.now + Duration::from_millis(after);
            world.run(until);
            world.handle(end, Event::Stop(None), None);
            world.handle(end, Event::Start, None);
        }
        let until = world.now + Duration::from_secs(300);
        world.run(until);
        prop_assert!(world.agree(), "{:?}", world.sessions);
    }
}

#[test]
fn a_silent_wire_is_noticed_by_both_after_the_hold_time() {
    let mut world = World::new(configs([1, 2], false, false, [1, 2]), [true, true], vec![10]);
    world.handle(0, Event::Start, None);
    world.handle(1, Event::Start, None);
    world.run(Duration::from_secs(100));
    assert!(world.agree());
    // All that is sent takes for ever.
    world.delays = vec![u16::MAX; 3];
    world.flights.clear();
    let cut = world.now;
    world.run(cut + Duration::from_secs(59));
    assert!(world.sessions.iter().all(|session| session.state() == State::Established), "heard less than 30 s before");
    for wire in 0..100 {
        for end in [0, 1] {
            world.arrivals.insert((wire, end), Duration::from_secs(1_000_000));
        }
    }
    world.flights.clear();
    world.run(cut + Duration::from_secs(91));
    assert!(world.sockets.iter().all(|sockets| sockets.up.is_none()));
}
