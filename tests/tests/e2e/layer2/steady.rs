//! Nothing happens: one owner, and everybody is served by it.

use std::time::Duration;

use anyhow::Result;
use herald_tests::layer2::watch::CONNECTIONS;
use herald_tests::layer2::{Arena, Family, Setup, Watch};

use super::allowed;

/// How long nothing happens.
const TIME: Duration = Duration::from_secs(4);

async fn nothing_happens(family: Family) -> Result<()> {
    let arena = Arena::in_turn(Setup::new(3, family)).await?;
    let row = Watch::start(&arena.ground()).await?.finish_after(&arena.ground(), "steady", TIME).await?;
    assert_eq!(row.two_owners, 0.0, "{row:#?}");
    assert_eq!((row.flips, row.moved()), (0, false), "{row:#?}");
    assert!(row.unanswered < allowed(200.0, &row), "{row:#?}");
    assert_eq!((row.survived, row.lost), (CONNECTIONS, 0), "{row:#?}");
    assert!(row.new_client < allowed(500.0, &row), "{row:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owner_serves_everybody() -> Result<()> {
    nothing_happens(Family::IPv4).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owner_serves_everybody_in_ipv6_too() -> Result<()> {
    nothing_happens(Family::IPv6).await
}
