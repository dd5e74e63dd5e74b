//! Facts reach everybody.

use herald_membership::{Digest, Facts, Freshness};

use crate::cluster::{Cluster, Network, News, ms, name, with_seeds};

fn facts(interface: &str) -> Facts {
    Facts {
        protocol: 1,
        freshness: Freshness::Current,
        interfaces: Digest::of([interface]),
        owned: Digest::of(["192.0.2.1", "192.0.2.2"]),
        ..Facts::default()
    }
}

fn all_know(cluster: &Cluster, whose: usize, wanted: &Facts) -> bool {
    (0..cluster.len())
        .filter(|n| *n != whose && cluster.running(*n))
        .all(|n| cluster.membership(n).member(&name(whose)).is_some_and(|m| m.facts == Some(wanted)))
}

#[test]
fn news_reach_everybody_within_one_round_trip() {
    let mut cluster = Cluster::settled(10, Network::GOOD, 1);
    let now = cluster.now;
    cluster.call(3, |m| m.set_facts(facts("eth0"), now));
    let took = cluster.run_until(ms(1_000), |c| all_know(c, 3, &facts("eth0")));
    assert!(took.is_some_and(|t| t < ms(5)), "{took:?}");
    cluster.run_for(ms(500));
    let told = cluster.news.iter().filter(|(_, _, news)| *news == News::Facts { node: 3 }).count();
    assert_eq!(told, 9, "each member says it once");
}

#[test]
fn facts_survive_loss_and_the_latest_wins() {
    with_seeds(0..10, |seed| {
        let network = Network { loss: 0.2, twice: 0.1, delay: (50, 20_000) };
        let mut cluster = Cluster::settled(4, Network::GOOD, seed);
        cluster.network = network;
        for interface in ["a", "b", "c", "d", "e"] {
            let now = cluster.now;
            cluster.call(0, |m| m.set_facts(facts(interface), now));
            cluster.run_for(ms(10));
        }
        let took = cluster.run_until(ms(3_000), |c| all_know(c, 0, &facts("e")));
        assert!(took.is_some_and(|t| t < ms(500)), "{took:?}");
    });
}

#[test]
fn equal_facts_are_no_news() {
    let mut cluster = Cluster::settled(3, Network::GOOD, 1);
    let now = cluster.now;
    cluster.call(0, |m| m.set_facts(facts("eth0"), now));
    cluster.run_for(ms(100));
    cluster.news.clear();
    let now = cluster.now;
    cluster.call(0, |m| m.set_facts(facts("eth0"), now));
    cluster.run_for(ms(100));
    assert_eq!(cluster.news, []);
}

/// Two that cannot hear each other learn each other's facts from a third, also one that joins later.
#[test]
fn facts_are_relayed_where_the_direct_way_is_broken() {
    with_seeds(0..4, |seed| {
        let mut cluster = Cluster::settled(4, Network::GOOD, seed);
        cluster.cut(0, 1);
        cluster.cut(1, 0);
        let now = cluster.now;
        cluster.call(0, |m| m.set_facts(facts("eth0"), now));
        let took = cluster.run_until(ms(3_000), |c| all_know(c, 0, &facts("eth0")));
        assert!(took.is_some_and(|t| t < ms(500)), "{took:?}");
        cluster.kill(1);
        cluster.run_for(ms(2_000));
        cluster.start(1);
        let took = cluster.run_until(ms(10_000), |c| all_know(c, 0, &facts("eth0")));
        assert!(took.is_some(), "a newcomer never hears them");
    });
}

#[test]
fn a_restart_voids_the_old_facts() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(3, Network { delay: (50, 5_000), ..Network::GOOD }, seed);
        let now = cluster.now;
        cluster.call(0, |m| m.set_facts(facts("eth0"), now));
        cluster.run_for(ms(100));
        cluster.kill(0);
        cluster.start(0);
        let now = cluster.now;
        cluster.call(0, |m| m.set_facts(facts("eth1"), now));
        let took = cluster.run_until(ms(2_000), |c| c.agreed() && all_know(c, 0, &facts("eth1")));
        assert!(took.is_some_and(|t| t < ms(300)), "{took:?}");
    });
}
