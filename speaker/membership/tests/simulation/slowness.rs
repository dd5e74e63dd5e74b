//! Nodes that get no processor: they must neither accuse others nor be lost for long.

use crate::cluster::{Cluster, Network, News, ms, with_seeds};

/// Whoever wakes up after a long pause finds its timers expired and must not blame the others for it.
#[test]
fn a_sleeper_accuses_nobody() {
    with_seeds(0..20, |seed| {
        let mut cluster = Cluster::settled(4, Network::GOOD, seed);
        cluster.run_for(ms(seed * 11 % 100));
        cluster.stall(1, ms(2_000));
        cluster.run_for(ms(1_990));
        assert!([0, 2, 3].iter().all(|n| !cluster.alive(*n).contains(&1)), "a sleeper of 2 s is missed");
        cluster.news.clear();
        let took = cluster.run_until(ms(2_000), Cluster::agreed);
        assert!(took.is_some_and(|t| t < ms(210)), "{took:?}");
        cluster.run_for(ms(2_000));
        let down = |news: &News| matches!(news, News::Down { .. });
        assert!(!cluster.news.iter().any(|(_, _, news)| down(news)), "{:?}", cluster.news);
        assert!(cluster.membership(1).counters().late_wakeups > 0);
    });
}

/// Both cores are busy: everybody stalls now and then for up to a fifth of a second, all timers are late.
#[test]
fn busy_machines_raise_no_false_alarm() {
    with_seeds(0..3, |seed| {
        let mut cluster = Cluster::settled(4, Network { loss: 0.01, ..Network::GOOD }, seed);
        cluster.lateness = 30_000;
        for round in 0..120u64 {
            let node = usize::try_from((round * 7 + seed) % 4).unwrap();
            cluster.stall(node, ms(20 + (round * 37 + seed * 11) % 180));
            cluster.run_for(ms(250));
        }
        assert_eq!(cluster.news, []);
    });
}

/// Slowness must not blind anybody for good.
#[test]
fn the_slow_still_notice_a_death() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(3, Network::GOOD, seed);
        cluster.lateness = 60_000;
        cluster.run_for(ms(1_000));
        cluster.kill(0);
        let took = cluster.run_until(ms(10_000), |c| (1..3).all(|n| !c.alive(n).contains(&0)));
        assert!(took.is_some_and(|t| t < ms(2_000)), "{took:?}");
    });
}

/// A probe has to fail and a suspicion to end before anybody is missed: whoever is back by then never was away.
#[test]
fn a_pause_shorter_than_probe_and_suspicion_is_forgiven() {
    let timing = herald_membership::Timing::default();
    let pause = timing.probe_period + timing.suspicion - ms(10);
    with_seeds(0..20, |seed| {
        let mut cluster = Cluster::settled(3, Network::GOOD, seed);
        cluster.run_for(ms(seed * 7 % 100));
        cluster.stall(0, pause);
        cluster.run_for(pause + ms(1_000));
        assert_eq!(cluster.news, []);
    });
}
