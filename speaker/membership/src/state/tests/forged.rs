//! From inside: a member, broken or taken over, may lie, but cannot crash us or make us grow.

use std::net::SocketAddr;

use bytes::BufMut;
use foca::{Member, State};
use proptest::prelude::*;

use super::{UID, acquainted, address, drain, keys, ms};
use crate::counters::DropReason;
use crate::forge::Forgery;
use crate::identity::Identity;
use crate::output::{DownReason, Output};
use crate::packet::field::put_identity;
use crate::state::{Membership, UNLISTED_NODES};

const SWIM: u8 = 1;

fn identity(node: &str, rank: u64) -> Identity {
    Identity { node: node.into(), boot: rank, rank, address: address(1) }
}

/// `a` says to `b`: gossip with these updates (identity, state).
fn gossip(b: &Membership, counter: u64, updates: &[(Identity, u8)]) -> Vec<u8> {
    let mut swim = Vec::new();
    put_identity(&mut swim, &identity("a", 1_000));
    swim.put_u16(0);
    put_identity(&mut swim, b.foca.identity());
    swim.put_u8(9);
    swim.put_u16(u16::try_from(updates.len()).unwrap());
    for (id, state) in updates {
        put_identity(&mut swim, id);
        swim.put_u16(0);
        swim.put_u8(*state);
    }
    forge(b, counter, &[(SWIM, &swim)])
}

fn forge(b: &Membership, counter: u64, sections: &[(u8, &[u8])]) -> Vec<u8> {
    Forgery { from: "a", boot: 1_000, counter, from_rank: 1_000, to: "b", to_rank: b.foca.identity().rank, sections }
        .seal(&keys(), UID)
}

#[test]
fn invented_members_are_bounded() {
    let now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    let mut counter = 10_000;
    for round in 0..50u64 {
        let names: Vec<String> = (0..10).map(|i| format!("invented-{round}-{i}")).collect();
        for state in [0, 1, 2] {
            let updates: Vec<_> = names.iter().map(|n| (identity(n, 1), state)).collect();
            counter += 1;
            let _ = b.receive(address(1), &gossip(&b, counter, &updates), now + ms(round));
            drain(&mut b);
        }
    }
    let most = UNLISTED_NODES + 2;
    assert!(b.peers.len() <= most, "{} peers", b.peers.len());
    assert!(b.foca.iter_membership_state().len() <= most);
    assert!(b.counters().refused_claims > 0);
    assert!(b.timers.len() < 10 * most, "{} timers", b.timers.len());
}

/// A thousand forged senders, all with the right key.
#[test]
fn invented_senders_are_bounded() {
    let now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    for i in 0..1_000u64 {
        let from = format!("sender-{i}");
        let to_rank = b.foca.identity().rank;
        let forgery = Forgery { from: &from, boot: 1, counter: 1, from_rank: 1, to: "b", to_rank, sections: &[] };
        let result = b.receive(address(9), &forgery.seal(&keys(), UID), now);
        if i > UNLISTED_NODES as u64 {
            assert_eq!(result, Err(DropReason::TableFull));
        }
        drain(&mut b);
    }
    assert!(b.peers.len() <= UNLISTED_NODES + 2);
    // They do not keep the table: the next announcement round forgets who never was a member.
    b.handle_deadline(now + ms(200));
    assert!(b.peers.len() <= 2, "{} peers", b.peers.len());
}

#[test]
fn lies_about_ourselves_are_outlived() {
    let now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    let me = b.foca.identity().clone();
    let _ = b.receive(address(1), &gossip(&b, 10_000, &[(me.clone(), 2)]), now);
    assert!(b.foca.identity().rank > me.rank, "declared down, it joins again");
    assert_eq!(b.counters().rejoins, 1);
    let stranger = Identity { rank: me.rank + 500, boot: 9, ..me.clone() };
    let _ = b.receive(address(1), &gossip(&b, 10_001, &[(stranger.clone(), 0)]), now);
    assert!(b.foca.identity().rank > stranger.rank);
    // Two speakers on one node do not chase each other at the speed of the network.
    for i in 0..100 {
        let higher = Identity { rank: me.rank + 1_000 * (i + 1), ..stranger.clone() };
        let _ = b.receive(address(1), &gossip(&b, 11_000 + i, &[(higher, 0)]), now);
    }
    assert_eq!(b.counters().identity_conflicts, 1);
}

