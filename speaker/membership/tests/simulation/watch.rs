//! The fast watch: an owner that falls silent is missed within 300 ms, and nobody else.

use std::time::Duration;

use herald_membership::{DownReason, Facts, Freshness, Leave};

use crate::cluster::{Cluster, Network, News, ms, name, with_seeds};

/// Every node watches the next one, and all have heard heartbeats.
fn watching(nodes: usize, network: Network, seed: u64) -> Cluster {
    let mut cluster = Cluster::settled(nodes, network, seed);
    watch_each_other(&mut cluster);
    assert_eq!(cluster.news, []);
    cluster
}

fn watch_each_other(cluster: &mut Cluster) {
    for node in 0..cluster.len() {
        let (now, next) = (cluster.now, name((node + 1) % cluster.len()));
        cluster.call(node, |m| m.watch([next], now));
    }
    cluster.run_for(ms(500));
}

/// How long until node 0 misses node 1, and until everybody does.
pub(crate) fn silent_node_is_missed(nodes: usize, network: Network, watched: bool, seed: u64) -> (Duration, Duration) {
    let mut cluster = Cluster::settled(nodes, network, seed);
    if watched {
        watch_each_other(&mut cluster);
    }
    cluster.run_for(ms(seed * 7 % 100));
    cluster.silence(1);
    let begin = cluster.now;
    cluster.run_until(ms(3_000), |c| !c.alive(0).contains(&1)).expect("the dead node goes unnoticed");
    let successor = cluster.now - begin;
    let unaware = |c: &Cluster| (0..nodes).any(|n| n != 1 && c.alive(n).contains(&1));
    cluster.run_until(ms(3_000), |c| !unaware(c)).expect("the dead node goes unnoticed");
    (successor, cluster.now - begin)
}

fn count(cluster: &Cluster, wanted: impl Fn(&News) -> bool) -> usize {
    cluster.news.iter().filter(|(_, _, news)| wanted(news)).count()
}

#[test]
fn a_watched_node_that_falls_silent_is_down_within_300_ms() {
    for nodes in [2, 3, 5, 10] {
        with_seeds(0..30, |seed| {
            let (took, _) = silent_node_is_missed(nodes, Network::GOOD, true, seed);
            assert!((ms(225)..ms(285)).contains(&took), "{nodes} nodes: {took:?}");
        });
    }
}

#[test]
fn the_others_hear_of_it_and_check_it() {
    with_seeds(0..20, |seed| {
        let mut cluster = watching(5, Network::GOOD, seed);
        cluster.silence(1);
        let took = cluster.run_until(ms(3_000), |c| [0, 2, 3, 4].iter().all(|n| !c.alive(*n).contains(&1)));
        assert!(took.is_some_and(|t| t < ms(520)), "{took:?}");
        assert_eq!(cluster.news[0].2, News::Quiet { node: 1 });
        let by_watcher = News::Down { node: 1, reason: DownReason::Quiet };
        assert!(cluster.news.iter().any(|(_, node, news)| *node == 0 && *news == by_watcher), "{:?}", cluster.news);
        cluster.run_for(ms(1_000));
        assert_eq!(count(&cluster, |news| matches!(news, News::Down { .. })), 4, "{:?}", cluster.news);
    });
}

/// The kernel answers for a speaker that was killed: the watch leaves it to SWIM, and asks once only.
#[test]
fn a_killed_speaker_on_a_living_node_is_left_to_swim() {
    with_seeds(0..20, |seed| {
        let mut cluster = watching(3, Network::GOOD, seed);
        cluster.kill(1);
        let took = cluster.run_until(ms(3_000), |c| !c.alive(0).contains(&1));
        assert!(took.is_some_and(|t| t > ms(380) && t < ms(800)), "{took:?}");
        assert_eq!(count(&cluster, |news| *news == News::Quiet { node: 1 }), 1);
        assert_eq!(cluster.membership(0).counters().quiet_denied, 1);
    });
}

/// Both cores are busy: timers are late, nodes stall. Nobody is called down, and hardly anybody quiet.
#[test]
fn busy_machines_raise_no_false_alarm() {
    with_seeds(0..3, |seed| {
        let mut cluster = watching(4, Network { loss: 0.01, ..Network::GOOD }, seed);
        cluster.lateness = 30_000;
        for round in 0..120u64 {
            let node = usize::try_from((round * 7 + seed) % 4).unwrap();
            cluster.stall(node, ms(20 + (round * 37 + seed * 11) % 180));
            cluster.run_for(ms(250));
        }
        let downs = count(&cluster, |news| matches!(news, News::Down { .. }));
        assert_eq!(downs, 0, "{:?}", cluster.news);
    });
}

/// Whoever was not running itself counts anew.
#[test]
fn a_sleeper_calls_nobody_quiet() {
    with_seeds(0..20, |seed| {
        let mut cluster = watching(3, Network::GOOD, seed);
        cluster.run_for(ms(seed * 11 % 100));
        cluster.stall(0, ms(300));
        cluster.run_for(ms(1_000));
        let by_sleeper = |(_, node, news): &&(Duration, usize, News)| *node == 0 && matches!(news, News::Quiet { .. });
        assert_eq!(cluster.news.iter().filter(by_sleeper).count(), 0, "{:?}", cluster.news);
        assert!(cluster.membership(0).counters().watch_discarded > 0);
    });
}

