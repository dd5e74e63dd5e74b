//! The API server is away, has forgotten, or is slow.

use std::time::Duration;

use anyhow::Result;
use herald_lab::apiserver::Profile;
use herald_lab::cluster::Options;
use nix::sys::signal::Signal;

use super::{CROWD_PATIENCE, LARGE, SHOP, services, stage};

/// Services created at once.
const BURST: usize = 300;

/// Slow enough that a burst lasts for seconds.
const PACE: Profile =
    Profile { write: Duration::from_millis(8), jitter: Duration::from_millis(2), writes_per_second: 200 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outages_in_a_burst_lose_nothing() -> Result<()> {
    let (stage, witness) = stage(Options::control_plane(), LARGE).await?;
    let server = stage.cluster.control_plane().embedded()?;
    server.set_profile(Some(PACE));
    let creation = services().create_meanwhile(&stage.client(), 0..BURST);
    for third in 1..=3 {
        let progress = third * BURST / 4;
        let what = format!("{progress} Services served before outage {third}");
        let served = |count: usize| (count >= progress).then_some(());
        witness.until(&what, CROWD_PATIENCE, |record| served(record.addresses().len())).await?;
        server.stop_serving();
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.resume();
    }
    creation.await??;
    witness.all_served(SHOP, BURST, CROWD_PATIENCE).await?;
    witness.verdict()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_in_a_forgotten_history_is_found_out() -> Result<()> {
    // As many addresses as Services at the end: what is gone must be given back.
    let (stage, witness) = stage(Options::control_plane(), &["10.10.0.1-10.10.0.60"]).await?;
    let server = stage.cluster.control_plane().embedded()?;
    let (client, crowd) = (stage.client(), services());
    crowd.create(&client, 0..60).await?;
    witness.all_served(SHOP, 60, CROWD_PATIENCE).await?;
    let before = witness.addresses();

    // It does not see these changes, and can't be told of them afterwards.
    stage.cluster.controller()?.signal(Signal::SIGSTOP)?;
    for number in 0..20 {
        crowd.delete_one(&client, number).await?;
    }
    crowd.create(&client, 60..80).await?;
    server.restart();
    stage.cluster.controller()?.signal(Signal::SIGCONT)?;

    witness.all_served(SHOP, 60, CROWD_PATIENCE).await?;
    let after = witness.addresses();
    for number in 20..60 {
        let name = format!("{SHOP}/{}", crowd.name(number));
        assert_eq!(before.get(&name), after.get(&name), "{name} keeps its address");
    }
    witness.verdict()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_only_takes_longer() -> Result<()> {
    let (stage, witness) = stage(Options::control_plane(), LARGE).await?;
    let server = stage.cluster.control_plane().embedded()?;
    server.set_delay(Duration::from_millis(200));
    let (client, crowd) = (stage.client(), services());
    crowd.create(&client, 0..BURST).await?;
    witness.all_served(SHOP, BURST, CROWD_PATIENCE).await?;
    server.set_delay(Duration::ZERO);
    witness.verdict()
}
