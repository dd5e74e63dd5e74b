//! Whatever happens in whatever order, also what can't: there is one session at most, nothing is done on connections that
//! are no more, and a healthy peer always gets its session back.
#![cfg(test)]

mod shell;

use std::time::Duration;

use herald_bgp::state::Event;
use proptest::prelude::*;
use shell::{Observed, config};

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_in_any_sequence(choice: u16, steps in prop::collection::vec(any::<(u8, u8)>(), 1..150)) {
        let mut observed = Observed::new(config(choice));
        observed.happens(Event::Start);
        for (what, detail) in steps {
            observed.step(what, detail);
        }
        observed.meets_a_healthy_peer();
    }

    #[test]
    fn a_peer_that_fails_at_all_times_is_not_knocked_at_in_a_loop(choice: u16, how in prop::collection::vec(0_u8..4, 1..20)) {
        let mut observed = Observed::new(config(choice & !(1 << 9)));
        observed.happens(Event::Start);
        let start = observed.now;
        for how in how.into_iter().cycle().take(2_000) {
            let connects = observed.connects;
            for (what, detail) in [&[(10, 0)][..], &[(5, 0), (11, 0)], &[(5, 0), (26, 2)], &[(5, 0), (12, 0xc2)]][usize::from(how)] {
                observed.step(*what, *detail);
            }
            if observed.connects == connects {
                observed.wait(Duration::from_millis(50));
            }
        }
        // At once, once again at once, and then no more often than 4 times in 3 s.
        let seconds = (observed.now - start).as_secs();
        prop_assert!(observed.connects <= 3 + seconds * 4 / 3, "{} in {seconds} s", observed.connects);
    }
}

/// The sequences above are worth something: they come to where it is narrow.
#[test]
fn random_sequences_reach_the_rare_cases() {
    let mut random = 1_u64;
    let mut byte = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    };
    let mut reached = [0; 5];
    for _ in 0..10_000 {
        let mut observed = Observed::new(config(u16::from_le_bytes([byte(), byte()])));
        observed.happens(Event::Start);
        for _ in 0..100 {
            observed.step(byte(), byte());
        }
        let counters = observed.session.counters();
        let found = [counters.established, counters.collisions, counters.refused, observed.swaps, observed.replaced];
        reached = std::array::from_fn(|index| reached[index] + found[index]);
    }
    let [established, collisions, refused, swaps, replaced] = reached;
    println!(
        "established {established}, collisions {collisions}, refused {refused}, swaps {swaps}, replaced {replaced}"
    );
    assert!(reached.iter().all(|times| *times >= 10), "{reached:?}");
}

#[test]
fn actions_that_nobody_takes_do_not_pile_up() {
    let mut session = herald_bgp::state::Session::new(config(0)).unwrap();
    for round in 0..10_000 {
        let now = Duration::from_secs(round);
        session.handle(Event::Start, now);
        session.handle(Event::Stop(None), now);
        session.advance(now);
    }
    assert!(session.counters().unserved > 0);
    assert!(std::iter::from_fn(|| session.take_action()).count() < 100);
    session.handle(Event::Start, Duration::from_secs(20_000));
    assert!(session.take_action().is_some());
}
