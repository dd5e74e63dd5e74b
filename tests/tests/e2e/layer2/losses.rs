//! The owner is lost: another node owns the address within a second. Its speaker alone is lost: nobody notices but who asks.

use std::time::Duration;

use anyhow::{Result, ensure};
use herald_lab::neighbors::NeighborTable;
use herald_lab::probe::{ConnectProbe, NeighborProbe};
use herald_lab::{clock, scene};
use herald_tests::layer2::{Arena, Family, Scenario, Setup};
use herald_tests::{CALM, PATIENCE};

use super::{bounded, play};

/// How long a client may send to a node that only stood in for the owner.
const FOUND: Duration = Duration::from_secs(2);

async fn lost_owners_are_replaced(family: Family) -> Result<()> {
    let rows = play(family, &[Scenario::SpeakerKilled, Scenario::NodeSilent, Scenario::CarrierDown]).await?;
    for row in &rows {
        bounded(row);
        if ["speaker_killed", "speaker_started_again"].contains(&row.step.as_str()) {
            assert!(!row.moved() && row.flips == 0, "its node lives and forwards: {row:#?}");
            assert_eq!((row.lost, row.reset, row.stalled), (0, 0, 0), "{row:#?}");
        }
        let is_loss = ["node_silent", "carrier_down"].contains(&row.step.as_str());
        assert!(row.moved() || !is_loss, "somebody else owns it: {row:#?}");
        assert!(!(row.stale() && is_loss), "who knew the old owner knows the new one: {row:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_owners_are_replaced_within_a_second() -> Result<()> {
    lost_owners_are_replaced(Family::IPv4).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_owners_are_replaced_within_a_second_in_ipv6_too() -> Result<()> {
    lost_owners_are_replaced(Family::IPv6).await
}

/// So short that the owner itself has noticed nothing: it has to learn that it was missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_find_an_owner_again_that_was_cut_off_for_a_moment() -> Result<()> {
    let arena = Arena::in_turn(Setup::new(3, Family::IPv4)).await?;
    let ground = arena.ground();
    let owner = ground.owner().await?;
    let (switch, mac) = (ground.topology.switch(), ground.topology.node(&owner)?.station.mac());
    // What keeps the user's kernel from asking again: it is answered all the time.
    let connect = ConnectProbe::start(ground.user()?, ground.address, 80)?;
    let asker = NeighborProbe::start(ground.asker()?, ground.address)?;
    let table = NeighborTable::of(ground.user()?)?;
    for turn in 1..=5 {
        asker.wait_for(clock::now(), PATIENCE, |answer| answer.mac == mac)?;
        let cut = clock::now();
        switch.cut(&owner)?;
        asker.wait_for(cut, PATIENCE, |answer| answer.mac != mac)?;
        switch.heal(&owner)?;
        let healed = clock::now();
        ensure!(scene::settled(ground.topology, &asker, CALM, PATIENCE).await? == owner, "it is the first");
        while table.lookup(ground.address)? != Some(mac) {
            ensure!(clock::now() < healed + FOUND, "turn {turn}: a client still sends to who stood in for {owner}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    drop(connect);
    Ok(())
}
