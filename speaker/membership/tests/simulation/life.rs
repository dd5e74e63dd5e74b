//! Starting, restarting, leaving.

use herald_membership::{Digest, DownReason, Facts, Freshness, Leave, Phase};

use crate::cluster::{Cluster, Network, News, ms, with_seeds};

fn started_at(cluster: &Cluster, node: usize) -> Option<u64> {
    let started = cluster.news.iter().find(|(_, n, news)| *n == node && *news == News::Started)?;
    Some(u64::try_from(started.0.as_millis()).unwrap())
}

#[test]
fn start_up_silence_lasts_a_second_if_nobody_answers() {
    let mut cluster = Cluster::cold(3, Network::GOOD, 1);
    let begin = cluster.now;
    cluster.start(1);
    cluster.run_for(ms(3_000));
    let silence = started_at(&cluster, 1).unwrap() - u64::try_from(begin.as_millis()).unwrap();
    assert!((1_000..1_050).contains(&silence), "{silence} ms");
}

#[test]
fn a_cluster_of_one_starts_at_once() {
    let mut cluster = Cluster::cold(1, Network::GOOD, 1);
    cluster.start(0);
    assert!(cluster.membership(0).started());
}

/// With everybody there it takes a round trip; and whoever starts knows the others first.
#[test]
fn start_up_ends_when_all_answered_and_not_before_they_are_known() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(5, Network { loss: 0.05, ..Network::GOOD }, seed);
        cluster.kill(4);
        cluster.run_for(ms(3_000));
        cluster.news.clear();
        cluster.start(4);
        let took = cluster.run_until(ms(5_000), |c| c.membership(4).started()).expect("starts");
        assert!(took < ms(200), "{took:?}");
        assert_eq!(cluster.alive(4).len(), 4, "it starts knowing everybody");
    });
}

/// One listed node is dead: the start does not wait for it longer than the others need.
#[test]
fn a_dead_node_does_not_hold_up_a_start() {
    let mut cluster = Cluster::settled(4, Network::GOOD, 3);
    cluster.kill(0);
    cluster.kill(3);
    cluster.run_for(ms(3_000));
    cluster.start(3);
    let took = cluster.run_until(ms(5_000), |c| c.membership(3).started()).expect("starts");
    assert!(took < ms(400), "{took:?}");
    assert_eq!(cluster.alive(3).len(), 2);
}

/// Also if its next process had no time to decide anything.
#[test]
fn who_restarts_is_told_what_it_owned_before_it_starts() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(4, Network { loss: 0.02, ..Network::GOOD }, seed);
        let facts =
            Facts { protocol: 1, freshness: Freshness::Current, owned: Digest::of(["192.0.2.1"]), ..Facts::default() };
        let now = cluster.now;
        cluster.call(1, |membership| membership.set_facts(facts.clone(), now));
        cluster.run_for(ms(500));
        let leave = Leave::Restart { grace: ms(10_000) };
        for round in 0..2 {
            cluster.leave(1, leave);
            cluster.run_for(ms(350));
            cluster.kill(1);
            cluster.run_for(ms(700));
            cluster.news.clear();
            cluster.start(1);
            cluster.run_until(ms(5_000), |c| c.membership(1).started()).expect("starts");
            let mine = cluster.news.iter().filter(|(_, node, _)| *node == 1).map(|(_, _, news)| news);
            let mine: Vec<_> = mine.take_while(|news| **news != News::Started).collect();
            let former = mine.iter().find_map(|news| if let News::Former(facts) = news { Some(facts) } else { None });
            let expected = Facts { phase: Phase::from(leave), ..facts.clone() };
            assert_eq!(former, Some(&expected), "round {round}: {mine:?}");
        }
        // What it owns now is its own to say; who dies without a word has nothing to come back to.
        let now = cluster.now;
        cluster.call(1, |membership| membership.set_facts(facts.clone(), now));
        cluster.run_for(ms(500));
        cluster.kill(1);
        cluster.run_for(ms(2_000));
        cluster.news.clear();
        cluster.start(1);
        cluster.run_for(ms(1_000));
        assert!(!cluster.news.iter().any(|(_, _, news)| matches!(news, News::Former(_))));
    });
}

#[test]
fn a_quick_restart_is_no_death_but_a_new_process() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(4, Network::GOOD, seed);
        cluster.kill(2);
        cluster.run_for(ms(150));
        cluster.start(2);
        cluster.run_for(ms(2_000));
        cluster.expect_all_alive();
        let boot = cluster.membership(0).member("node-002").unwrap().boot_id;
        for node in [0, 1, 3] {
            let ups = cluster.news.iter().filter(|(_, n, news)| *n == node && *news == News::Up { node: 2, boot });
            assert_eq!(ups.count(), 1, "node {node} says once that a new process runs");
            let down = |news: &News| matches!(news, News::Down { .. });
            assert!(!cluster.news.iter().any(|(_, n, news)| *n == node && down(news)), "{:?}", cluster.news);
        }
    });
}

