//! Anything may happen for a while; then all must be well.

use herald_membership::{Facts, Freshness, Leave};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::cluster::{Cluster, Network, ms, name, with_seeds};

fn one_blow(cluster: &mut Cluster, rng: &mut StdRng) {
    let node = rng.random_range(0..cluster.len());
    let now = cluster.now;
    match rng.random_range(0..10) {
        0 | 1 if cluster.running(node) => cluster.kill(node),
        0..=3 if !cluster.running(node) => cluster.start(node),
        2 if cluster.running(node) => {
            cluster.leave(
                node,
                if now.as_millis().is_multiple_of(2) { Leave::Stop } else { Leave::Restart { grace: ms(5_000) } },
            );
            cluster.run_for(ms(310));
            cluster.kill(node);
        }
        4 => cluster.stall(node, ms(rng.random_range(1..1_500))),
        5 => {
            let border = rng.random_range(1..cluster.len());
            cluster.divide(|n| u8::from(n < border));
        }
        6 | 7 => cluster.heal(),
        8 => cluster.cut(node, rng.random_range(0..cluster.len())),
        _ if cluster.running(node) => {
            let protocol = rng.random_range(0..9);
            let facts = Facts { protocol, freshness: Freshness::Current, ..Facts::default() };
            cluster.call(node, |m| m.set_facts(facts, now));
        }
        _ => {}
    }
}

#[test]
fn after_any_storm_all_agree() {
    with_seeds(0..80, |seed| {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xC0FFEE);
        let nodes = rng.random_range(2..=7);
        let network = Network {
            loss: rng.random_range(0.0..0.3),
            twice: rng.random_range(0.0..0.2),
            delay: (50, rng.random_range(100..20_000)),
        };
        let mut cluster = Cluster::new(nodes, network, seed);
        for _ in 0..20 {
            one_blow(&mut cluster, &mut rng);
            let pause = rng.random_range(0..400);
            cluster.run_for(ms(pause));
        }
        cluster.heal();
        cluster.network = Network::GOOD;
        cluster.run_for(ms(2_500));
        for node in 0..nodes {
            if !cluster.running(node) {
                cluster.start(node);
            }
        }
        let merged = cluster.run_until(ms(3_000), Cluster::agreed);
        assert!(merged.is_some_and(|t| t < ms(500)), "merged after {merged:?}");
        cluster.news.clear();
        cluster.run_for(ms(1_500));
        cluster.expect_all_alive();
        let said = |n: usize| cluster.membership(n).facts();
        for (one, two) in (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            let known = cluster.membership(one).member(&name(two)).unwrap();
            assert_eq!(known.facts, Some(said(two)), "what {one} knows of {two}");
            assert!(cluster.membership(one).started());
        }
    });
}
