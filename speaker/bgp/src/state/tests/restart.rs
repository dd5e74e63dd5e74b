//! Graceful restart: ours, and the peer's.

use super::*;
use crate::packet::GracefulRestart;

/// What an OPEN says: R, and F of the first family.
fn flags(actions: &[Action]) -> Option<(bool, bool)> {
    actions.iter().find_map(|action| match action {
        Action::SendOpen(_, open) => open.capabilities.iter().find_map(|capability| match capability {
            Capability::GracefulRestart(restart) => Some((restart.restarting, restart.families[0].2)),
            _ => None,
        }),
        _ => None,
    })
}

fn restarting(restarted: bool) -> PeerConfig {
    let graceful_restart = Some(GracefulRestartConfig { restart_time: seconds(30), restarted });
    PeerConfig { graceful_restart, ..config() }
}

/// The OPEN of a peer with graceful restart.
fn keeps(notification: bool, families: &[(u16, u8, bool)]) -> Open {
    let restart = GracefulRestart { notification, families: families.to_vec(), ..GracefulRestart::default() };
    let mut open = open(9);
    open.capabilities.push(Capability::GracefulRestart(restart));
    open
}

#[test]
fn a_restart_is_told_until_a_session_is_established() {
    let mut session = Session::started(restarting(true));
    assert_eq!(flags(&session.does(Event::Connected(Outgoing), Duration::ZERO)), Some((true, true)));
    // An attempt that comes to nothing.
    let again = session.does(closed(Outgoing), seconds(1));
    assert!(again.contains(&Action::Connect), "{again:?}");
    assert_eq!(flags(&session.does(Event::Connected(Outgoing), seconds(1))), Some((true, true)));
    session.hears(Outgoing, Message::Open(open(9)), seconds(1));
    session.hears(Outgoing, Message::Keepalive, seconds(1));
    session.does(closed(Outgoing), seconds(100));
    let later = session.does(Event::Connected(Outgoing), seconds(100));
    assert_eq!(flags(&later), Some((false, true)), "traffic went on being forwarded");
}

#[test]
fn forwarding_is_claimed_from_the_second_session_on_after_a_cold_start() {
    let mut session = Session::started(restarting(false));
    assert_eq!(flags(&session.does(Event::Connected(Outgoing), Duration::ZERO)), Some((false, false)));
    session.hears(Outgoing, Message::Open(open(9)), seconds(1));
    session.hears(Outgoing, Message::Keepalive, seconds(1));
    session.does(closed(Outgoing), seconds(100));
    assert_eq!(flags(&session.does(Event::Connected(Outgoing), seconds(100))), Some((false, true)));
}

#[test]
fn stopping_for_a_restart_says_nothing() {
    let mut session = Session::established(restarting(false), Outgoing, keeps(true, &[]), seconds(1));
    let actions = session.does(Event::Stop(None), seconds(2));
    assert_eq!(actions, [Action::Close(Outgoing, Closing::Silently), Action::Down(DownReason::Stopped)]);
}

#[test]
fn stopping_for_good_is_a_hard_reset_where_notifications_keep_routes() {
    let stopped = |open: Open| {
        let mut session = Session::established(restarting(false), Outgoing, open, seconds(1));
        let actions = session.does(Event::Stop(Some(cease())), seconds(2));
        assert_eq!(actions[1..], [Action::Down(DownReason::Stopped)]);
        match &actions[0] {
            Action::Close(Outgoing, Closing::Notify(notification)) => notification.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(stopped(open(9)), cease());
    assert_eq!(stopped(keeps(false, &[(1, 1, true)])), cease());
    let hard = Notification { code: 6, subcode: 9, data: vec![6, 2, 3, b'b', b'y', b'e'] };
    assert_eq!(stopped(keeps(true, &[])), hard, "RFC 8538 §3.1");
}

#[test]
fn a_peer_that_connects_anew_has_restarted() {
    let preserving = keeps(true, &[(1, 1, true)]);
    for old in Connection::ALL {
        let mut session = Session::established(restarting(false), old, preserving.clone(), seconds(1));
        let actions = session.does(Event::Connected(Incoming), seconds(50));
        assert_eq!(actions[..2], [Action::Close(old, Closing::Silently), Action::Down(DownReason::Replaced)]);
        assert_eq!(flags(&actions[2..]), Some((false, true)));
        assert_eq!(session.state(), State::OpenSent);
        session.hears(Incoming, Message::Open(open(9)), seconds(50));
        let up = session.hears(Incoming, Message::Keepalive, seconds(50));
        assert!(matches!(up[..], [Action::Up(Incoming, _)]), "{up:?}");
    }
}

#[test]
fn one_that_only_helps_or_that_was_just_met_has_not() {
    let refused = |config, open, at| {
        let mut session = Session::established(config, Outgoing, open, seconds(1));
        let actions = session.does(Event::Connected(Incoming), seconds(at));
        assert_eq!(session.state(), State::Established);
        matches!(&actions[..], [Action::Refuse(Closing::Notify(notification))] if notification.subcode == 7)
    };
    let preserving = keeps(true, &[(1, 1, true)]);
    assert!(refused(restarting(false), keeps(true, &[]), 50));
    assert!(refused(restarting(false), open(9), 50));
    assert!(refused(config(), preserving.clone(), 50), "not agreed on");
    assert!(refused(restarting(false), preserving, 10), "it had begun to connect before");
}
