//! A speaker is told to end, and what runs it does not want it on its node any more: that is no restart.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail, ensure};
use herald_lab::clock;
use herald_lab::cluster::SYSTEM_NAMESPACE;
use herald_lab::cluster::daemon_set::SPEAKERS;
use herald_lab::wire::Capture;
use herald_tests::PATIENCE;
use herald_tests::layer2::{Arena, Family, Setup, Vigil};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

/// The label that the nodes need that are to have speakers.
const WANTED: &str = "lab.herald/speaker";

/// Ends the speaker of the address's owner, whose Pod is being deleted, and returns who owns it then. Another one must
/// have announced it before the process ended.
async fn says_goodbye(arena: &Arena, vigil: &Vigil, capture: &Capture) -> Result<String> {
    let IpAddr::V4(address) = arena.address else { bail!("{} has no ARP", arena.address) };
    let owner = vigil.owner(&arena.ground()).await?;
    let asked = clock::now();
    arena.cluster.end_speaker_pod(&owner, PATIENCE).await?;
    let ended = clock::now();
    let next = vigil.leaves(&arena.ground(), &owner).await?;
    let announced = capture.claims_sent_by(&next, address, asked).first().map(|claim| claim.at);
    let announced = announced.with_context(|| format!("{next} has it and never announced it"))?;
    ensure!(announced < ended, "{next} announced it {:?} after {owner} had ended", announced - ended);
    // None, if the old one was not asked any more before it had handed over.
    ensure!(vigil.moves(asked) <= 1, "{} moves", vigil.moves(asked));
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
    let capture = Capture::start(arena.cluster.topology().switch())?;
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
    let second = says_goodbye(&arena, &vigil, &capture).await?;
    ensure!(second != first, "{first} had its turn");

    // It is wanted again.
    sets.patch(SPEAKERS, &PatchParams::default(), &select(None)).await?;
    arena.cluster.add_speaker_pod(&first).await?;
    arena.cluster.start_speaker(&first)?;
    arena.cluster.speaker_ready(&first).await?;
    vigil.comes_to(&arena.ground(), &first).await?;

    // Herald is uninstalled: the DaemonSet goes, then its Pods, one after the other.
    sets.delete(SPEAKERS, &DeleteParams::background()).await?;
    says_goodbye(&arena, &vigil, &capture).await?;
    says_goodbye(&arena, &vigil, &capture).await?;
    vigil.unnoticed().await
}
