//! A shell that does nothing but watch: it keeps the books of connections and holds each action against them. Steps are
//! read from bytes, so that a fuzzer can write them.

mod choices;

use std::collections::BTreeSet;
use std::time::Duration;

use herald_bgp::packet::{Message, Notification, ReceivedUpdate, RefreshKind, RouteRefresh};
use herald_bgp::state::{Action, Closing, Connection, DownReason, Event, PeerConfig, Session, State};
use herald_bgp::{Family, HoldTime};

pub use choices::{config, open};

use Connection::{Incoming, Outgoing};

/// More than these never follow from one event.
const MOST_ACTIONS: usize = 8;
/// Longest time without a session next to a healthy peer: a connection that says nothing (4 min), then the longest
/// pauses (120 s, and as much as is configured).
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// What stands, as the shell knows it.
#[derive(Default)]
struct Books {
    dialing: bool,
    /// Connections that stand, and whether our OPEN was sent.
    open: [Option<bool>; 2],
    /// Whether the peer's OPEN has come on the last connection of each kind.
    heard: [bool; 2],
    up: Option<Connection>,
    families: BTreeSet<Family>,
}

fn index(connection: Connection) -> usize {
    usize::from(connection == Incoming)
}

/// A session under observation.
pub struct Observed {
    pub session: Session,
    pub now: Duration,
    books: Books,
    passive: bool,
    /// How often the session asked to connect.
    pub connects: u64,
    /// How often one call took a session down and another up: a collision on the lower end.
    pub swaps: u64,
    /// How often the peer's restart was seen.
    pub replaced: u64,
}

impl Observed {
    pub fn new(config: PeerConfig) -> Self {
        let passive = config.passive;
        let session = Session::new(config).expect("families");
        Self {
            session,
            now: Duration::from_secs(1000),
            books: Books::default(),
            passive,
            connects: 0,
            swaps: 0,
            replaced: 0,
        }
    }

    /// One step: `what` happens, `detail` says how.
    pub fn step(&mut self, what: u8, detail: u8) {
        let connection = if detail & 1 == 0 { Outgoing } else { Incoming };
        let family = if detail & 2 == 0 { Family::Ipv4 } else { Family::Ipv6 };
        let kinds = [RefreshKind::Request, RefreshKind::Begin, RefreshKind::End];
        let refresh = RouteRefresh { family, kind: kinds[usize::from(detail >> 2) % 3] };
        let notification = Notification { code: detail >> 4, subcode: detail & 0xf, data: vec![detail; 3] };
        let reason = String::new;
        let event = match what % 32 {
            0 => Event::Start,
            1 => Event::Stop((detail & 1 == 0).then_some(notification)),
            2..=4 if !self.books.dialing => Event::Start,
            2..=5 => Event::Connected(Outgoing),
            6..=9 => Event::Connected(Incoming),
            10 => Event::ConnectFailed { reason: reason() },
            11 => Event::Closed { connection, reason: reason() },
            12..=21 => Event::Received(connection, self.next_right(connection, detail)),
            22 => Event::Received(connection, Message::Open(open(detail >> 1))),
            23 => Event::Received(connection, Message::Keepalive),
            24 => Event::Received(connection, Message::Update(ReceivedUpdate::default())),
            25 => Event::Received(connection, Message::RouteRefresh(refresh)),
            26 if detail & 2 == 0 => Event::Received(connection, Message::OtherRefresh),
            26 => Event::Received(connection, Message::Notification(notification)),
            27 if detail & 6 == 0 => Event::Invalid(connection, notification),
            27 if detail & 6 == 2 => Event::SendStalled(connection),
            27 => Event::PeerDown { reason: reason() },
            28 => return self.wait(Duration::from_millis(u64::from(detail))),
            29 | 30 => return self.wait(Duration::from_secs(u64::from(detail))),
            // A clock that goes back, or a jump over all deadlines.
            _ if detail & 1 == 0 => {
                let back = self.now.saturating_sub(Duration::from_secs(u64::from(detail)));
                self.session.advance(back);
                return self.check(None);
            }
            _ => {
                self.now += Duration::from_secs(100 * u64::from(detail));
                self.session.advance(self.now);
                return self.check(None);
            }
        };
        self.happens(event);
    }

    /// What a peer says that knows how to: its OPEN, and KEEPALIVEs after it.
    fn next_right(&mut self, connection: Connection, detail: u8) -> Message {
        if std::mem::replace(&mut self.books.heard[index(connection)], true) {
            Message::Keepalive
        } else {
            Message::Open(open(detail >> 1 & 0x3e))
        }
    }

    pub fn happens(&mut self, event: Event) {
        let mut newcomer = false;
        if let Event::Connected(connection) = event {
            self.books.heard[index(connection)] = false;
        }
        match &event {
            Event::Connected(Outgoing) => {
                self.books.dialing = false;
                self.books.open[0].get_or_insert(false);
            }
            Event::Connected(Incoming) => newcomer = true,
            Event::ConnectFailed { .. } => self.books.dialing = false,
            Event::Closed { connection, .. } => self.books.open[index(*connection)] = None,
            _ => {}
        }
        self.session.handle(event, self.now);
        self.check(Some(newcomer));
    }

