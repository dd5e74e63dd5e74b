//! A speaker is told to end, and what runs it does not want it on its node any more: that is no restart.

use anyhow::{Result, ensure};
use herald_lab::clock;
use herald_lab::cluster::SYSTEM_NAMESPACE;
use herald_lab::cluster::daemon_set::SPEAKERS;
use herald_tests::PATIENCE;
use herald_tests::layer2::{Arena, Family, Setup, Vigil};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

/// The label that the nodes need that are to have speakers.
const WANTED: &str = "lab.herald/speaker";

/// Ends the speaker of the address's owner, whose Pod is being deleted, and returns who owns it then. Others must have
/// answered for it before it ended.
async fn says_goodbye(arena: &Arena, vigil: &Vigil) -> Result<String> {
    let owner = vigil.owner(&arena.ground()).await?;
    let asked = clock::now();
    arena.cluster.end_speaker_pod(&owner, PATIENCE).await?;
    let ended = clock::now();
    let answered = vigil.first_other(&arena.ground(), &owner, asked)?;
    ensure!(answered < ended, "the next owner answered {:?} after the old one had ended", answered - ended);
    let next = vigil.leaves(&arena.ground(), &owner).await?;
    ensure!(vigil.moves(asked) == 1, "{} moves", vigil.moves(asked));
    Ok(next)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_speaker_that_is_not_wanted_any_more_hands_over_before_it_ends() -> Result<()> {
    let mut arena = Arena::in_turn(Setup::new(3, Family::IPv4)).await?;
    let all: Vec<_> = arena.nodes().collect();
    for node in &all {
        arena.cluster.add_speaker_pod(node).await?;
    }
    let sets: Api<DaemonSet> = Api::namespaced(arena.cluster.client(), SYSTEM_NAMESPACE);
    let nodes: Api<Node> = Api::all(arena.cluster.client());
    let vigil = Vigil::start(&arena.ground()).await?;
    let first = vigil.owner(&arena.ground()).await?;

    // Its DaemonSet selects other nodes from now on, so the DaemonSet's controller deletes its Pod.
    for node in all.iter().filter(|node| **node != first) {
        let label = json!({"metadata": {"labels": {WANTED: "yes"}}});
        nodes.patch(node, &PatchParams::default(), &Patch::Merge(&label)).await?;
    }
    let select = |value| Patch::Merge(json!({"spec": {"template": {"spec": {"nodeSelector": {WANTED: value}}}}}));
    sets.patch(SPEAKERS, &PatchParams::default(), &select(Some("yes"))).await?;
    let pod = arena.cluster.speaker_pod_name(&first)?;
    arena.cluster.speaker_pods().delete(&pod, &DeleteParams::default()).await?;
    let second = says_goodbye(&arena, &vigil).await?;
    ensure!(second != first, "{first} had its turn");

    // It is wanted again.
    sets.patch(SPEAKERS, &PatchParams::default(), &select(None)).await?;
    arena.cluster.add_speaker_pod(&first).await?;
    arena.cluster.start_speaker(&first)?;
    arena.cluster.speaker_ready(&first).await?;
    vigil.comes_to(&arena.ground(), &first).await?;

    // Herald is uninstalled: the DaemonSet goes, then its Pods, one after the other.
    sets.delete(SPEAKERS, &DeleteParams::background()).await?;
    says_goodbye(&arena, &vigil).await?;
    says_goodbye(&arena, &vigil).await?;
    vigil.unnoticed().await
}
