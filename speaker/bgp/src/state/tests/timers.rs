//! How long things last.

use super::super::timers::{LASTING, NO_ANSWER};
use super::*;
use crate::packet::{ReceivedUpdate, RefreshKind, RouteRefresh};

/// Shares of a duration that jitter leaves.
fn scattered(actual: Duration, of: Duration) -> bool {
    (of * 3 / 4..=of).contains(&actual)
}

fn fail(session: &mut Session, at: Duration) -> Vec<Action> {
    session.does(Event::ConnectFailed { reason: "connection refused".to_owned() }, at)
}

#[test]
fn pauses_between_attempts_double_up_to_what_is_configured() {
    let mut session = Session::started(PeerConfig { connect_retry: seconds(10), ..config() });
    let mut now = Duration::ZERO;
    assert_eq!(session.letters(), "c");
    fail(&mut session, now);
    assert_eq!(session.state(), State::Connect, "at once");
    for pause in [1, 2, 4, 8, 10, 10] {
        fail(&mut session, now);
        assert_eq!(session.state(), State::Active);
        let (at, actions) = session.wakes();
        assert!(scattered(at - now, seconds(pause)), "{:?} for {pause} s", at - now);
        assert_eq!(actions, [Action::Connect]);
        now = at;
    }
    session.failures = u32::MAX;
    fail(&mut session, now);
    assert!(scattered(session.wakes().0 - now, seconds(10)));
}

#[test]
fn pauses_after_errors_double_up_to_two_minutes() {
    let mut session = Session::started(config());
    let mut now = Duration::ZERO;
    for pause in [0, 1, 2, 4, 8, 16, 32, 64, 120, 120] {
        session.handle(Event::Connected(Outgoing), now);
        session.handle(Event::Received(Outgoing, Message::Notification(cease())), now);
        if pause > 0 {
            assert_eq!(session.state(), State::Idle);
            assert_eq!(session.last_error(), Some(&DownReason::Received(cease())));
            let (at, _) = session.wakes();
            assert!(scattered(at - now, seconds(pause)), "{:?} for {pause} s", at - now);
            now = at;
        }
        assert_eq!(session.state(), State::Connect);
        session.taken();
    }
}

#[test]
fn a_session_that_lasted_begins_anew() {
    let after = |lasted: Duration| {
        let mut session = Session::established(config(), Outgoing, open(9), Duration::ZERO);
        session.failures = 5;
        session.handle(closed(Outgoing), lasted);
        (session.state(), session.failures)
    };
    assert_eq!(after(LASTING), (State::Connect, 1));
    assert_eq!(after(LASTING - Duration::from_millis(1)), (State::Idle, 6));
}

#[test]
fn an_attempt_to_connect_is_given_up_and_made_again() {
    for (configured, patience) in [(1, 5), (7, 7), (120, 10)] {
        let mut session = Session::started(PeerConfig { connect_retry: seconds(configured), ..config() });
        session.taken();
        let (at, actions) = session.wakes();
        assert!(scattered(at, seconds(patience)), "{at:?}");
        let failed = Action::Failed(DownReason::Transport(NO_ANSWER.to_owned()));
        assert_eq!(actions, [Action::AbortConnect, failed, Action::Connect]);
        fail(&mut session, at);
        assert_eq!(session.state(), State::Active, "the second failure in a row");
    }
}

#[test]
fn a_peer_without_an_open_has_four_minutes() {
    let mut session = Session::started(config());
    session.does(Event::Connected(Outgoing), seconds(1));
    assert_eq!(session.next_deadline(), Some(seconds(241)));
    session.advance(seconds(241) - Duration::from_nanos(1));
    assert_eq!(session.taken(), []);
    let (_, actions) = session.wakes();
    let expired = Notification { code: 4, subcode: 0, data: Vec::new() };
    let closed = Action::Close(Outgoing, Closing::Notify(expired.clone()));
    assert_eq!(actions, [closed, Action::Failed(DownReason::Sent(expired)), Action::Connect]);
}

#[test]
fn a_peer_without_a_keepalive_has_the_hold_time() {
    let mut session = Session::started(config());
    session.does(Event::Connected(Outgoing), seconds(1));
    session.hears(
        Outgoing,
        Message::Open(Open { hold_time: HoldTime::from_seconds(9).unwrap(), ..open(9) }),
        seconds(2),
    );
    let mut last = session.wakes();
    while session.state() == State::OpenConfirm {
        assert_eq!(last.1, [Action::SendKeepalive(Outgoing)]);
        last = session.wakes();
    }
    assert_eq!(last.0, seconds(11));
}

/// While the peer's connection may come to something, ours is tried no more often than an attempt takes.
#[test]
fn a_connection_of_the_peer_makes_us_patient() {
    let mut session = Session::started(config());
    session.does(Event::Connected(Incoming), seconds(1));
    fail(&mut session, seconds(1));
    let (at, actions) = session.wakes();
    assert!(scattered(at - seconds(1), seconds(10)), "{at:?}");
    assert_eq!(actions, [Action::Connect]);
}

