//! Beginning, ending, and what is told of it.

use super::*;
use crate::packet::{RefreshKind, RouteRefresh};

#[test]
fn a_session_needs_a_family() {
    let none = PeerConfig { families: Default::default(), ..config() };
    assert_eq!(Session::new(none).err(), Some(ConfigError::NoFamily));
}

#[test]
fn from_start_to_routes_and_back() {
    let mut session = Session::new(config()).unwrap();
    assert_eq!((session.state(), session.next_deadline()), (State::Idle, None));
    assert_eq!(session.does(Event::Start, seconds(1)), [Action::Connect]);
    assert_eq!(session.state(), State::Connect);
    let actions = session.does(Event::Connected(Outgoing), seconds(2));
    assert!(matches!(actions[..], [Action::SendOpen(Outgoing, _)]), "{actions:?}");
    assert_eq!(session.state(), State::OpenSent);
    assert_eq!(session.hears(Outgoing, Message::Open(open(9)), seconds(3)), [Action::SendKeepalive(Outgoing)]);
    assert_eq!((session.state(), session.negotiated()), (State::OpenConfirm, None));
    let actions = session.hears(Outgoing, Message::Keepalive, seconds(4));
    assert_eq!(session.state(), State::Established);
    let negotiated = session.negotiated().cloned().unwrap();
    assert_eq!(actions, [Action::Up(Outgoing, Box::new(negotiated.clone()))]);
    assert_eq!((negotiated.peer_asn, negotiated.external), (asn(64513), true));
    assert_eq!((session.established_since(), session.last_error()), (Some(seconds(4)), None));

    let actions = session.does(Event::Stop(Some(cease())), seconds(5));
    let closed = Action::Close(Outgoing, Closing::Notify(cease()));
    assert_eq!(actions, [closed, Action::Down(DownReason::Stopped)]);
    assert_eq!((session.state(), session.next_deadline(), session.negotiated()), (State::Idle, None, None));
    let expected = Counters {
        established: 1,
        lost: 1,
        connects: 1,
        opens_sent: 1,
        opens_received: 1,
        keepalives_sent: 1,
        keepalives_received: 1,
        notifications_sent: 1,
        ..Counters::default()
    };
    assert_eq!(session.counters(), expected);
}

#[test]
fn a_passive_session_waits_for_the_peer_for_ever() {
    let passive = PeerConfig { passive: true, ..config() };
    let mut session = Session::started(passive.clone());
    assert_eq!((session.taken(), session.state(), session.next_deadline()), (Vec::new(), State::Active, None));
    let session = Session::established(passive, Incoming, open(9), seconds(1));
    assert_eq!(session.counters().connects, 0);
}

#[test]
fn a_refresh_is_passed_on_if_it_is_of_a_family_agreed_on() {
    let only4 = Open { capabilities: vec![Capability::Multiprotocol { afi: 1, safi: 1 }], ..open(9) };
    let mut session = Session::established(config(), Outgoing, only4, seconds(1));
    let mut asks = |family, kind| {
        let refresh = Message::RouteRefresh(RouteRefresh { family, kind });
        (session.hears(Outgoing, refresh, seconds(2)), session.counters().refreshes_ignored)
    };
    assert_eq!(asks(Family::Ipv4, RefreshKind::Request), (vec![Action::Refresh(Family::Ipv4)], 0));
    assert_eq!(asks(Family::Ipv6, RefreshKind::Request), (Vec::new(), 1));
    assert_eq!(asks(Family::Ipv4, RefreshKind::Begin), (Vec::new(), 2));
}

#[test]
fn what_is_unexpected_is_answered_with_the_state_it_came_in() {
    let answer = |mut session: Session, message| match &session.hears(Outgoing, message, seconds(3))[..] {
        [Action::Close(Outgoing, Closing::Notify(notification)), ..] => (notification.code, notification.subcode),
        other => panic!("{other:?}"),
    };
    let mut session = Session::started(config());
    session.does(Event::Connected(Outgoing), seconds(1));
    assert_eq!(answer(session.clone(), Message::Keepalive), (5, 1));
    session.hears(Outgoing, Message::Open(open(9)), seconds(2));
    assert_eq!(answer(session.clone(), Message::Update(Default::default())), (5, 2));
    session.hears(Outgoing, Message::Keepalive, seconds(2));
    assert_eq!(answer(session, Message::Open(open(9))), (5, 3));
    let delayed = PeerConfig { passive: true, delay_open: Some(seconds(9)), ..config() };
    let mut session = Session::started(delayed);
    session.does(Event::Connected(Incoming), seconds(1));
    let actions = session.hears(Incoming, Message::Keepalive, seconds(1));
    let expected = Notification { code: 5, subcode: 0, data: Vec::new() };
    assert_eq!(actions[0], Action::Close(Incoming, Closing::Notify(expected)));
}

#[test]
fn a_peer_that_is_gone_is_told_so_and_tried_again() {
    let mut session = Session::established(config(), Outgoing, open(9), seconds(1));
    let actions = session.does(Event::PeerDown { reason: "BFD: no answer".to_owned() }, seconds(100));
    let bfd = Notification { code: 6, subcode: 10, data: Vec::new() };
    let down = Action::Down(DownReason::PeerDown("BFD: no answer".to_owned()));
    assert_eq!(actions, [Action::Close(Outgoing, Closing::Notify(bfd)), down, Action::Connect]);
}

#[test]
fn a_start_ends_the_pause_after_an_error() {
    let mut session = Session::started(config());
    session.failures = 6;
    session.does(Event::Connected(Outgoing), seconds(1));
    session.hears(Outgoing, Message::Notification(cease()), seconds(1));
    assert_eq!(session.state(), State::Idle);
    assert_eq!(session.does(Event::Start, seconds(1)), [Action::Connect]);
    assert_eq!(session.failures, 0);
}

#[test]
fn who_connects_while_there_is_no_session_is_sent_away_without_a_word() {
    let mut session = Session::new(config()).unwrap();
    assert_eq!(session.does(Event::Connected(Incoming), seconds(1)), [Action::Refuse(Closing::Silently)]);
    assert_eq!(session.counters().refused, 1);
}
