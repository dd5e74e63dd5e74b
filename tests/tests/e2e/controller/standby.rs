//! Another controller stands by.

use std::time::Duration;

use anyhow::{Result, ensure};
use herald_lab::apiserver::Profile;
use herald_lab::clock;
use herald_lab::cluster::Options;
use herald_tests::PATIENCE;
use nix::sys::signal::Signal;

use super::{CROWD_PATIENCE, LARGE, SHOP, leader_after, services, stage, two};

/// Services created at once.
const BURST: usize = 300;

/// Slow enough that a burst lasts for seconds.
const PACE: Profile =
    Profile { write: Duration::from_millis(8), jitter: Duration::from_millis(2), writes_per_second: 130 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_paused_finds_another_and_spoils_nothing() -> Result<()> {
    let (stage, witness) = stage(two(), LARGE).await?;
    stage.cluster.control_plane().embedded()?.set_profile(Some(PACE));
    let creation = services().create_meanwhile(&stage.client(), 0..BURST);
    let mut paused = None;
    for progress in [BURST / 5, BURST / 2] {
        let leader = leader_after(&stage, paused.as_ref()).await?;
        let enough = |count: usize| (count >= progress).then_some(());
        witness.until("a part of them served", CROWD_PATIENCE, |record| enough(record.addresses().len())).await?;
        // It has decided and not sent; it wakes when another one has been at work for a while.
        stage.cluster.replica(leader.replica)?.signal(Signal::SIGSTOP)?;
        leader_after(&stage, Some(&leader)).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        stage.cluster.replica(leader.replica)?.signal(Signal::SIGCONT)?;
        paused = Some(leader);
    }
    creation.await??;
    witness.all_served(SHOP, BURST, CROWD_PATIENCE).await?;
    witness.verdict()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_ends_hands_over_at_once() -> Result<()> {
    // With the default timing: nobody waits for a Lease that was given back.
    let (mut stage, witness) = stage(Options { controllers: 2, ..Options::control_plane() }, LARGE).await?;
    let (client, crowd) = (stage.client(), services());
    crowd.create(&client, 0..50).await?;
    witness.all_served(SHOP, 50, CROWD_PATIENCE).await?;
    let mut leader = leader_after(&stage, None).await?;
    for number in 50..53 {
        stage.cluster.replica(leader.replica)?.signal(Signal::SIGTERM)?;
        let asked = clock::now();
        crowd.create_one(&client, number).await?;
        let served = witness.served(SHOP, &crowd.name(number), PATIENCE).await? - asked;
        ensure!(served < Duration::from_secs(2), "a new Service waited {served:?}");
        let status = stage.cluster.replica(leader.replica)?.wait(PATIENCE)?;
        ensure!(status.success(), "the leader ended with {status}");
        stage.cluster.start_replica(leader.replica)?;
        stage.cluster.replica_ready(leader.replica).await?;
        leader = leader_after(&stage, Some(&leader)).await?;
    }
    witness.verdict()
}