/// foca stops probing after a change of identity until somebody speaks to it.
#[test]
fn after_a_rejoin_the_silence_of_the_others_is_still_noticed() {
    let mut now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    let me = b.foca.identity().clone();
    let _ = b.receive(address(1), &gossip(&b, 10_000, &[(me, 2)]), now);
    assert_eq!(b.counters().rejoins, 1);
    let end = now + ms(1_000);
    while let Some(due) = b.next_deadline().filter(|due| *due < end) {
        now = due.max(now);
        b.handle_deadline(now);
    }
    let news = drain(&mut b).1;
    assert!(matches!(news.as_slice(), [Output::MemberDown { reason: DownReason::Silent, .. }]), "{news:?}");
}

/// foca would tell a member that it is down although it refuted the suspicion in time.
#[test]
fn a_refuted_suspicion_condemns_nobody() {
    let now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    let suspect = b.peers["a"].identity.clone().unwrap();
    let claims = [(0, State::Suspect), (1, State::Alive), (1, State::Suspect)];
    let timer = |incarnation| foca::Timer::ChangeSuspectToDown { member_id: suspect.clone(), incarnation, token: 0 };
    for (incarnation, state) in claims {
        let claim = Member::new(suspect.clone(), incarnation, state);
        b.foca.apply_many(std::iter::once(claim), false, &mut b.runtime).unwrap();
    }
    b.judge(&suspect, 0, timer(0), now);
    b.obey_foca(now);
    assert_eq!(drain(&mut b), (vec![], vec![]), "the suspicion of incarnation 0 was refuted");
    b.judge(&suspect, 1, timer(1), now);
    b.obey_foca(now);
    let (sent, news) = drain(&mut b);
    assert!(!sent.is_empty() && matches!(news.as_slice(), [Output::MemberDown { .. }]), "that of incarnation 1 stands");
}

#[test]
fn a_message_that_contradicts_its_envelope_is_malformed() {
    let now = ms(5_500);
    let (_, mut b, _) = acquainted(ms(5_000));
    for (src, dst) in [("c", "b"), ("a", "c")] {
        let mut swim = Vec::new();
        put_identity(&mut swim, &identity(src, 1_000));
        swim.put_u16(0);
        put_identity(&mut swim, &Identity { node: dst.into(), ..b.foca.identity().clone() });
        swim.put_u8(9);
        let counter = 10_000 + u64::from(swim[1]);
        assert_eq!(b.receive(address(1), &forge(&b, counter, &[(SWIM, &swim)]), now), Err(DropReason::Malformed));
    }
    assert!(b.member("c").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Any content under a good seal, any number of times, with time passing.
    #[test]
    fn no_content_panics_or_stalls(
        letters in prop::collection::vec(
            (0..6u8, prop::collection::vec(any::<u8>(), 0..300), 0..400u64, any::<bool>()), 1..30),
    ) {
        let mut now = ms(5_500);
        let (_, mut b, _) = acquainted(ms(5_000));
        b.watch(["a", "c", "nobody"], now);
        for (counter, (kind, content, pause, good_header)) in letters.into_iter().enumerate() {
            let mut swim = Vec::new();
            if good_header {
                put_identity(&mut swim, &identity("a", 1_000));
                swim.put_u16(0);
                put_identity(&mut swim, b.foca.identity());
            }
            swim.extend(content);
            let datagram = forge(&b, 10_000 + counter as u64, &[(kind, &swim)]);
            let _ = b.receive(address(1), &datagram, now);
            let (sent, _) = drain(&mut b);
            prop_assert!(sent.len() < 100);
            now += ms(pause);
            let mut calls = 0;
            while b.next_deadline().is_some_and(|due| due <= now) {
                b.handle_deadline(now);
                drain(&mut b);
                calls += 1;
                prop_assert!(calls < 10, "deadlines that never pass");
            }
        }
        let _: Option<SocketAddr> = b.member("a").map(|m| m.address);
        prop_assert!(b.peers.len() <= UNLISTED_NODES + 2);
    }
}
