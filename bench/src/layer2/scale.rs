//! `speaker_memory_N`, `nodes_joining_N`: one speaker in a large cluster, with its share of the addresses.
//!
//! The other nodes have speakers that are alive, but do nothing (see [`Members`]). Each Service has three endpoints
//! somewhere.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use herald_lab::clock;
use herald_lab::cluster::programs::metric;
use herald_lab::cluster::{Cluster, Options};
use herald_lab::program::Program;
use herald_lab::topology::Size;
use herald_tests::crowd::{self, Crowd, IN_FLIGHT};
use herald_tests::witness::Witness;
use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::members::{self, Members};
use super::site::{NODE, percent};
use crate::measurement::Measurement;

/// How many nodes the cluster has, the speaker's included.
const NODES: usize = 100;

/// How many endpoints a Service has.
const ENDPOINTS: usize = 3;

/// How long the Services may take to be there.
const PATIENCE: Duration = Duration::from_secs(120);

/// The speaker is at rest when it has used less than 5 % of a core for this long.
const REST: Duration = Duration::from_millis(1500);

/// How long it may take to come to rest.
const PATIENCE_FOR_REST: Duration = Duration::from_secs(30);

/// How long it is watched to learn what it uses anyway.
const IDLE: Duration = Duration::from_secs(5);

/// How long after the nodes have joined what it uses is their doing.
const AFTER: Duration = Duration::from_secs(8);

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
    let _first = join(&cluster, 2..=NODES).await?;
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

    // As a speaker that starts finds it: what it took to learn of everything one by one is not counted.
    at_rest(cluster.speaker(NODE)?).await?;
    let grown = mib(cluster.speaker(NODE)?)?;
    cluster.start_speaker(NODE)?;
    cluster.speaker_ready(NODE).await?;
    let starting = at_rest(cluster.speaker(NODE)?).await?;
    let memory = mib(cluster.speaker(NODE)?)?;
    let owned = metric(&cluster.topology().node(NODE)?.namespace, "metallb_speaker_announced")?;

    let idle = used(cluster.speaker(NODE)?, IDLE).await?;
    let (begun, before) = (clock::now(), cluster.speaker(NODE)?.cpu_time()?);
    let _second = join(&cluster, NODES + 1..=2 * NODES - 1).await?;
    tokio::time::sleep(AFTER).await;
    let spent = cluster.speaker(NODE)?.cpu_time()? - before;
    let anyway = idle.mul_f64((clock::now() - begun).as_secs_f64() / IDLE.as_secs_f64());
    let joining = spent.saturating_sub(anyway);
    Ok(vec![
        Measurement::told(format!("speaker_memory_{size}"), memory, "MiB")
            .must_be_at_most(memory_budget(size))
            .with("before_its_restart", grown)
            .with("start_cpu_s", starting.as_secs_f64())
            .with("addresses", owned),
        Measurement::told(format!("nodes_joining_{size}"), joining.as_secs_f64(), "CPU-s")
            .should_be_at_most(joining_budget(size))
            .with("nodes", NODES - 1)
            .with("idle_percent", percent(idle, IDLE)),
    ])
}

/// A slice that no controller looks after.
pub async fn slice(client: &Client, crowd: &Crowd, number: usize) -> Result<()> {
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

/// The nodes with these numbers join at once, and so do their speakers.
async fn join(cluster: &Cluster, numbers: RangeInclusive<usize>) -> Result<Members> {
    let client = cluster.client();
    let machine = cluster.topology().node(NODE)?;
    let system = Api::<Namespace>::all(client.clone()).get("kube-system").await?;
    let met = (NODE, machine.station.v4().into());
    let uid = system.metadata.uid.unwrap_or_default();
    let members = Members::start(&machine.namespace, &cluster.membership_keys(), &uid, met, numbers.clone())?;
    let joins = futures::stream::iter(numbers).map(|number| node(&client, number));
    joins.buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
    Ok(members)
}

/// A node that no machine is behind.
async fn node(client: &Client, number: usize) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let name = format!("node{number}");
    let node = json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}});
    nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": members::address(number)?}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }});
    nodes.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(())
}

/// The processor time that the speaker uses in so much time.
async fn used(speaker: &Program, time: Duration) -> Result<Duration> {
    let before = speaker.cpu_time()?;
    tokio::time::sleep(time).await;
    Ok(speaker.cpu_time()? - before)
}

/// Waits until the speaker has little to do, and returns the processor time it has used by then.
async fn at_rest(speaker: &Program) -> Result<Duration> {
    let deadline: Instant = clock::now() + PATIENCE_FOR_REST;
    // It may go on reporting, ten objects a second, and has a hundred others to hear.
    while used(speaker, REST).await? > REST / 20 && clock::now() < deadline {}
    speaker.cpu_time()
}

fn mib(program: &Program) -> Result<f64> {
    let bytes = program.resident_bytes()?;
    ensure!(bytes > 0, "no memory");
    Ok(f64::from(u32::try_from(bytes / 1024)?) / 1024.0)
}