#[test]
fn a_node_that_was_missed_comes_back_at_once() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(4, Network::GOOD, seed);
        cluster.kill(2);
        cluster.run_for(ms(3_000));
        cluster.start(2);
        let took = cluster.run_until(ms(3_000), Cluster::agreed);
        assert!(took.is_some_and(|t| t < ms(50)), "{took:?}");
    });
}

/// After a reboot the clock is behind: the new process looks older than the old one.
#[test]
fn a_clock_that_went_back_locks_nobody_out() {
    with_seeds(0..10, |seed| {
        for pause in [100, 3_000] {
            let mut cluster = Cluster::settled(4, Network::GOOD, seed);
            cluster.kill(2);
            cluster.run_for(ms(pause));
            cluster.start_with_boot(2, 5);
            let took = cluster.run_until(ms(3_000), |c| {
                c.agreed() && (0..4).all(|n| n == 2 || c.membership(n).member("node-002").unwrap().boot_id == 5)
            });
            assert!(took.is_some_and(|t| t < ms(400)), "after {pause} ms: {took:?}");
            assert!(cluster.membership(2).counters().identity_conflicts > 0);
        }
    });
}

#[test]
fn who_stops_is_let_go_at_once_and_everybody_knows_why() {
    with_seeds(0..10, |seed| {
        let mut cluster = Cluster::settled(5, Network { loss: 0.05, ..Network::GOOD }, seed);
        let begin = cluster.now;
        cluster.leave(1, Leave::Stop);
        let left = |c: &Cluster| c.news.iter().any(|(_, n, news)| *n == 1 && matches!(news, News::Left { .. }));
        let took = cluster.run_until(ms(1_000), left).expect("leaves");
        assert!(took <= ms(301), "{took:?}");
        assert!(cluster.news.contains(&(begin + took, 1, News::Left { unacknowledged: 0 })), "{:?}", cluster.news);
        cluster.kill(1);
        cluster.run_for(ms(100));
        cluster.expect_all_alive();
        for node in [0, 2, 3, 4] {
            let reason = DownReason::Left(Phase::Stopping);
            let told = |news: &News| *news == News::Down { node: 1, reason };
            assert!(cluster.news.iter().any(|(_, n, news)| *n == node && told(news)), "{:?}", cluster.news);
        }
    });
}

#[test]
fn who_restarts_is_missed_like_anybody_but_with_its_reason() {
    let mut cluster = Cluster::settled(3, Network::GOOD, 1);
    let how = Leave::Restart { grace: ms(10_000) };
    cluster.leave(1, how);
    cluster.run_for(ms(20));
    assert!(cluster.news.iter().any(|(_, n, news)| *n == 1 && *news == News::Left { unacknowledged: 0 }));
    let phase = cluster.membership(0).member("node-001").unwrap().facts.unwrap().phase;
    assert_eq!(phase, Phase::Restarting { grace: ms(10_000) });
    assert_eq!(cluster.membership(1).next_deadline(), None, "nothing is left to do");
    cluster.kill(1);
    cluster.run_for(ms(2_000));
    let reason = DownReason::Left(phase);
    for node in [0, 2] {
        let told = |news: &News| *news == News::Down { node: 1, reason };
        assert!(cluster.news.iter().any(|(_, n, news)| *n == node && told(news)), "{:?}", cluster.news);
    }
}

#[test]
fn leaving_waits_no_longer_than_agreed_for_the_dead() {
    let mut cluster = Cluster::settled(3, Network::GOOD, 1);
    cluster.kill(2);
    cluster.leave(1, Leave::Stop);
    let left = |c: &Cluster| c.news.iter().any(|(_, n, news)| *n == 1 && *news == News::Left { unacknowledged: 1 });
    let took = cluster.run_until(ms(1_000), left);
    assert!(took.is_some_and(|t| t >= ms(300) && t < ms(310)), "{took:?}");
}

/// Back before it was missed: the caller must still learn that it went, and how, or it would take the new process, which
/// sees nothing yet, for one that has lost everything.
#[test]
fn who_is_back_before_it_was_missed_is_told_gone_first_with_its_reason() {
    with_seeds(0..20, |seed| {
        let network = Network { loss: 0.02, delay: (50, 3_000), ..Network::GOOD };
        let mut cluster = Cluster::settled(4, network, seed);
        let grace = ms(10_000);
        cluster.leave(1, Leave::Restart { grace });
        let left = |c: &Cluster| c.news.iter().any(|(_, n, news)| *n == 1 && matches!(news, News::Left { .. }));
        cluster.run_until(ms(1_000), left).expect("leaves");
        cluster.kill(1);
        cluster.run_for(ms(seed * 10));
        cluster.start(1);
        cluster.run_for(ms(1_000));
        cluster.expect_all_alive();
        let boot = cluster.membership(0).member("node-001").unwrap().boot_id;
        for node in [0, 2, 3] {
            let told: Vec<_> = cluster.news.iter().filter(|(_, n, _)| *n == node).map(|(_, _, news)| news).collect();
            let down = News::Down { node: 1, reason: DownReason::Left(Phase::Restarting { grace }) };
            let down = told.iter().position(|news| **news == down).expect("told gone");
            let up = told.iter().position(|news| **news == News::Up { node: 1, boot }).expect("told back");
            assert!(down < up, "{told:?}");
        }
    });
}
