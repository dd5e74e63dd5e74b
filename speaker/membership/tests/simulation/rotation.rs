//! Keys rotate while the cluster runs: without a restart, without a split.

use herald_membership::{DropReason, KeyRing, SealedWith};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::cluster::{Cluster, Network, News, ms, with_seeds};

const A: &[u8] = b"0123456789abcdef";
const B: &[u8] = b"the new key, much longer";

fn ring(current: &[u8], next: Option<&[u8]>, previous: Option<&[u8]>) -> KeyRing {
    KeyRing::new(current, next, previous).unwrap()
}

fn give(cluster: &mut Cluster, node: usize, keys: &KeyRing) {
    let (now, keys) = (cluster.now, keys.clone());
    cluster.call(node, |m| m.set_keys(keys, now));
}

/// The three steps, each as the kubelets spread it: node after node, in any order, over seconds, with a restart in
/// between. The operator goes on when the metrics say so, and nobody is ever lost.
#[test]
fn a_running_cluster_rotates_by_its_metrics_and_loses_nobody() {
    with_seeds(0..20, |seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        let nodes = rng.random_range(2..=7);
        let network = Network { loss: 0.02, twice: 0.02, delay: (50, 3_000) };
        let mut cluster = Cluster::settled(nodes, network, seed);
        let steps = [ring(A, Some(B), None), ring(B, None, Some(A)), ring(B, None, None)];
        for (number, keys) in steps.iter().enumerate() {
            let mut order: Vec<_> = (0..nodes).collect();
            order.sort_by_key(|_| rng.random::<u32>());
            for node in order {
                give(&mut cluster, node, keys);
                if rng.random_bool(0.1) {
                    // A process that starts in the middle reads the same Secret.
                    cluster.keys = keys.clone();
                    cluster.kill(node);
                    cluster.start(node);
                }
                cluster.run_for(ms(rng.random_range(0..1_000)));
            }
            let others = nodes - 1;
            let done = cluster.run_until(ms(5_000), |c| {
                (0..nodes).map(|n| c.membership(n)).all(|m| match number {
                    0 => m.peers_with_next() == others && m.sealed_with().current == others,
                    1 => m.sealed_with().previous == Some(0),
                    _ => m.sealed_with() == SealedWith { current: others, next: None, previous: None },
                })
            });
            assert!(done.is_some(), "step {number} never shows as done");
        }
        assert!(!cluster.news.iter().any(|(_, _, news)| matches!(news, News::Down { .. })), "{:?}", cluster.news);
        cluster.expect_all_alive();
    });
}

#[test]
fn the_metrics_show_each_node_that_follows() {
    let mut cluster = Cluster::settled(5, Network { loss: 0.02, ..Network::GOOD }, 1);
    for node in 0..5 {
        give(&mut cluster, node, &ring(A, Some(B), None));
        cluster.run_for(ms(500));
        assert_eq!(cluster.membership(0).peers_with_next(), node);
    }
    for node in 0..5 {
        give(&mut cluster, node, &ring(B, None, Some(A)));
        cluster.run_for(ms(500));
        let expected = SealedWith { current: node, next: None, previous: Some(4 - node) };
        assert_eq!(cluster.membership(0).sealed_with(), expected);
        let expected = SealedWith { current: 3 - node.min(3), next: Some(node.min(3) + 1), previous: None };
        if node < 4 {
            assert_eq!(cluster.membership(4).sealed_with(), expected);
        }
    }
    assert_eq!(cluster.news, []);
    for node in 0..5 {
        assert_eq!(cluster.membership(node).counters().dropped(DropReason::WrongKey), 0);
    }
}

/// Who looks right after the Secret was changed, before any kubelet has brought it, must not take the step for done.
#[test]
fn a_step_that_nobody_has_read_does_not_look_done() {
    let mut cluster = Cluster::settled(3, Network::GOOD, 1);
    assert!((0..3).all(|node| cluster.membership(node).peers_with_next() == 0), "nobody has a next key");
    for node in 0..3 {
        give(&mut cluster, node, &ring(A, Some(B), None));
    }
    cluster.run_for(ms(500));
    assert!((0..3).all(|node| cluster.membership(node).peers_with_next() == 2));
    let sealed = |node| cluster.membership(node).sealed_with();
    assert!((0..3).all(|node| sealed(node).previous.is_none()), "nobody has a previous key");
}

#[test]
fn another_key_or_none_keeps_a_node_out() {
    for (keys, reason) in [
        (KeyRing::new(b"a different key!", None, None).unwrap(), DropReason::WrongKey),
        (KeyRing::insecure(), DropReason::Security),
    ] {
        let mut cluster = Cluster::cold(3, Network::GOOD, 1);
        cluster.start(0);
        cluster.start(1);
        cluster.keys = keys;
        cluster.start(2);
        cluster.run_for(ms(3_000));
        assert_eq!(cluster.alive(0).len(), 1);
        assert_eq!(cluster.alive(2).len(), 0);
        assert!(cluster.membership(0).counters().dropped(reason) > 0);
        assert!(cluster.membership(2).counters().dropped(reason) > 0);
        assert_eq!(cluster.membership(0).disagreement(), (1, 0));
    }
}
