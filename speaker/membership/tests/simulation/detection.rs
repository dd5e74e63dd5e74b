//! How soon a silent node is noticed, and that a live one is not called dead.

use std::sync::Mutex;
use std::time::Duration;

use herald_membership::DownReason;

use crate::cluster::{Cluster, Network, News, ms, with_seeds};

/// Time until every survivor has said "down", over all seeds: sorted.
pub(crate) fn detection_times(nodes: usize, network: Network, seeds: std::ops::Range<u64>) -> Vec<Duration> {
    let times = Mutex::new(Vec::new());
    with_seeds(seeds, |seed| {
        let mut cluster = Cluster::settled(nodes, network, seed);
        // In step with nothing.
        cluster.run_for(ms(seed * 7 % 500));
        cluster.news.clear();
        cluster.kill(0);
        let noticed = |c: &Cluster| (1..nodes).all(|n| !c.alive(n).contains(&0));
        let time = cluster.run_until(ms(5_000), noticed).expect("the dead node goes unnoticed");
        times.lock().unwrap().push(time);
        cluster.run_for(ms(500));
        let wrong = |news: &News| !matches!(news, News::Down { node: 0, .. } | News::Facts { .. });
        assert!(!cluster.news.iter().any(|(_, _, news)| wrong(news)), "more than one death: {:?}", cluster.news);
        for node in 1..nodes {
            let told = cluster.news.iter().filter(|(_, n, news)| *n == node && matches!(news, News::Down { .. }));
            assert_eq!(told.count(), 1, "node {node} says it once");
        }
        let first = cluster.news.iter().find(|(_, _, news)| matches!(news, News::Down { .. }));
        assert!(matches!(first, Some((_, _, News::Down { reason: DownReason::Silent, .. }))));
    });
    let mut times = times.into_inner().unwrap();
    times.sort_unstable();
    times
}

/// The failover budget is one second from silence to traffic; 800 ms of it are ours.
#[test]
fn all_survivors_notice_a_silent_node_in_time() {
    for (nodes, loss, seeds) in
        [(2, 0.0, 20), (3, 0.0, 40), (3, 0.05, 40), (5, 0.05, 20), (7, 0.0, 15), (10, 0.0, 20), (10, 0.05, 20)]
    {
        let times = detection_times(nodes, Network { loss, ..Network::GOOD }, 0..seeds);
        let worst = times.last().unwrap();
        println!("{nodes} nodes, {loss} lost: median {:?}, worst {worst:?}", times[times.len() / 2]);
        assert!(*worst < ms(800), "{nodes} nodes, {loss} lost: {worst:?}");
    }
}

/// Half of the nodes die at once.
#[test]
fn many_deaths_take_little_longer_than_one() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(6, Network::GOOD, seed);
        (0..3).for_each(|node| cluster.kill(node));
        let took = cluster.run_until(ms(5_000), |c| (3..6).all(|n| c.alive(n).len() == 2));
        assert!(took.is_some_and(|t| t < ms(1_300)), "{took:?}");
    });
}

/// A minute of each with datagrams lost and doubled: nobody is ever called dead.
#[test]
fn loss_alone_kills_nobody() {
    for (nodes, loss) in [(3, 0.05), (5, 0.05), (10, 0.05), (3, 0.1)] {
        with_seeds(0..2, |seed| {
            let network = Network { loss, twice: 0.02, delay: (50, 5_000) };
            let mut cluster = Cluster::settled(nodes, network, seed);
            cluster.run_for(ms(30_000));
            assert_eq!(cluster.news, [], "{nodes} nodes, {loss} lost");
        });
    }
}

/// Two nodes that cannot hear each other are kept alive by the others, who can.
#[test]
fn a_broken_link_between_two_kills_neither() {
    with_seeds(0..4, |seed| {
        let mut cluster = Cluster::settled(5, Network::GOOD, seed);
        cluster.cut(0, 1);
        cluster.cut(1, 0);
        cluster.run_for(ms(20_000));
        let deaths: Vec<_> = cluster.news.iter().filter(|(_, _, n)| matches!(n, News::Down { .. })).collect();
        assert!(deaths.is_empty(), "{deaths:?}");
    });
}

/// A node that sends but hears nothing is of no use to anybody: it must not stay alive by talking.
#[test]
fn a_deaf_node_is_dead() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(4, Network::GOOD, seed);
        (1..4).for_each(|from| cluster.cut(from, 0));
        let took = cluster.run_until(ms(5_000), |c| (1..4).all(|n| !c.alive(n).contains(&0)));
        assert!(took.is_some_and(|t| t < ms(1_000)), "{took:?}");
    });
}