/// Ten minutes with a twentieth of all datagrams lost.
#[test]
fn loss_alone_makes_nobody_down() {
    let mut cluster = watching(3, Network { loss: 0.05, twice: 0.02, delay: (50, 5_000) }, 1);
    cluster.run_for(ms(600_000));
    assert_eq!(count(&cluster, |news| matches!(news, News::Down { .. })), 0, "{:?}", cluster.news);
    assert!(count(&cluster, |news| matches!(news, News::Quiet { .. })) < 60);
}

/// One that is called quiet and is heard again before the verdict is not called down.
#[test]
fn a_sign_of_life_is_stronger_than_a_verdict() {
    with_seeds(0..20, |seed| {
        let mut cluster = watching(3, Network::GOOD, seed);
        cluster.cut(1, 0);
        cluster.cut(0, 1);
        cluster.run_until(ms(1_000), |c| count(c, |news| *news == News::Quiet { node: 1 }) == 1).expect("quiet");
        cluster.heal();
        cluster.run_for(ms(60));
        let now = cluster.now;
        assert!(!cluster.call(0, |m| m.confirm_quiet("node-001", now)), "it beats again");
        cluster.run_for(ms(1_000));
        assert_eq!(count(&cluster, |news| matches!(news, News::Down { .. })), 0, "{:?}", cluster.news);
    });
}

#[test]
fn who_says_good_bye_is_not_called_quiet() {
    for how in [Leave::Restart { grace: ms(10_000) }, Leave::Stop] {
        let mut cluster = watching(3, Network::GOOD, 1);
        cluster.leave(1, how);
        cluster.run_for(ms(350));
        cluster.silence(1);
        cluster.run_for(ms(1_000));
        assert_eq!(count(&cluster, |news| matches!(news, News::Quiet { .. })), 0, "{:?}", cluster.news);
    }
}

/// A hundred watchers of one owner, and an owner of a hundred: sixteen pairs each, and the rest is no harm.
#[test]
fn nobody_has_more_than_sixteen_pairs() {
    let mut cluster = Cluster::settled(40, Network::GOOD, 1);
    for node in 1..40 {
        let now = cluster.now;
        cluster.call(node, |m| m.watch([name(0)], now));
    }
    let now = cluster.now;
    cluster.call(0, |m| m.watch((1..40).map(name), now));
    cluster.run_for(ms(1_000));
    let before = cluster.membership(0).counters().sent;
    cluster.run_for(ms(10_000));
    let per_second = (cluster.membership(0).counters().sent - before) / 10;
    assert!(per_second < 40 * 2 + 16 * 20 + 16 * 4 + 20, "{per_second} datagrams per second");
    assert!(cluster.membership(0).counters().watchers_refused > 0);
    assert_eq!(cluster.news, [], "those without heartbeats call nobody quiet");
    cluster.silence(0);
    cluster.run_for(ms(1_000));
    let quiet = count(&cluster, |news| *news == News::Quiet { node: 0 });
    assert!((1..=16).contains(&quiet), "{quiet} watchers");
    assert!(!(1..40).any(|n| cluster.alive(n).contains(&0)));
}

/// Switched off, or not wanted any more, nothing is sent.
#[test]
fn it_can_be_switched_off() {
    let quiet_rate = |cluster: &mut Cluster| {
        cluster.run_for(ms(2_000));
        let before = cluster.datagrams;
        cluster.run_for(ms(2_000));
        cluster.datagrams - before
    };
    let mut cluster = watching(3, Network::GOOD, 1);
    let with = quiet_rate(&mut cluster);
    for node in 0..3 {
        let now = cluster.now;
        cluster.call(node, |m| m.watch(Vec::<String>::new(), now));
    }
    let without = quiet_rate(&mut cluster);
    assert!(with > without + 3 * 38, "{with} and {without} datagrams");

    let mut cluster = Cluster::cold(3, Network::GOOD, 1);
    cluster.timing.heartbeat_period = Duration::ZERO;
    (0..3).for_each(|node| cluster.start(node));
    cluster.run_for(ms(1_000));
    for node in 0..3 {
        let now = cluster.now;
        cluster.call(node, |m| m.watch([name((node + 1) % 3)], now));
    }
    let off = quiet_rate(&mut cluster);
    assert!(off.abs_diff(without) < 40, "{off} and {without} datagrams");
}

/// A new process of the watched node is watched when it beats.
#[test]
fn a_restarted_member_is_watched_again() {
    with_seeds(0..10, |seed| {
        let mut cluster = watching(3, Network::GOOD, seed);
        cluster.kill(1);
        cluster.start(1);
        cluster.run_for(ms(1_000));
        let facts = Facts { protocol: 1, freshness: Freshness::Current, ..Facts::default() };
        let now = cluster.now;
        cluster.call(1, |m| m.set_facts(facts, now));
        cluster.run_for(ms(500));
        cluster.silence(1);
        let took = cluster.run_until(ms(3_000), |c| !c.alive(0).contains(&1));
        assert!(took.is_some_and(|t| t < ms(285)), "{took:?}");
    });
}
