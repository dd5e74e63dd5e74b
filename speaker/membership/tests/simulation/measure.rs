//! The numbers of `docs/decisions/0040-membership-timing.md`, by
//! `cargo test -p herald-membership --test simulation measure -- --ignored --nocapture`.

use std::time::Duration;

use crate::cluster::{Cluster, Network, News, ms, name};
use crate::detection::detection_times;
use crate::watch::silent_node_is_missed;

#[test]
#[ignore = "takes minutes; prints the table of the decision record"]
fn measure_detection() {
    for (nodes, seeds) in [(2, 1_000), (3, 1_000), (5, 1_000), (7, 1_000), (10, 1_000), (30, 60), (100, 5)] {
        for loss in [0.0, 0.05] {
            let times = detection_times(nodes, Network { loss, ..Network::GOOD }, 0..seeds);
            let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_millis();
            println!(
                "{nodes:3} nodes, {:2.0} % lost: median {} p90 {} p99 {} worst {} ms",
                loss * 100.0,
                at(50),
                at(90),
                at(99),
                at(100)
            );
        }
    }
}

#[test]
#[ignore = "takes minutes; prints the table of the decision record"]
fn measure_false_alarms() {
    const HOURS: u64 = 2;
    for nodes in [3, 5, 10] {
        for loss in [0.05, 0.1, 0.2, 0.3] {
            let mut cluster = Cluster::settled(nodes, Network { loss, twice: 0.01, delay: (50, 2_000) }, 7);
            cluster.run_for(Duration::from_secs(HOURS * 3_600));
            let alarms = cluster.news.iter().filter(|(_, _, news)| matches!(news, News::Down { .. })).count();
            println!("{nodes:3} nodes, {:2.0} % lost: {alarms} false alarms in {HOURS} h", loss * 100.0);
        }
    }
}

#[test]
#[ignore = "takes a minute; prints the table of the decision record"]
fn measure_cost() {
    for nodes in [3usize, 10, 30, 100] {
        let mut cluster = Cluster::new(nodes, Network::GOOD, 1);
        let joined = cluster.run_until(ms(3_000), Cluster::agreed);
        println!("{nodes:3} nodes join: {joined:?} after the last start, {} datagrams", cluster.datagrams);
        cluster.run_for(ms(1_000));
        let sent = |c: &Cluster| -> (u64, u64) {
            let count = |n| c.membership(n).counters();
            (0..c.len()).map(count).fold((0, 0), |(d, b), c| (d + c.sent, b + c.sent_bytes))
        };
        let before = sent(&cluster);
        cluster.run_for(ms(5_000));
        let after = sent(&cluster);
        let (datagrams, bytes) = (after.0 - before.0, after.1 - before.1);
        println!(
            "{nodes:3} nodes idle: {} datagrams/s each of {} bytes",
            datagrams / 5 / nodes as u64,
            bytes / datagrams
        );
        cluster.divide(|n| u8::from(n < nodes / 2));
        cluster.run_for(ms(3_000));
        let before = cluster.datagrams;
        cluster.heal();
        let healed = cluster.run_until(ms(5_000), Cluster::agreed);
        println!("{nodes:3} nodes heal: {healed:?}, {} datagrams", cluster.datagrams - before);
    }
}

/// What a datagram costs among so many others, sealing, opening and the simulation's own work included.
#[test]
#[ignore = "takes a minute; compares two versions on one machine"]
fn measure_datagrams() {
    let spent = || -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
    };
    for nodes in [10usize, 100, 200] {
        let mut cluster = Cluster::settled(nodes, Network::GOOD, 1);
        for node in 0..nodes {
            let now = cluster.now;
            cluster.call(node, |membership| membership.set_ready((0..nodes).filter(|n| *n != node).map(name), now));
        }
        let (begun, before) = (spent(), cluster.datagrams);
        cluster.run_for(ms(1_000));
        let datagrams = cluster.datagrams - before;
        println!("{nodes:3} nodes: {} ns for each of {datagrams} datagrams", (spent() - begun) / datagrams);
    }
}

