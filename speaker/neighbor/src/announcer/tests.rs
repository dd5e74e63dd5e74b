//! The schedule of announcements.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Announcer, BURST_GAPS, ROUNDS_AT_ONCE, ROUNDS_PER_SECOND, SHORTEST_GAP};

const REFRESH: Duration = Duration::from_secs(60);

fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

/// Every round up to `until`, driven by the deadlines alone, as a shell would.
fn rounds(announcer: &mut Announcer, mut now: Duration, until: Duration) -> Vec<(Duration, IpAddr)> {
    let mut rounds = Vec::new();
    loop {
        while let Some(round) = announcer.next_due(now) {
            rounds.push((now, round.ip));
        }
        match announcer.next_deadline() {
            Some(next) if next <= until => {
                assert!(next > now, "a deadline that does not lie ahead would spin");
                now = next;
            }
            _ => return rounds,
        }
    }
}

#[test]
fn an_address_is_announced_at_once_then_in_a_burst_then_at_the_refresh_interval() {
    let mut announcer = Announcer::new(REFRESH, 7);
    let won = Duration::from_secs(100);
    announcer.start(address(1), won);
    let times: Vec<Duration> = rounds(&mut announcer, won, won + 10 * REFRESH).into_iter().map(|(at, _)| at).collect();

    let since_won: Vec<u128> = times.iter().take(5).map(|at| (*at - won).as_millis()).collect();
    assert_eq!(since_won, [0, 100, 500, 1_500, 3_500]);
    let gaps: Vec<Duration> = times.windows(2).skip(BURST_GAPS.len()).map(|pair| pair[1] - pair[0]).collect();
    assert!((8..=12).contains(&gaps.len()), "{gaps:?}");
    assert!(gaps.iter().all(|gap| (REFRESH * 4 / 5..=REFRESH * 6 / 5).contains(gap)), "{gaps:?}");
    assert!(gaps.windows(2).any(|pair| pair[0] != pair[1]), "no jitter: {gaps:?}");
}

#[test]
fn the_same_seed_gives_the_same_jitter_and_another_seed_another() {
    let run = |seed| {
        let mut announcer = Announcer::new(REFRESH, seed);
        announcer.start(address(1), Duration::ZERO);
        rounds(&mut announcer, Duration::ZERO, 5 * REFRESH)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn addresses_won_together_do_not_refresh_together() {
    let mut announcer = Announcer::new(REFRESH, 7);
    for number in 0..100 {
        announcer.start(address(number), Duration::ZERO);
    }
    let rounds = rounds(&mut announcer, Duration::ZERO, 2 * REFRESH);
    let refreshes: Vec<Duration> =
        rounds.iter().map(|(at, _)| *at).filter(|at| *at > Duration::from_secs(10)).collect();
    assert!(refreshes.len() >= 100);
    let busiest = refreshes.iter().map(|at| refreshes.iter().filter(|other| other.as_secs() == at.as_secs()).count());
    assert!(busiest.max().unwrap() < 30, "refreshes crowd into one second");
}

#[test]
fn without_refresh_there_is_the_burst_and_then_nothing() {
    let mut announcer = Announcer::new(Duration::ZERO, 7);
    announcer.start(address(1), Duration::ZERO);
    assert_eq!(rounds(&mut announcer, Duration::ZERO, 100 * REFRESH).len(), 1 + BURST_GAPS.len());
    assert_eq!(announcer.next_deadline(), None);

    announcer.start(address(1), 200 * REFRESH);
    assert_eq!(rounds(&mut announcer, 200 * REFRESH, 300 * REFRESH).len(), 1 + BURST_GAPS.len());
}

#[test]
fn an_absurd_refresh_interval_means_none_or_the_shortest_gap() {
    for (refresh, expected) in [(Duration::ZERO, 5), (Duration::from_nanos(1), 5 + 100)] {
        let mut announcer = Announcer::new(refresh, 7);
        announcer.start(address(1), Duration::ZERO);
        let until = Duration::from_millis(3_500) + 100 * SHORTEST_GAP;
        assert_eq!(rounds(&mut announcer, Duration::ZERO, until).len(), expected);
    }
}

#[test]
fn a_lost_address_is_not_announced_once_more() {
    let mut announcer = Announcer::new(REFRESH, 7);
    announcer.start(address(1), Duration::ZERO);
    announcer.start(address(2), Duration::ZERO);
    assert!(announcer.next_due(Duration::ZERO).is_some());
    announcer.stop(address(1));
    let after = rounds(&mut announcer, Duration::ZERO, 10 * REFRESH);
    assert!(!after.is_empty());
    assert!(after.iter().all(|(_, ip)| *ip == address(2)));
    announcer.stop(address(2));
    assert_eq!(announcer.next_deadline(), None);
    announcer.stop(address(3));
}

#[test]
fn starting_again_repeats_the_burst_but_not_within_the_shortest_gap() {
    let mut announcer = Announcer::new(REFRESH, 7);
    announcer.start(address(1), Duration::ZERO);
    assert_eq!(announcer.next_due(Duration::ZERO).map(|round| round.ip), Some(address(1)));
    // A link that flaps every millisecond for a second.
    let mut sent = 0;
    for millisecond in 1..=1_000 {
        let now = Duration::from_millis(millisecond);
        announcer.start(address(1), now);
        sent += usize::from(announcer.next_due(now).is_some());
    }
    assert_eq!(sent, 10, "one round per {SHORTEST_GAP:?}");
}

#[test]
fn once_brings_the_next_round_forward_and_keeps_the_rest() {
    let mut announcer = Announcer::new(REFRESH, 7);
    announcer.start(address(1), Duration::ZERO);
    rounds(&mut announcer, Duration::ZERO, Duration::from_secs(5));
    let now = Duration::from_secs(20);
    announcer.once(address(1), now);
    assert_eq!(announcer.next_due(now).map(|round| round.ip), Some(address(1)));
    assert!(announcer.next_deadline().unwrap() >= now + REFRESH * 4 / 5);
    announcer.once(address(2), now);
    assert_eq!(announcer.next_due(now), None, "never started, never announced");
}

#[test]
fn thousands_won_at_once_go_out_at_the_pace_and_all_firsts_before_any_second() {
    const WON: u32 = 5_000;
    let mut announcer = Announcer::new(REFRESH, 7);
    for number in 0..WON {
        announcer.start(address(number), Duration::ZERO);
    }
    let rounds = rounds(&mut announcer, Duration::ZERO, Duration::from_secs(30));
    assert_eq!(rounds.len(), WON as usize * (1 + BURST_GAPS.len()));

    let firsts: std::collections::BTreeSet<IpAddr> = rounds.iter().take(WON as usize).map(|(_, ip)| *ip).collect();
    assert_eq!(firsts.len(), WON as usize);
    let last_first = rounds[WON as usize - 1].0;
    let expected = Duration::from_secs(1) * (WON - ROUNDS_AT_ONCE) / ROUNDS_PER_SECOND;
    assert!(last_first.abs_diff(expected) < Duration::from_millis(5), "{last_first:?} instead of {expected:?}");

    // In no window of a second more than the pace and one train.
    let most = ROUNDS_PER_SECOND as usize + ROUNDS_AT_ONCE as usize;
    let mut from = 0;
    for (to, (at, _)) in rounds.iter().enumerate() {
        while rounds[from].0 + Duration::from_secs(1) < *at {
            from += 1;
        }
        assert!(to - from < most + 1, "{} rounds within the second before {at:?}", to - from);
    }
}