    /// Time goes on, and no deadline is missed.
    pub fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        for _ in 0..10_000 {
            let Some(next) = self.session.next_deadline().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            self.session.advance(self.now);
            self.check(None);
            assert!(self.session.next_deadline().is_none_or(|later| later > self.now), "a deadline that does not pass");
        }
        panic!("too many deadlines");
    }

    /// Takes all actions and holds them against the books.
    fn check(&mut self, newcomer: Option<bool>) {
        let mut newcomer = newcomer.unwrap_or(false);
        let mut count = 0;
        let mut went_down = false;
        while let Some(action) = self.session.take_action() {
            count += 1;
            let books = &mut self.books;
            match action {
                Action::Connect => {
                    assert!(!self.passive && !books.dialing && books.open[0].is_none(), "connects twice");
                    books.dialing = true;
                    self.connects += 1;
                }
                Action::AbortConnect => assert!(std::mem::take(&mut books.dialing), "nothing to abort"),
                Action::SendOpen(connection, _) => {
                    if connection == Incoming && newcomer {
                        newcomer = false;
                        assert_eq!(books.open[1].replace(false), None, "the older one was not closed");
                    }
                    let said = books.open[index(connection)].as_mut().expect("OPEN on no connection");
                    assert!(!std::mem::replace(said, true), "OPEN twice");
                }
                Action::SendKeepalive(connection) => {
                    assert_eq!(books.open[index(connection)], Some(true), "KEEPALIVE on no connection, or before OPEN");
                }
                Action::Close(connection, _) => {
                    assert!(books.open[index(connection)].take().is_some(), "closes no connection");
                }
                Action::Refuse(closing) => {
                    assert!(std::mem::take(&mut newcomer), "refuses nobody");
                    assert!(books.up.is_some() || closing == Closing::Silently);
                }
                Action::Up(connection, negotiated) => {
                    assert_eq!(books.open[index(connection)], Some(true), "up on no connection");
                    assert_eq!(books.up.replace(connection), None, "up twice");
                    assert!(!negotiated.families.is_empty());
                    books.families = negotiated.families;
                    self.swaps += u64::from(went_down);
                }
                Action::Refresh(family) => assert!(books.up.is_some() && books.families.contains(&family)),
                Action::Down(reason) => {
                    assert!(books.up.take().is_some(), "down twice");
                    went_down = true;
                    self.replaced += u64::from(reason == DownReason::Replaced);
                }
                Action::Failed(_) => assert!(books.up.is_none()),
            }
        }
        assert!(count <= MOST_ACTIONS, "{count} actions at once");
        if newcomer {
            assert_eq!(self.books.open[1].replace(false), None, "the older one was not closed");
        }
        let up = self.books.up;
        assert!(up.is_none_or(|connection| self.books.open[index(connection)].is_some()), "established on nothing");
        assert_eq!(self.session.state() == State::Established, up.is_some());
        assert_eq!(self.session.negotiated().is_some(), up.is_some());
        assert_eq!(self.session.established_since().is_some(), up.is_some());
        let counters = self.session.counters();
        assert_eq!(counters.established - counters.lost, u64::from(up.is_some()));
        assert_eq!(counters.unserved, 0);
        self.never_stuck();
    }

    /// Something is due, unless it is for others to act: nobody wants a session, only the peer may connect, or an
    /// established session has no hold time.
    fn never_stuck(&self) {
        let forever = match self.session.state() {
            State::Idle => self.books.open == [None, None] && !self.books.dialing,
            State::Active => self.passive && self.books.open == [None, None],
            State::Established => self.session.negotiated().is_some_and(|agreed| agreed.hold_time == HoldTime::NONE),
            State::Connect | State::OpenSent | State::OpenConfirm => false,
        };
        assert!(forever || self.session.next_deadline().is_some(), "stuck in {}", self.session.state());
    }

    /// From here on new connections come up and their peer does all right; old ones say nothing any more.
    pub fn meets_a_healthy_peer(&mut self) {
        self.happens(Event::Start);
        let until = self.now + LONGEST_WAIT;
        while self.books.up.is_none() {
            assert!(self.now < until, "no session with a healthy peer: {:?}", self.session);
            if self.books.dialing {
                self.happens(Event::Connected(Outgoing));
                self.say_all_right(Outgoing);
            } else if self.passive {
                let before = self.session.counters().refused;
                self.happens(Event::Connected(Incoming));
                if self.session.counters().refused == before {
                    self.say_all_right(Incoming);
                }
            }
            if self.books.up.is_none() {
                self.wait(Duration::from_secs(1));
            }
        }
    }

    fn say_all_right(&mut self, connection: Connection) {
        for message in [Message::Open(open(0)), Message::Keepalive] {
            if self.books.open[index(connection)].is_some() {
                self.happens(Event::Received(connection, message));
            }
        }
    }
}
