//! `speaker_memory_N`, `nodes_joining_N`: one speaker in a large cluster.
//!
//! The other nodes are objects only: their speakers are not there, so this
//! one announces whatever it may. Each Service has three endpoints somewhere.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use herald_lab::clock;
use herald_lab::cluster::{Cluster, Options};
use herald_lab::program::Program;
use herald_lab::topology::Size;
use herald_tests::crowd::{self, Crowd, IN_FLIGHT};
use herald_tests::witness::Witness;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::site::NODE;
use crate::measurement::Measurement;

/// How many nodes the cluster has, the speaker's included.
const NODES: usize = 100;

/// How many endpoints a Service has.
const ENDPOINTS: usize = 3;

/// How long the Services may take to be there.
const PATIENCE: Duration = Duration::from_secs(120);

/// The speaker is at rest when it has used less than 2 % of a core for this long.
const REST: Duration = Duration::from_millis(1500);

/// How long it may take to come to rest.
const PATIENCE_FOR_REST: Duration = Duration::from_secs(30);

const fn memory_budget(size: usize) -> f64 {
    if size <= 1000 { 20.0 } else { 35.0 }
}

const fn joining_budget(size: usize) -> f64 {
    if size <= 1000 { 0.2 } else { 0.5 }
}

/// Measures.
pub async fn measure(size: usize) -> Result<Vec<Measurement>> {
    let machines = Size { nodes: 1, clients: 0 };
    let mut cluster = Cluster::start(Options { size: machines, ..Options::default() }).await?;
    let client = cluster.client();
    let witness = Witness::start(client.clone(), PATIENCE).await?;
    cluster.apply(&crowd::pool("scale", &["10.128.0.0/16"], true)).await?;
    let advertisement = "{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, \
                         metadata: {name: scale, namespace: metallb-system}}";
    cluster.apply(advertisement).await?;
    crowd::namespace(&client, "scale").await?;
    let crowd = Crowd::new("scale");
    crowd.create(&client, 0..size).await?;
    let slices = futures::stream::iter(0..size).map(|number| slice(&client, &crowd, number));
    slices.buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
    witness.all_served("scale", size, PATIENCE).await?;
    drop(witness);

    let begun = clock::now();
    let cpu = at_rest(cluster.speaker(NODE)?).await?;
    join(&client).await?;
    let joining = at_rest(cluster.speaker(NODE)?).await? - cpu;

    // As a speaker that starts finds it: what it took to learn of everything one by one is not counted.
    let grown = mib(cluster.speaker(NODE)?)?;
    cluster.start_speaker(NODE)?;
    cluster.speaker_ready(NODE).await?;
    let starting = at_rest(cluster.speaker(NODE)?).await?;
    let memory = mib(cluster.speaker(NODE)?)?;
    let unfinished = clock::now() - begun >= 3 * PATIENCE_FOR_REST;
    Ok(vec![
        Measurement::told(format!("speaker_memory_{size}"), memory, "MiB")
            // The budget is for a speaker that owns its share; here it owns everything, so this does not decide.
            .should_be_at_most(memory_budget(size))
            .with("before_its_restart", grown)
            .with("start_cpu_s", starting.as_secs_f64()),
        Measurement::told(format!("nodes_joining_{size}"), joining.as_secs_f64(), "CPU-s")
            .should_be_at_most(joining_budget(size))
            .with("nodes", NODES - 1)
            .with("never_at_rest", unfinished),
    ])
}

/// A slice that no controller looks after.
async fn slice(client: &Client, crowd: &Crowd, number: usize) -> Result<()> {
    let service = crowd.name(number);
    let endpoint = |index: usize| {
        // Spread over the nodes, with another set for each Service.
        let node = (7 * number + 31 * index) % NODES + 1;
        json!({
            "addresses": [format!("10.244.{node}.{}", 1 + number % 250)],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": format!("node{node}"),
        })
    };
    let slice: EndpointSlice = serde_json::from_value(json!({
        "metadata": {
            "name": format!("{service}-1"), "namespace": crowd.namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        "endpoints": (0..ENDPOINTS).map(endpoint).collect::<Vec<_>>(),
    }))?;
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), &crowd.namespace);
    slices.create(&PostParams::default(), &slice).await?;
    Ok(())
}

/// All other nodes join at once.
async fn join(client: &Client) -> Result<()> {
    let numbers = futures::stream::iter(2..=NODES);
    let joins = numbers.map(|number| async move {
        let nodes: Api<Node> = Api::all(client.clone());
        let name = format!("node{number}");
        let node = json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}});
        nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
        let status = json!({"status": {
            "addresses": [{"type": "InternalIP", "address": format!("192.168.2.{number}")}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }});
        nodes.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
        anyhow::Ok(())
    });
    joins.buffer_unordered(IN_FLIGHT).try_collect().await
}

/// Waits until the speaker has nothing to do, and returns the processor time it has used by then.
async fn at_rest(speaker: &Program) -> Result<Duration> {
    let deadline: Instant = clock::now() + PATIENCE_FOR_REST;
    loop {
        let before = speaker.cpu_time()?;
        tokio::time::sleep(REST).await;
        let now = speaker.cpu_time()?;
        // It may go on reporting, ten objects a second.
        if now - before <= REST / 50 || clock::now() >= deadline {
            return Ok(now);
        }
    }
}

fn mib(program: &Program) -> Result<f64> {
    let bytes = program.resident_bytes()?;
    ensure!(bytes > 0, "no memory");
    Ok(f64::from(u32::try_from(bytes / 1024)?) / 1024.0)
}
