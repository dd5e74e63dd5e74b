//! A restart, as an upgrade is one, changes nothing.

use std::time::Duration;

use anyhow::Result;
use herald_lab::cluster::Options;
use herald_tests::PATIENCE;
use herald_tests::witness::Record;

use super::{CROWD_PATIENCE, LARGE, SHOP, services, stage};

/// Longer than anything is put off.
const CALM: Duration = Duration::from_secs(2);

/// Services that are there.
const PRESENT: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_moves_nothing_and_writes_nothing() -> Result<()> {
    let (mut stage, witness) = stage(Options::control_plane(), LARGE).await?;
    let (client, crowd) = (stage.client(), services());
    crowd.create(&client, 0..PRESENT).await?;
    witness.all_served(SHOP, PRESENT, CROWD_PATIENCE).await?;
    // What is said about the announcement comes later, and paced.
    witness.quiet(CALM, CROWD_PATIENCE).await?;
    let before = witness.look(Record::versions);

    let status = stage.cluster.controller()?.terminate(PATIENCE)?;
    assert!(status.success(), "{status}");
    stage.cluster.start_controller()?;
    stage.cluster.controller_ready().await?;
    // It is there and at work: a new Service is served.
    crowd.create_one(&client, PRESENT).await?;
    witness.served(SHOP, &crowd.name(PRESENT), PATIENCE).await?;
    witness.quiet(CALM, CROWD_PATIENCE).await?;
    let mut after = witness.look(Record::versions);
    after.remove(&format!("{SHOP}/{}", crowd.name(PRESENT)));
    assert_eq!(before, after, "no Service was written to");
    witness.verdict()
}
