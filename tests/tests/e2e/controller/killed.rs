//! kill -9 of the leader in a burst, again and again.

use std::time::Duration;

use anyhow::{Result, ensure};
use herald_lab::apiserver::Profile;
use nix::sys::signal::Signal;

use super::{CROWD_PATIENCE, LARGE, SHOP, leader_after, services, stage, two};

/// Services created at once.
const BURST: usize = 1000;

/// How often the leader is killed.
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_killed_twenty_times_in_a_burst_double_and_move_nothing() -> Result<()> {
    let (mut stage, witness) = stage(two(), LARGE).await?;
    // Slow enough that every kill finds writes under way.
    let pace = Profile { write: Duration::from_millis(8), jitter: Duration::from_millis(4), writes_per_second: 800 };
    stage.cluster.control_plane().embedded()?.set_profile(Some(pace));

    let creation = services().create_meanwhile(&stage.client(), 0..BURST);
    let mut killed = None;
    for kill in 1..=KILLS {
        let leader = leader_after(&stage, killed.as_ref()).await?;
        if kill % 2 == 0 {
            // While it hands out addresses.
            let progress = kill * BURST / (KILLS + 1);
            let what = format!("{progress} Services served before kill {kill}");
            let enough = |count: usize| (count >= progress).then_some(());
            witness.until(&what, CROWD_PATIENCE, |record| enough(record.addresses().len())).await?;
        } else {
            // While it finds its way in.
            tokio::time::sleep(Duration::from_millis(37 * u64::try_from(kill)? % 300)).await;
        }
        let served = witness.addresses().len();
        ensure!(served < BURST, "the burst was over before kill {kill}");
        stage.cluster.replica(leader.replica)?.signal(Signal::SIGKILL)?;
        stage.cluster.start_replica(leader.replica)?;
        killed = Some(leader);
    }
    creation.await??;
    witness.all_served(SHOP, BURST, CROWD_PATIENCE).await?;
    witness.verdict()
}