/// How long a node may get no processor before somebody calls it dead.
#[test]
#[ignore = "takes a minute; prints the table of the decision record"]
fn measure_stalls() {
    for nodes in [3, 10] {
        for stall in [250, 300, 350, 375, 400, 450, 500, 600] {
            let missed = (0..200u64).filter(|seed| {
                let mut cluster = Cluster::settled(nodes, Network::GOOD, *seed);
                cluster.run_for(ms(seed * 7 % 100));
                cluster.stall(0, ms(stall));
                cluster.run_for(ms(stall + 500));
                cluster.news.iter().any(|(_, _, news)| matches!(news, News::Down { .. }))
            });
            println!("{nodes:3} nodes, one stalls for {stall} ms: missed in {} of 200 runs", missed.count());
        }
    }
}

/// How long until the first successor of a node that fell silent knows, and until everybody knows: by SWIM alone, and
/// with the fast watch.
#[test]
#[ignore = "takes minutes; prints the table of the decision record"]
fn measure_fast_watch() {
    let at = |times: &mut Vec<Duration>, percent: usize| {
        times.sort_unstable();
        times[(times.len() - 1) * percent / 100].as_millis()
    };
    for (nodes, seeds) in [(3, 500), (5, 500), (10, 300), (50, 20), (100, 6)] {
        for (watched, loss) in [(false, 0.0), (true, 0.0), (true, 0.05)] {
            let (mut first, mut all) = (Vec::new(), Vec::new());
            for seed in 0..seeds {
                let network = Network { loss, ..Network::GOOD };
                let (successor, everybody) = silent_node_is_missed(nodes, network, watched, seed);
                first.push(successor);
                all.push(everybody);
            }
            println!(
                "{nodes:3} nodes, watched: {watched:5}, {:2.0} % lost: successor {} / {} / {} ms, all {} / {} / {} ms",
                loss * 100.0,
                at(&mut first, 50),
                at(&mut first, 99),
                at(&mut first, 100),
                at(&mut all, 50),
                at(&mut all, 99),
                at(&mut all, 100),
            );
        }
    }
}

/// Both cores are busy: every timer late, somebody always stalled. How often somebody is called quiet, and down.
#[test]
#[ignore = "takes minutes; prints the table of the decision record"]
fn measure_false_quiet() {
    const MINUTES: u64 = 30;
    for (what, loss, lateness, stall) in [
        ("idle", 0.0, 1_000, 0),
        ("1 % lost", 0.01, 1_000, 0),
        ("5 % lost", 0.05, 1_000, 0),
        ("timers up to 30 ms late", 0.0, 30_000, 0),
        ("stalls up to 100 ms", 0.0, 10_000, 100),
        ("stalls up to 200 ms", 0.0, 30_000, 200),
        ("stalls up to 200 ms, 1 % lost", 0.01, 30_000, 200),
    ] {
        let mut cluster = Cluster::settled(3, Network { loss, twice: 0.01, delay: (50, 2_000) }, 7);
        for node in 0..3 {
            let now = cluster.now;
            cluster.call(node, |m| m.watch([name((node + 1) % 3)], now));
        }
        cluster.run_for(ms(500));
        cluster.news.clear();
        cluster.lateness = lateness;
        for round in 0..MINUTES * 240 {
            if stall > 0 {
                cluster.stall(usize::try_from(round * 7 % 3).unwrap(), ms(1 + round * 37 % stall));
            }
            cluster.run_for(ms(250));
        }
        let count = |wanted: fn(&News) -> bool| cluster.news.iter().filter(|(_, _, news)| wanted(news)).count();
        let discarded: u64 = (0..3).map(|n| cluster.membership(n).counters().watch_discarded).sum();
        println!(
            "{what}: quiet {}, down {}, windows discarded {discarded}, in {MINUTES} min of 3 nodes",
            count(|news| matches!(news, News::Quiet { .. })),
            count(|news| matches!(news, News::Down { .. })),
        );
    }
}
