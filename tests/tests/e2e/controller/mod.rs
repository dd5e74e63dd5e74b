//! The controller through crowds, crashes and outages.
//!
//! These labs have a control plane alone. A [`Witness`] sees every change of
//! every Service from the first on; whatever else a test shows, no address was
//! ever on two Services and none has moved.

mod killed;
mod namespaces;
mod outages;
mod restart;
mod standby;

use std::time::Duration;

use anyhow::Result;
use herald_lab::cluster::{Leader, Options};
use herald_tests::crowd::{self, Crowd};
use herald_tests::witness::Witness;
use herald_tests::{PATIENCE, Stage, eventually};

/// How long a crowd may take to be served, on a busy machine too.
const CROWD_PATIENCE: Duration = Duration::from_secs(90);

/// The namespace of the tests' Services.
const SHOP: &str = "shop";

/// A pool with room for everybody.
const LARGE: &[&str] = &["10.10.0.0/16"];

/// A control plane with controllers, a namespace and a pool, watched.
async fn stage(options: Options, addresses: &[&str]) -> Result<(Stage, Witness)> {
    let stage = Stage::with(options).await?;
    let client = stage.client();
    let witness = Witness::start(client.clone(), PATIENCE).await?;
    crowd::namespace(&client, SHOP).await?;
    stage.apply(&crowd::pool("pool", addresses, true)).await?;
    Ok((stage, witness))
}

/// The tests' Services.
fn services() -> Crowd {
    Crowd::new(SHOP)
}

/// Two controllers that notice soon when the other one is gone. (Not sooner: in the paced server's queue a renewal
/// waits behind all the other writes, for a second at times.)
fn two() -> Options {
    let timing = [
        "--leader-elect-lease-duration=2s",
        "--leader-elect-renew-deadline=1500ms",
        "--leader-elect-retry-period=300ms",
    ];
    Options { controllers: 2, controller_flags: timing.map(Into::into).into(), ..Options::control_plane() }
}

/// Waits until one leads that is not `before`.
async fn leader_after(stage: &Stage, before: Option<&Leader>) -> Result<Leader> {
    eventually("another leader", async || Ok(stage.cluster.leader().await?.filter(|now| Some(now) != before))).await
}
