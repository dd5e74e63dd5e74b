//! After a partition: one cluster again, at once, and without a flap.

use crate::cluster::{Cluster, Network, News, ms, with_seeds};

/// Divides for some time, heals, and checks the merge.
fn divide_and_heal(nodes: usize, side: fn(usize) -> u8, apart: u64, network: Network, limit: u64, seed: u64) {
    let mut cluster = Cluster::settled(nodes, network, seed);
    cluster.divide(side);
    cluster.run_for(ms(apart + seed * 13 % 100));
    cluster.news.clear();
    cluster.heal();
    let took = cluster.run_until(ms(10_000), Cluster::agreed);
    assert!(took.is_some_and(|t| t <= ms(limit)), "{nodes} nodes apart for {apart} ms: merged after {took:?}");
    cluster.run_for(ms(3_000));
    cluster.expect_all_alive();
    for (at, node, news) in &cluster.news {
        if let News::Down { node: down, .. } = news {
            panic!("after healing, node {node} lost {down} at {at:?} ({nodes} nodes apart for {apart} ms)");
        }
    }
}

#[test]
fn a_long_partition_merges_within_200_ms() {
    for nodes in [2, 3, 5, 10] {
        with_seeds(0..5, |seed| divide_and_heal(nodes, |n| u8::from(n == 0), 2_000, Network::GOOD, 200, seed));
    }
    with_seeds(0..4, |seed| divide_and_heal(10, |n| u8::from(n % 2 == 0), 2_000, Network::GOOD, 200, seed));
    with_seeds(0..2, |seed| divide_and_heal(7, |n| u8::try_from(n % 3).unwrap(), 10_000, Network::GOOD, 200, seed));
}

#[test]
fn loss_delays_the_merge_little() {
    let network = Network { loss: 0.05, twice: 0.02, delay: (50, 3_000) };
    with_seeds(0..8, |seed| divide_and_heal(6, |n| u8::from(n < 3), 5_000, network, 500, seed));
}

/// About as long as detection takes: some have given up on others, some have not.
#[test]
fn a_partition_as_long_as_detection_heals_without_a_flap() {
    with_seeds(0..25, |seed| {
        let mut cluster = Cluster::settled(5, Network::GOOD, seed);
        cluster.divide(|n| u8::from(n < 2));
        cluster.run_for(ms(350 + seed * 12));
        cluster.heal();
        cluster.news.clear();
        cluster.run_for(ms(400));
        assert!(cluster.agreed(), "not merged: {:?}", cluster.news);
        cluster.news.retain(|(_, _, news)| matches!(news, News::Down { .. }));
        // Verdicts on the other side that were passed while apart may still be told, never one on one's own side.
        for (_, node, news) in &cluster.news {
            if let News::Down { node: down, .. } = news {
                assert_ne!(*node < 2, *down < 2, "node {node} lost {down} on its own side");
            }
        }
        cluster.news.clear();
        cluster.run_for(ms(3_000));
        assert!(!cluster.news.iter().any(|(_, _, n)| matches!(n, News::Down { .. })), "{:?}", cluster.news);
        cluster.expect_all_alive();
    });
}

/// The largest cluster we promise anything for: a death, a partition, a merge.
#[test]
fn a_hundred_nodes_notice_a_death_and_merge_within_2_s() {
    let mut cluster = Cluster::settled(100, Network::GOOD, 1);
    cluster.kill(0);
    let took = cluster.run_until(ms(3_000), Cluster::agreed);
    assert!(took.is_some_and(|t| t <= ms(1_000)), "noticed after {took:?}");
    cluster.divide(|n| u8::from(n < 50));
    cluster.run_for(ms(1_500));
    cluster.heal();
    let took = cluster.run_until(ms(10_000), Cluster::agreed);
    assert!(took.is_some_and(|t| t <= ms(2_000)), "merged after {took:?}");
}
