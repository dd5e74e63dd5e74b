//! What the tests of the state machine share: a peer, in words.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::session::Mode;
use super::*;
use crate::packet::{Capability, Message, Notification, Open};
use crate::value::{Asn, Family, HoldTime, RouterId};

mod collision;
mod life;
mod opening;
mod restart;
mod table;
mod timers;
mod validate;

use Connection::{Incoming, Outgoing};

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn asn(number: u32) -> Asn {
    Asn::new(number).expect("not 0")
}

pub(super) fn router_id(last: u8) -> RouterId {
    RouterId::new(Ipv4Addr::new(10, 0, 0, last)).expect("not 0")
}

/// We are 10.0.0.5 in AS 64512, the peer is to be in AS 64513.
pub(super) fn config() -> PeerConfig {
    PeerConfig {
        local_asn: asn(64512),
        shown_asn: None,
        remote: RemoteAs::Exactly(asn(64513)),
        router_id: router_id(5),
        hold_time: HoldTime::DEFAULT,
        keepalive: None,
        connect_retry: seconds(120),
        families: Family::ALL.into(),
        extended_next_hop: false,
        graceful_restart: None,
        passive: false,
        delay_open: None,
        host_name: None,
        seed: 1,
    }
}

/// The peer's OPEN: 10.0.0.`last` in AS 64513.
pub(super) fn open(last: u8) -> Open {
    let capabilities = vec![
        Capability::Multiprotocol { afi: 1, safi: 1 },
        Capability::Multiprotocol { afi: 2, safi: 1 },
        Capability::FourOctetAsn(asn(64513)),
    ];
    Open { two_octet_asn: 64513, hold_time: HoldTime::DEFAULT, router_id: router_id(last), capabilities }
}

/// Cease: Administrative Shutdown.
pub(super) fn cease() -> Notification {
    Notification { code: 6, subcode: 2, data: vec![3, b'b', b'y', b'e'] }
}

pub(super) fn closed(connection: Connection) -> Event {
    Event::Closed { connection, reason: "connection reset".to_owned() }
}

/// What a test does with a session.
impl Session {
    pub(super) fn started(config: PeerConfig) -> Self {
        let mut session = Self::new(config).expect("families");
        session.handle(Event::Start, Duration::ZERO);
        session
    }

    /// The letters of all actions waiting (see the module's table).
    pub(super) fn letters(&mut self) -> String {
        let letter = |action| match action {
            Action::Connect => 'c',
            Action::AbortConnect => 'a',
            Action::SendOpen(..) => 'o',
            Action::SendKeepalive(_) => 'k',
            Action::Close(_, Closing::Notify(_)) => 'n',
            Action::Close(_, Closing::Silently) => 'x',
            Action::Refuse(Closing::Silently) => 'r',
            Action::Refuse(Closing::Notify(_)) => 'R',
            Action::Up(..) => 'u',
            Action::Refresh(_) => 'q',
            Action::Down(_) => 'd',
            Action::Failed(_) => 'f',
        };
        std::iter::from_fn(|| self.take_action()).map(letter).collect()
    }

    pub(super) fn taken(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.take_action()).collect()
    }

    /// Handles an event and gives what follows.
    pub(super) fn does(&mut self, event: Event, now: Duration) -> Vec<Action> {
        self.handle(event, now);
        self.taken()
    }

    /// Lets time pass until the next deadline, which it gives, with what follows.
    pub(super) fn wakes(&mut self) -> (Duration, Vec<Action>) {
        let at = self.next_deadline().expect("a deadline");
        self.advance(at);
        (at, self.taken())
    }

    pub(super) fn hears(&mut self, connection: Connection, message: Message, now: Duration) -> Vec<Action> {
        self.does(Event::Received(connection, message), now)
    }

    /// Brings a new session to Established over a connection.
    pub(super) fn established(config: PeerConfig, connection: Connection, open: Open, now: Duration) -> Self {
        let mut session = Self::started(config);
        session.handle(Event::Connected(connection), now);
        session.handle(Event::Received(connection, Message::Open(open)), now);
        session.handle(Event::Received(connection, Message::Keepalive), now);
        session.taken();
        assert_eq!(session.state(), State::Established);
        session
    }
}
