//! Speakers that don't hear each other; clients hear all of them.

use anyhow::Result;
use herald_tests::layer2::{Family, Scenario};

use super::{TWO_OWNERS, allowed, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_silences_nobody_and_ends_with_one_owner() -> Result<()> {
    for row in play(Family::IPv4, &[Scenario::MembershipParted, Scenario::NodesParted]).await? {
        assert!(row.unanswered <= allowed(300.0, &row), "somebody always answers: {row:#?}");
        assert!(row.silence <= allowed(300.0, &row), "and can be reached: {row:#?}");
        let over = ["membership_healed", "nodes_joined"].contains(&row.step.as_str());
        assert!(!over || row.two_owners <= allowed(TWO_OWNERS, &row), "one of two gives way: {row:#?}");
    }
    Ok(())
}
