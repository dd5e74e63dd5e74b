//! An owner is lost: what the scenarios of [`super::layer2`] don't show.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use herald_lab::probe::ConnectProbe;
use herald_lab::{clock, scene};
use herald_tests::{CALM, PATIENCE, Stage};
use nix::sys::signal::Signal;

/// What DESIGN-level budgets promise for the loss of an owner.
const BUDGET: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_lost_in_silence_is_replaced_within_a_second_and_comes_back_quietly() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    let before = stage.settled(&probe).await?;
    let lab = stage.cluster.topology();

    let connect = ConnectProbe::start(stage.user()?, address, 80)?;
    tokio::time::sleep(CALM).await;
    let cut = clock::now();
    lab.switch().cut(&before)?;
    let takeover = scene::taken_over(&stage.cluster, &probe, &before, cut, PATIENCE).await?;
    tokio::time::sleep(CALM).await;
    let record = connect.stop()?;
    let gap = record.longest_silence(cut - CALM);
    assert!(takeover.gap <= BUDGET, "a new client waited {:?}", takeover.gap);
    assert!(gap <= BUDGET, "nobody could connect for {gap:?}");
    assert!(record.attempts.last().is_some_and(|last| last.answered.is_some()), "and then one could again");

    // What the lost node said meanwhile reached nobody; what it says after
    // coming back is over soon.
    let healed = clock::now();
    lab.switch().heal(&before)?;
    tokio::time::sleep(CALM).await;
    let owner = stage.settled(&probe).await?;
    let two = probe.record().two_owners(healed);
    assert!(two <= Duration::from_secs(1), "two owners for {two:?}");
    let mac = lab.node(&owner)?.station.mac();
    // The calm that was waited for begins with the last answer of the other one.
    let since = clock::now() - CALM / 2;
    let claims = stage.capture.claims_seen_by("client2", address, since);
    let claimants: BTreeSet<_> = claims.iter().map(|claim| claim.frame.sender_mac).collect();
    assert_eq!(claimants, BTreeSet::from([mac]), "{owner} alone");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failover_does_not_need_the_api_server() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    let before = stage.settled(&probe).await?;
    stage.cluster.control_plane().embedded()?.stop_serving();
    let away = clock::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(probe.record().flips(away), 0, "what is announced stays announced");
    let lost = clock::now();
    stage.cluster.topology().switch().cut(&before)?;
    let takeover = scene::taken_over(&stage.cluster, &probe, &before, lost, PATIENCE).await?;
    assert!(takeover.gap <= BUDGET, "a new client waited {:?}", takeover.gap);
    let killed = clock::now();
    stage.cluster.speaker(&takeover.owner)?.signal(Signal::SIGKILL)?;
    let again = scene::answered_again(&stage.cluster, &probe, killed, PATIENCE).await?;
    assert_eq!(again.owner, takeover.owner, "its node lives and forwards");
    assert!(again.gap <= BUDGET, "a new client waited {:?}", again.gap);
    stage.cluster.control_plane().embedded()?.resume();
    stage.settled(&probe).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_both_programs_cleanly() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    let before = stage.settled(&probe).await?;
    let status = stage.cluster.speaker(&before)?.terminate(PATIENCE)?;
    assert!(status.success(), "{status}");
    stage.settled(&probe).await?;
    let status = stage.cluster.controller()?.terminate(PATIENCE)?;
    assert!(status.success(), "{status}");
    Ok(())
}
