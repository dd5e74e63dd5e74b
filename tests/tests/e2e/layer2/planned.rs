//! The address moves because somebody wished so: users need not notice.

use anyhow::Result;
use herald_tests::layer2::{Family, Scenario};

use super::{allowed, bounded, play};

/// The longest that nobody may answer while an address moves as planned, in milliseconds: far less
/// than it takes to notice a loss.
const UNNOTICED: f64 = 300.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_excluded_node_and_one_without_endpoints_hand_over() -> Result<()> {
    let scenarios = [Scenario::Excluded, Scenario::EndpointTerminating, Scenario::EndpointRemoved, Scenario::PodKilled];
    for row in play(Family::IPv4, &scenarios).await? {
        bounded(&row);
        assert!(row.moved(), "the node may not own it any more, or may again: {row:#?}");
        assert!(!row.stale(), "who knew the old owner knows the new one: {row:#?}");
        assert!(row.unanswered <= allowed(UNNOTICED, &row), "nobody answered: {row:#?}");
        assert!(row.silence <= allowed(UNNOTICED, &row), "nobody could connect: {row:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speakers_that_restart_leave_one_owner() -> Result<()> {
    for row in play(Family::IPv4, &[Scenario::SpeakerRestarted, Scenario::SpeakerStopped]).await? {
        bounded(&row);
        assert_eq!(row.moved(), row.step == "speaker_stopped", "{row:#?}");
    }
    Ok(())
}
