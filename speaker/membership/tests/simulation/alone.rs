//! Nobody answers although the API calls their nodes ready: somebody has to be told.

use herald_membership::{Alone, DropReason, KeyRing, Timing};

use crate::cluster::{Cluster, Network, News, ms, name};

fn say_all_ready(cluster: &mut Cluster, node: usize) {
    let (now, all) = (cluster.now, 0..cluster.len());
    cluster.call(node, |m| m.set_ready(all.map(name), now));
}

fn told(cluster: &Cluster, node: usize) -> Vec<Option<Alone>> {
    let told = |(_, by, news): &(_, usize, News)| match news {
        News::Alone(alone) if *by == node => Some(*alone),
        _ => None,
    };
    cluster.news.iter().filter_map(told).collect()
}

#[test]
fn whoever_is_cut_off_says_so_after_a_while_and_takes_it_back() {
    let after = Timing::default().alone_after;
    let mut cluster = Cluster::settled(4, Network::GOOD, 1);
    (0..4).for_each(|node| say_all_ready(&mut cluster, node));
    cluster.divide(|n| u8::from(n == 0));
    cluster.run_for(after);
    assert_eq!(told(&cluster, 0), [], "not at once");
    cluster.run_for(ms(2_000));
    let alone = Alone { ready: 3, refused: None };
    assert_eq!(told(&cluster, 0), [Some(alone)]);
    assert_eq!(cluster.membership(0).alone(), Some(alone));
    assert_eq!(told(&cluster, 1), [], "the others have each other");
    cluster.heal();
    cluster.run_for(ms(500));
    assert_eq!(told(&cluster, 0), [Some(alone), None]);
    assert_eq!(cluster.membership(0).alone(), None);
}

#[test]
fn another_key_is_told_apart_from_silence() {
    let mut cluster = Cluster::cold(2, Network::GOOD, 1);
    cluster.start(0);
    cluster.keys = KeyRing::new(b"a different key!", None, None).unwrap();
    cluster.start(1);
    (0..2).for_each(|node| say_all_ready(&mut cluster, node));
    cluster.run_for(ms(40_000));
    let alone = Alone { ready: 1, refused: Some(DropReason::WrongKey) };
    assert_eq!(told(&cluster, 0), [Some(alone)]);
    assert_eq!(told(&cluster, 1), [Some(alone)]);
}

#[test]
fn nobody_else_to_be_expected_is_not_alone() {
    let mut cluster = Cluster::settled(3, Network::GOOD, 1);
    say_all_ready(&mut cluster, 0);
    (1..3).for_each(|node| cluster.kill(node));
    let now = cluster.now;
    // Their nodes are down as well; or there are none.
    cluster.call(0, |m| m.set_ready([name(0)], now));
    cluster.run_for(ms(60_000));
    assert_eq!(told(&cluster, 0), []);
    let mut cluster = Cluster::settled(1, Network::GOOD, 1);
    say_all_ready(&mut cluster, 0);
    cluster.run_for(ms(60_000));
    assert_eq!(told(&cluster, 0), []);
}
