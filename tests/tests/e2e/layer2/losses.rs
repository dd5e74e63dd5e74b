//! The owner is lost: another node owns the address within a second.

use anyhow::Result;
use herald_tests::layer2::{Family, Scenario};

use super::{bounded, play};

async fn lost_owners_are_replaced(family: Family) -> Result<()> {
    let rows = play(family, &[Scenario::SpeakerKilled, Scenario::NodeSilent, Scenario::CarrierDown]).await?;
    for row in &rows {
        bounded(row);
        let is_loss = ["speaker_killed", "node_silent", "carrier_down"].contains(&row.step.as_str());
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
