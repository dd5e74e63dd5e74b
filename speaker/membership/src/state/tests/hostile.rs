//! From outside: nothing that is not sealed for our present life changes anything.

use proptest::prelude::*;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{UID, acquainted, address, drain, keys, member, ms, picture};
use crate::config::Timing;
use crate::counters::DropReason;
use crate::packet::envelope::{self, Opened};

#[test]
fn what_was_received_once_changes_nothing_again() {
    let now = ms(5_000);
    let (_, mut b, recorded) = acquainted(now);
    let later = now + ms(500);
    let before = picture(&b);
    for datagram in &recorded {
        let result = b.receive(address(1), datagram, later);
        assert!(matches!(result, Err(DropReason::Replayed | DropReason::Outdated)), "{result:?}");
        // An outdated one may be answered, which tells nothing that is secret; it is not believed.
        assert_eq!(drain(&mut b).1, []);
    }
    assert_eq!(picture(&b), before);
    let counted = b.counters().dropped(DropReason::Replayed) + b.counters().dropped(DropReason::Outdated);
    assert!(counted >= recorded.len() as u64);
}

/// `a` is gone, `b` has restarted and remembers nothing. Whoever recorded their talk cannot make `a` alive.
#[test]
fn a_recording_does_not_raise_the_dead_after_a_restart() {
    let now = ms(5_000);
    let (_, _, recorded) = acquainted(now);
    let mut b = member("b", 3_000, now);
    drain(&mut b);
    for datagram in &recorded {
        assert_eq!(b.receive(address(1), datagram, now), Err(DropReason::Outdated));
        assert_eq!(drain(&mut b).1, []);
    }
    assert_eq!(b.members().count(), 0);
}

/// `a` was taken out of the cluster, died, and was forgotten. Whoever recorded its words cannot say them again, neither
/// before the API lists a node of that name again nor after; the node itself can be back.
#[test]
fn a_recording_does_not_raise_who_was_forgotten() {
    let mut now = ms(5_000);
    let (mut a, mut b, recorded) = acquainted(now);
    now += ms(500);
    let c = || ("c".to_owned(), address(3));
    b.set_nodes([c()], now);
    let forgotten = now + Timing::default().forget_after + ms(5_000);
    while now < forgotten {
        now = b.next_deadline().unwrap().max(now);
        b.handle_deadline(now);
        drain(&mut b);
    }
    assert_eq!(b.peers.keys().map(|node| &**node).collect::<Vec<_>>(), ["c"]);
    for listed in [false, true] {
        if listed {
            b.set_nodes([("a".to_owned(), address(1)), c()], now);
        }
        for datagram in &recorded {
            let result = b.receive(address(1), datagram, now);
            assert!(matches!(result, Err(DropReason::Replayed | DropReason::Outdated)), "{result:?}");
            assert_eq!(drain(&mut b).1, []);
        }
        assert_eq!(b.members().count(), 0);
    }
    // It was only cut off, all the time.
    for _ in 0..100 {
        for (_, datagram) in drain(&mut a).0.into_iter().filter(|(to, _)| *to == address(2)) {
            let _ = b.receive(address(1), &datagram, now);
        }
        for (_, datagram) in drain(&mut b).0.into_iter().filter(|(to, _)| *to == address(1)) {
            let _ = a.receive(address(2), &datagram, now);
        }
        now += ms(10);
        a.handle_deadline(now);
        b.handle_deadline(now);
    }
    assert!(a.member("b").is_some() && b.member("a").is_some());
}

#[test]
fn a_datagram_for_another_or_from_ourselves_is_dropped() {
    let now = ms(5_000);
    let (mut a, mut b, recorded) = acquainted(now);
    let mut c = member("c", 1, now);
    let one = recorded.last().unwrap();
    assert_eq!(c.receive(address(1), one, now), Err(DropReason::Misaddressed));
    assert_eq!(a.receive(address(1), one, now), Err(DropReason::Own));
    b.leave(crate::Leave::Stop, now + ms(500));
    b.handle_deadline(now + ms(1_500));
    assert_eq!(b.receive(address(1), one, now + ms(1_500)), Err(DropReason::Left));
    assert_eq!(b.next_deadline(), None);
}

/// Properly sealed, but in a format that we cannot read.
#[test]
fn a_foreign_version_changes_nothing() {
    let now = ms(5_000);
    let (mut a, mut b, _) = acquainted(now);
    a.handle_deadline(now + ms(505));
    a.set_keys(keys(), now + ms(510));
    a.handle_deadline(now + ms(515));
    let before = picture(&b);
    let mut seen = 0;
    for (_, datagram) in drain(&mut a).0.into_iter().filter(|(to, _)| *to == address(2)) {
        let Opened { sender, body, .. } = envelope::open(&datagram, &keys(), UID).unwrap();
        for format in [[2, 2], [9, 9], [0, 0], [0, 1], [255, 255]] {
            let foreign = envelope::seal_as(format, &body, &sender, &keys(), UID, &mut StdRng::seed_from_u64(1));
            assert_eq!(b.receive(address(1), &foreign, now + ms(511)), Err(DropReason::Version));
            assert_eq!(b.poll_output(), None);
            seen += 1;
        }
    }
    assert!(seen > 0);
    assert_eq!(picture(&b), before);
    assert_eq!(b.counters().dropped(DropReason::Version), seen);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn noise_changes_nothing(noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1_500), 1..20)) {
        let now = ms(5_000);
        let (_, mut b, _) = acquainted(now);
        let before = picture(&b);
        for datagram in &noise {
            prop_assert!(b.receive(address(9), datagram, now + ms(500)).is_err());
            prop_assert!(b.poll_output().is_none());
        }
        prop_assert_eq!(picture(&b), before);
    }

    #[test]
    fn a_damaged_datagram_changes_nothing(
        which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0..8u8, cut in any::<prop::sample::Index>(),
    ) {
        let now = ms(5_000);
        let (mut a, mut b, _) = acquainted(now);
        // Fresh ones, that `b` would take.
        a.handle_deadline(now + ms(505));
        a.set_keys(keys(), now + ms(510));
        a.handle_deadline(now + ms(515));
        let fresh: Vec<_> = drain(&mut a).0.into_iter().filter(|(to, _)| *to == address(2)).collect();
        prop_assert!(!fresh.is_empty());
        let good = &fresh[which.index(fresh.len())].1;
        let before = picture(&b);
        let mut damaged = good.clone();
        damaged[place.index(good.len())] ^= 1 << bit;
        prop_assert!(b.receive(address(1), &damaged, now + ms(515)).is_err());
        prop_assert!(b.receive(address(1), &good[..cut.index(good.len())], now + ms(515)).is_err());
        prop_assert!(b.poll_output().is_none());
        prop_assert_eq!(picture(&b), before);
        prop_assert_eq!(b.receive(address(1), good, now + ms(515)), Ok(()), "undamaged it is taken");
    }
}
