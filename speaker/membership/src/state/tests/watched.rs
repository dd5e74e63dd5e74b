//! The fast watch under attack: heartbeats that are recorded or forged.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::watch::MOST_PAIRS;
use super::{UID, acquainted, address, drain, keys, ms};
use crate::forge::Forgery;
use crate::output::{DownReason, Output};
use crate::state::Membership;

const BEAT: u8 = 4;

/// `b` watches `a`, and every datagram that went from `a` to `b` until `end`.
fn watched(from: Duration, end: Duration) -> (Membership, Vec<Vec<u8>>) {
    let (mut a, mut b, _) = acquainted(from - ms(500));
    let mut now = from;
    b.watch(["a"], now);
    let mut recorded = Vec::new();
    while now < end {
        now += ms(1);
        for (_, datagram) in drain(&mut b).0.into_iter().filter(|(to, _)| *to == address(1)) {
            let _ = a.receive(address(2), &datagram, now);
        }
        for (_, datagram) in drain(&mut a).0.into_iter().filter(|(to, _)| *to == address(2)) {
            recorded.push(datagram.clone());
            let _ = b.receive(address(1), &datagram, now);
        }
        a.handle_deadline(now);
        b.handle_deadline(now);
    }
    (b, recorded)
}

/// Runs `b` alone, with what somebody throws at it each millisecond.
fn run(
    b: &mut Membership,
    from: Duration,
    end: Duration,
    mut each: impl FnMut(&mut Membership, Duration),
) -> Vec<Output> {
    let (mut now, mut news) = (from, Vec::new());
    while now < end {
        now += ms(1);
        each(b, now);
        b.handle_deadline(now);
        news.extend(drain(b).1);
    }
    news
}

#[test]
fn a_recording_of_heartbeats_keeps_nobody_alive() {
    let silent = ms(7_000);
    let (mut b, recorded) = watched(ms(6_000), silent);
    assert!(recorded.len() > 20);
    let source: SocketAddr = address(1);
    let news = run(&mut b, silent, silent + ms(180), |b, now| {
        for datagram in &recorded {
            assert!(b.receive(source, datagram, now).is_err());
        }
    });
    assert!(news.contains(&Output::Quiet { node: "a".into() }), "{news:?}");
    assert!(b.confirm_quiet("a", silent + ms(181)));
    let news = drain(&mut b).1;
    assert!(matches!(news.as_slice(), [Output::MemberDown { reason: DownReason::Quiet, .. }]), "{news:?}");
    assert!(!b.confirm_quiet("a", silent + ms(182)), "once is enough");
    assert!(b.member("a").is_none());
}

#[test]
fn a_verdict_that_nobody_asked_for_changes_nothing() {
    let (mut b, _) = watched(ms(6_000), ms(7_000));
    for node in ["a", "b", "c", "nobody", ""] {
        assert!(!b.confirm_quiet(node, ms(7_000)));
        b.deny_quiet(node, ms(7_000));
    }
    assert!(b.member("a").is_some());
    assert_eq!(drain(&mut b).1, []);
}

/// Members that lie may ask for heartbeats by the thousand.
#[test]
fn watchers_are_bounded_and_so_is_what_is_sent_to_them() {
    let now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    let ask = |b: &mut Membership, from: &str, counter: u64, now: Duration| {
        let (from_rank, to_rank) = (u64::MAX / 4, b.foca.identity().rank);
        let forgery = Forgery { from, boot: 7, counter, from_rank, to: "b", to_rank, sections: &[(BEAT, &[0])] };
        let _ = b.receive(address(9), &forgery.seal(&keys(), UID), now);
    };
    for counter in 1..=50 {
        for i in 0..30 {
            ask(&mut b, &format!("sender-{i}"), counter, now);
        }
    }
    drain(&mut b);
    assert!(b.counters().watchers_refused > 0);
    let mut sent = 0;
    let mut at = now;
    while at < now + ms(1_000) {
        at += ms(1);
        b.handle_deadline(at);
        sent += drain(&mut b).0.len();
    }
    assert!(sent < MOST_PAIRS * 20 + 200, "{sent} datagrams");
    // The lease is over for those who stopped asking.
    at += ms(2_000);
    b.handle_deadline(at);
    drain(&mut b);
    let before = b.counters().sent;
    b.handle_deadline(at + ms(10));
    assert!(b.counters().sent <= before + 20);
}
