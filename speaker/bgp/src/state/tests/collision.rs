//! Two connections at once. We are 10.0.0.5; the peer is 10.0.0.9, or below us 10.0.0.1.

use super::*;

const AT: Duration = Duration::from_secs(2);

fn collision() -> Notification {
    Notification { code: 6, subcode: 7, data: Vec::new() }
}

fn close(connection: Connection) -> Action {
    Action::Close(connection, Closing::Notify(collision()))
}

/// Both connections in OpenSent.
fn both(config: PeerConfig) -> Session {
    let mut session = Session::started(config);
    session.handle(Event::Connected(Outgoing), AT);
    session.handle(Event::Connected(Incoming), AT);
    assert_eq!(session.letters(), "coo");
    session
}

fn keepalive(connection: Connection) -> Action {
    Action::SendKeepalive(connection)
}

#[test]
fn the_higher_end_keeps_its_own_connection() {
    for first in Connection::ALL {
        let mut session = both(config());
        assert_eq!(session.hears(first, Message::Open(open(1)), AT), [keepalive(first)], "no collision yet");
        let actions = session.hears(first.other(), Message::Open(open(1)), AT);
        match first {
            Outgoing => assert_eq!(actions, [close(Incoming)]),
            Incoming => assert_eq!(actions, [close(Incoming), keepalive(Outgoing)]),
        }
        let up = session.hears(Outgoing, Message::Keepalive, AT);
        assert!(matches!(up[..], [Action::Up(Outgoing, _)]), "{up:?}");
        assert_eq!(session.counters().collisions, 1);
    }
}

#[test]
fn the_higher_end_keeps_what_is_established() {
    for first in Connection::ALL {
        let mut session = both(config());
        session.hears(first, Message::Open(open(1)), AT);
        let actions = session.hears(first, Message::Keepalive, AT);
        assert_eq!(actions[0], close(first.other()));
        assert!(matches!(actions[1..], [Action::Up(..)]), "{actions:?}");
    }
}

#[test]
fn the_lower_end_leaves_it_to_the_peer() {
    for first in Connection::ALL {
        let mut session = both(config());
        assert_eq!(session.hears(first, Message::Open(open(9)), AT), [keepalive(first)]);
        assert_eq!(session.hears(first.other(), Message::Open(open(9)), AT), [keepalive(first.other())]);
        let mut other = session.clone();
        assert_eq!(session.does(closed(Outgoing), AT), []);
        let up = session.hears(Incoming, Message::Keepalive, AT);
        assert!(matches!(up[..], [Action::Up(Incoming, _)]), "{up:?}");
        let notification = Message::Notification(collision());
        assert_eq!(other.hears(Incoming, notification, AT), [Action::Close(Incoming, Closing::Silently)]);
        let up = other.hears(Outgoing, Message::Keepalive, AT);
        assert!(matches!(up[..], [Action::Up(Outgoing, _)]), "{up:?}");
    }
}

/// The peer had not seen our second OPEN when it said KEEPALIVE on the first connection.
#[test]
fn the_lower_end_follows_a_change_of_mind() {
    let mut session = both(config());
    session.hears(Outgoing, Message::Open(open(9)), AT);
    let up = session.hears(Outgoing, Message::Keepalive, AT);
    assert!(matches!(up[..], [Action::Up(Outgoing, _)]), "the other one stays: {up:?}");
    session.hears(Incoming, Message::Open(open(9)), AT);
    assert_eq!(session.state(), State::Established);
    let actions = session.hears(Incoming, Message::Keepalive, AT);
    assert_eq!(actions[..2], [close(Outgoing), Action::Down(DownReason::Sent(collision()))]);
    assert!(matches!(actions[2..], [Action::Up(Incoming, _)]), "{actions:?}");
}

/// A connection that the peer never says anything on costs nothing but itself.
#[test]
fn a_silent_second_connection_ends_by_itself() {
    let mut session = both(PeerConfig { hold_time: HoldTime::NONE, ..config() });
    session.hears(Outgoing, Message::Open(open(9)), AT);
    session.hears(Outgoing, Message::Keepalive, AT);
    let (at, actions) = session.wakes();
    assert_eq!(at, AT + seconds(240));
    let expired = Notification { code: 4, subcode: 0, data: Vec::new() };
    assert_eq!(actions, [Action::Close(Incoming, Closing::Notify(expired))]);
    assert_eq!((session.state(), session.next_deadline()), (State::Established, None));
}

/// RFC 6286 §2.3.
#[test]
fn with_equal_identifiers_the_higher_as_decides() {
    // Ours is 64512, the peer's 64513: it decides.
    let mut session = both(config());
    session.hears(Outgoing, Message::Open(open(5)), AT);
    assert_eq!(session.hears(Incoming, Message::Open(open(5)), AT), [keepalive(Incoming)]);
    let mut session = both(PeerConfig { shown_asn: Some(asn(65000)), ..config() });
    session.hears(Outgoing, Message::Open(open(5)), AT);
    assert_eq!(session.hears(Incoming, Message::Open(open(5)), AT), [close(Incoming)]);
}

#[test]
fn connecting_ends_when_the_peers_connection_gets_somewhere() {
    let mut session = Session::started(config());
    session.handle(Event::Connected(Incoming), AT);
    assert_eq!(session.letters(), "co", "both go on");
    assert_eq!(session.hears(Incoming, Message::Open(open(1)), AT), [keepalive(Incoming), Action::AbortConnect]);
}

#[test]
fn a_newer_connection_of_the_peer_replaces_one_that_got_nowhere() {
    let mut session = Session::started(PeerConfig { passive: true, ..config() });
    for heard in [None, Some(Message::Open(open(9)))] {
        session.handle(Event::Connected(Incoming), AT);
        if let Some(message) = heard {
            session.hears(Incoming, message, AT);
        }
        session.taken();
        let actions = session.does(Event::Connected(Incoming), AT);
        assert_eq!(actions[0], Action::Close(Incoming, Closing::Silently));
        assert!(matches!(actions[1..], [Action::SendOpen(Incoming, _)]), "{actions:?}");
    }
}

#[test]
fn an_established_session_takes_no_second_connection() {
    for connection in Connection::ALL {
        let mut session = Session::established(config(), connection, open(9), AT);
        let refused = Action::Refuse(Closing::Notify(collision()));
        assert_eq!(session.does(Event::Connected(Incoming), seconds(1000)), [refused]);
        assert_eq!(session.state(), State::Established);
    }
}

#[test]
fn what_is_wrong_with_one_connection_is_nothing_to_the_other() {
    let mut session = both(config());
    session.hears(Outgoing, Message::Open(open(9)), AT);
    let wrong = Open { two_octet_asn: 64999, ..open(9) };
    let actions = session.hears(Incoming, Message::Open(wrong), AT);
    assert!(matches!(actions[..], [Action::Close(Incoming, Closing::Notify(_))]), "{actions:?}");
    assert_eq!((session.state(), session.last_error()), (State::OpenConfirm, None));
}
