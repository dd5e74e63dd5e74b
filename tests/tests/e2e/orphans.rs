//! Pools that vanish: for a moment, and for good.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use herald_crds::{IPAddressPool, L2Advertisement};
use herald_lab::cluster::{Options, SYSTEM_NAMESPACE, installed};
use herald_lab::probe::NeighborProbe;
use herald_lab::{clock, scene};
use herald_tests::{PATIENCE, Stage, eventually};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::DeleteParams;

/// How long a new client may go without an answer while nothing is meant to happen.
const UNNOTICED: Duration = Duration::from_millis(200);

async fn delete_pool(stage: &Stage) -> Result<()> {
    let pools: Api<IPAddressPool> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    pools.delete("public-pool", &DeleteParams::default()).await?;
    Ok(())
}

async fn delete_advertisement(stage: &Stage) -> Result<()> {
    let advertisements: Api<L2Advertisement> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    advertisements.delete("l2adv", &DeleteParams::default()).await?;
    Ok(())
}

/// One of the tutorial's objects, by its kind.
fn manifest(kind: &str) -> Result<&'static str> {
    let mut documents = installed::FIRST_STEPS.split("\n---\n");
    documents.find(|document| document.contains(&format!("kind: {kind}\n"))).context("it is in the tutorial")
}

/// Fails if a new client could have noticed anything since `from`.
fn unnoticed(probe: &NeighborProbe, from: std::time::Instant) -> Result<()> {
    let record = probe.record();
    let silence = record.longest_silence(from, clock::now());
    ensure!(silence < UNNOTICED, "silent for {silence:?}");
    ensure!(record.flips(from) == 0, "it moved {} times", record.flips(from));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_and_created_again_nobody_notices() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    stage.settled(&probe).await?;
    let from = clock::now();

    delete_pool(&stage).await?;
    stage.says("web-lb", "metallb.io/Allocated", "Orphaned").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    unnoticed(&probe, from)?;
    stage.apply(manifest("IPAddressPool")?).await?;
    stage.says("web-lb", "metallb.io/Allocated", "Allocated").await?;
    unnoticed(&probe, from)?;

    // With its advertisement, as GitOps tools do; and back in the same order.
    delete_pool(&stage).await?;
    delete_advertisement(&stage).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let said = stage.says("web-lb", "metallb.io/Announced", "Announced").await?;
    ensure!(said.contains("announced from node"), "{said}");
    stage.apply(manifest("IPAddressPool")?).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.apply(manifest("L2Advertisement")?).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    unnoticed(&probe, from)?;
    assert_eq!(stage.address_of("web-lb").await?, address);

    // The pool is there: an advertisement that is deleted now ends it at once.
    tokio::time::sleep(Duration::from_secs(5)).await;
    delete_advertisement(&stage).await?;
    stage.silent(&probe, Duration::from_millis(300)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_installed_anew_take_no_address_off_the_wire() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    stage.settled(&probe).await?;
    let from = clock::now();
    let definitions: Api<CustomResourceDefinition> = Api::all(stage.client());
    let names = ["ipaddresspools.metallb.io", "l2advertisements.metallb.io"];
    for name in names {
        definitions.delete(name, &DeleteParams::default()).await?;
    }
    for name in names {
        eventually("the definition is gone", async || Ok(definitions.get_opt(name).await?.is_none().then_some(())))
            .await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for name in names {
        let yaml = installed::MANIFESTS.iter().find(|yaml| yaml.contains(&format!("name: {name}")));
        stage.apply(yaml.context("a manifest")?).await?;
    }
    for kind in ["IPAddressPool", "L2Advertisement"] {
        let yaml = manifest(kind)?;
        eventually("the kind is served", async || Ok(stage.apply(yaml).await.is_ok().then_some(()))).await?;
    }
    stage.says("web-lb", "metallb.io/Allocated", "Allocated").await?;
    stage.settled(&probe).await?;
    assert_eq!(stage.address_of("web-lb").await?, address);
    let record = probe.record();
    let silence = record.longest_silence(from, clock::now());
    ensure!(silence < Duration::from_millis(300), "silent for {silence:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_grace_is_over_it_is_withdrawn_and_kept_for_its_service() -> Result<()> {
    let flags = ["--orphan-grace", "2s"].map(OsString::from);
    let stage = Stage::with(Options { speaker_flags: flags.into(), ..Options::default() }).await?;
    for number in 1..=3 {
        stage.add_pod(&format!("web-{number}"), &format!("node{number}")).await?;
    }
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    let owner = stage.settled(&probe).await?;
    let from = clock::now();
    delete_pool(&stage).await?;
    stage.silent(&probe, Duration::from_millis(500)).await?;
    let last = probe.record().last_answer(clock::now()).context("an answer")?.at - from;
    ensure!(last > Duration::from_millis(1500) && last < Duration::from_secs(4), "withdrawn after {last:?}");
    let note = stage.event("default", "web-lb", "AddressOrphaned").await?;
    ensure!(note.contains(&owner) && note.contains(&address.to_string()) && note.contains("public-pool"), "{note}");
    let why = stage.says("web-lb", "metallb.io/Announced", "PoolGone").await?;
    ensure!(why.contains("public-pool"), "{why}");

    // Nobody else gets it, also not from another pool that has it.
    stage
        .apply(&format!(
            "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {{name: thief, namespace: \
             {SYSTEM_NAMESPACE}}}, spec: {{addresses: [\"{address}/32\"]}}}}"
        ))
        .await?;
    stage
        .apply(
            "{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {type: LoadBalancer, selector: \
             {app.kubernetes.io/name: web}, ports: [{port: 80}]}}",
        )
        .await?;
    eventually("the other one is told that there is none", async || {
        let status = stage.services().get("other").await?.status;
        let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
        Ok(conditions.iter().any(|one| one.type_ == "metallb.io/Allocated" && one.status == "False").then_some(()))
    })
    .await?;
    assert_eq!(scene::address_of(&stage.services().get("other").await?), None);
    assert_eq!(stage.address_of("web-lb").await?, address);

    // The pool is back: so is the address.
    let pools: Api<IPAddressPool> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    pools.delete("thief", &DeleteParams::default()).await?;
    let back = clock::now();
    stage.apply(manifest("IPAddressPool")?).await?;
    probe.wait_for(back, PATIENCE, |_| true)?;
    stage.says("web-lb", "metallb.io/Announced", "Announced").await?;
    Ok(())
}
