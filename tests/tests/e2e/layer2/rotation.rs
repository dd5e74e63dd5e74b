//! The membership key is changed: step by step, without a restart, and nobody notices.

use anyhow::{Context as _, Result};
use herald_lab::clock;
use herald_lab::cluster::programs::Ports;
use herald_lab::cluster::{files, programs};
use herald_tests::eventually;
use herald_tests::layer2::{Arena, Family, Setup, Vigil};

/// Waits until every speaker's metric is what it should be, or is not there.
async fn everywhere(arena: &Arena, name: &str, label: &str, wanted: Option<f64>) -> Result<()> {
    let wanted: Vec<f64> = wanted.into_iter().collect();
    eventually(&format!("{name} {label} is {wanted:?} on every node"), async || {
        for node in arena.cluster.topology().nodes() {
            let namespace = node.namespace.clone();
            let (name, label) = (name.to_owned(), label.to_owned());
            let asked =
                tokio::task::spawn_blocking(move || programs::series(&namespace, Ports::default(), &name, &label));
            if asked.await?? != wanted {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_changed_and_nobody_notices() -> Result<()> {
    let mut arena = Arena::in_turn(Setup::new(3, Family::IPv4)).await?;
    let keys = arena.cluster.membership_keys();
    let vigil = Vigil::start(&arena.ground()).await?;
    let owner = vigil.owner(&arena.ground()).await?;
    everywhere(&arena, "herald_membership_members", "", Some(2.0)).await?;
    let begun = clock::now();

    // As docs/membership.md says, each step when the one before has arrived everywhere.
    let old = std::fs::read_to_string(keys.join("current")).context("read the key")?;
    let new = files::random_hex::<32>()?;
    files::write_secret(&keys.join("next"), &new)?;
    everywhere(&arena, "herald_membership_peers_with_next", "", Some(2.0)).await?;

    files::write_secret(&keys.join("previous"), &old)?;
    files::write_secret(&keys.join("current"), &new)?;
    std::fs::remove_file(keys.join("next")).context("remove the next key")?;
    everywhere(&arena, "herald_membership_peers_sealing", "key=\"previous\"", Some(0.0)).await?;

    std::fs::remove_file(keys.join("previous")).context("remove the old key")?;
    everywhere(&arena, "herald_membership_peers_sealing", "key=\"previous\"", None).await?;
    // Who knows the new key alone meets the others, so it is the one in use.
    arena.cluster.speaker(&owner)?.terminate(herald_tests::PATIENCE)?;
    arena.cluster.start_speaker(&owner)?;
    arena.cluster.speaker_ready(&owner).await?;
    everywhere(&arena, "herald_membership_members", "", Some(2.0)).await?;
    everywhere(&arena, "herald_membership_peers_sealing", "key=\"current\"", Some(2.0)).await?;
    assert_eq!(vigil.owner(&arena.ground()).await?, owner);
    assert_eq!(vigil.moves(begun), 0, "nothing moved");
    vigil.unnoticed().await
}
