//! Addresses of members: IPv6 only, and nodes that answer from another address than the API lists.

use crate::cluster::{Cluster, Network, News, ms, with_seeds};

#[test]
fn a_cluster_of_ipv6_alone_works_like_any() {
    with_seeds(0..5, |seed| {
        let mut cluster = Cluster::cold(5, Network { loss: 0.02, ..Network::GOOD }, seed);
        cluster.ipv6 = true;
        (0..5).for_each(|node| cluster.start(node));
        cluster.run_for(ms(1_500));
        cluster.expect_all_alive();
        cluster.news.clear();
        cluster.kill(0);
        let took = cluster.run_until(ms(3_000), Cluster::agreed);
        assert!(took.is_some_and(|t| t < ms(800)), "{took:?}");
        let address = cluster.membership(1).member("node-002").unwrap().address;
        assert!(address.is_ipv6(), "{address}");
    });
}

/// Node 0 has two addresses; the one that the API lists leads nowhere. Whoever heard from it answers where it spoke
/// from, and everybody stays in contact.
#[test]
fn replies_go_to_the_address_that_was_seen() {
    with_seeds(0..5, |seed| {
        let mut cluster = Cluster::cold(4, Network { loss: 0.02, ..Network::GOOD }, seed);
        cluster.second_address(0);
        (0..4).for_each(|node| cluster.start(node));
        cluster.run_for(ms(1_500));
        cluster.expect_all_alive();
        cluster.news.clear();
        assert_eq!(cluster.membership(1).member("node-000").unwrap().address, cluster.source(0));
        cluster.run_for(ms(30_000));
        assert!(!cluster.news.iter().any(|(_, _, news)| matches!(news, News::Down { .. })), "{:?}", cluster.news);
        // Also after it was away for longer than a seen address is preferred.
        cluster.divide(|n| u8::from(n == 0));
        cluster.run_for(ms(10_000));
        cluster.heal();
        let took = cluster.run_until(ms(3_000), Cluster::agreed);
        assert!(took.is_some_and(|t| t < ms(300)), "{took:?}");
    });
}