#[test]
fn the_hold_timer_counts_from_the_last_message() {
    let mut session = Session::established(config(), Outgoing, open(9), seconds(1));
    let refresh = RouteRefresh { family: Family::Ipv4, kind: RefreshKind::Begin };
    let heard = [
        Message::Keepalive,
        Message::Update(ReceivedUpdate::default()),
        Message::OtherRefresh,
        Message::RouteRefresh(refresh),
    ];
    let mut last = seconds(1);
    for message in heard {
        last += seconds(80);
        session.hears(Outgoing, message, last);
    }
    let mut keepalives = 0;
    loop {
        let (at, actions) = session.wakes();
        match &actions[..] {
            [Action::SendKeepalive(Outgoing)] => keepalives += 1,
            [Action::Close(..), Action::Down(DownReason::Sent(notification)), ..] => {
                assert_eq!((at, notification.code), (last + seconds(90), 4));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((3..=5).contains(&keepalives), "{keepalives} in 90 s");
}

#[test]
fn keepalives_are_scattered_and_a_second_apart() {
    let intervals = |hold, count: usize| {
        let hold_time = HoldTime::from_seconds(hold).unwrap();
        let mut session = Session::established(PeerConfig { hold_time, ..config() }, Outgoing, open(9), seconds(1));
        let mut last = session.wakes().0;
        let mut intervals = Vec::new();
        for _ in 0..count {
            session.hears(Outgoing, Message::Keepalive, last);
            let (at, actions) = session.wakes();
            assert_eq!(actions, [Action::SendKeepalive(Outgoing)]);
            intervals.push(at - last);
            last = at;
        }
        intervals
    };
    let usual = intervals(90, 100);
    assert!(usual.iter().all(|interval| scattered(*interval, seconds(30))));
    assert!(usual.iter().min() < usual.iter().max());
    assert!(intervals(3, 20).iter().all(|interval| *interval == seconds(1)));
}

#[test]
fn without_hold_time_there_is_nothing_to_wait_for_but_the_first_keepalive() {
    let mut session = Session::started(PeerConfig { hold_time: HoldTime::NONE, ..config() });
    session.does(Event::Connected(Outgoing), seconds(1));
    assert_eq!(session.hears(Outgoing, Message::Open(open(9)), seconds(2)), [Action::SendKeepalive(Outgoing)]);
    assert_eq!(session.next_deadline(), Some(seconds(242)), "a peer that says no more");
    session.hears(Outgoing, Message::Keepalive, seconds(3));
    assert_eq!((session.state(), session.next_deadline()), (State::Established, None));
    assert_eq!(session.send_hold_time(), None);
}

/// RFC 9687.
#[test]
fn the_send_hold_time_is_twice_the_hold_time_or_eight_minutes() {
    let agreed = |hold| {
        let hold_time = HoldTime::from_seconds(hold).unwrap();
        let theirs = Open { hold_time, ..open(9) };
        Session::established(PeerConfig { hold_time, ..config() }, Outgoing, theirs, seconds(1)).send_hold_time()
    };
    assert_eq!(agreed(90), Some(seconds(480)));
    assert_eq!(agreed(600), Some(seconds(1200)));
    let mut session = Session::established(config(), Outgoing, open(9), seconds(1));
    let unsent = DownReason::Unsent(Notification { code: 8, subcode: 0, data: Vec::new() });
    let actions = session.does(Event::SendStalled(Outgoing), seconds(500));
    assert_eq!(actions[..2], [Action::Close(Outgoing, Closing::Silently), Action::Down(unsent.clone())]);
    assert_eq!(session.last_error(), Some(&unsent));
    assert_eq!(session.counters().notifications_sent, 0);
}

#[test]
fn an_accepted_connection_waits_for_the_peers_open() {
    let delayed = PeerConfig { passive: true, delay_open: Some(seconds(20)), ..config() };
    let mut session = Session::started(delayed);
    assert_eq!(session.does(Event::Connected(Incoming), seconds(1)), []);
    assert_eq!(session.state(), State::Active);
    let mut other = session.clone();
    let actions = session.hears(Incoming, Message::Open(open(9)), seconds(2));
    assert!(matches!(actions[..], [Action::SendOpen(..), Action::SendKeepalive(Incoming)]), "{actions:?}");
    let (at, actions) = other.wakes();
    assert!(scattered(at - seconds(1), seconds(20)));
    assert!(matches!(actions[..], [Action::SendOpen(Incoming, _)]), "{actions:?}");
    assert_eq!(other.state(), State::OpenSent);
}

#[test]
fn time_that_goes_back_stands_still() {
    let mut session = Session::established(config(), Outgoing, open(9), seconds(1000));
    session.hears(Outgoing, Message::Keepalive, seconds(10));
    assert_eq!(session.established_since(), Some(seconds(1000)));
    session.advance(seconds(1089));
    assert_eq!(session.state(), State::Established);
    session.advance(seconds(1090));
    assert_ne!(session.state(), State::Established);
    // And no time is too late.
    session.advance(Duration::MAX);
    session.advance(Duration::MAX);
    session.handle(Event::Start, Duration::MAX);
}
