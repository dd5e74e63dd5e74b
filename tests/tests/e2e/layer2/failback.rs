//! The owner is lost and comes back: its address returns, unless it should not.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use herald_lab::clock;
use herald_lab::probe::NeighborProbe;
use herald_tests::{PATIENCE, Stage};
use nix::sys::signal::Signal;

/// Two addresses that the election gives to the same nodes in the same order: `node1`, `node3`, `node2`.
const STAYING: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 241);
const RETURNING: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 242);

fn advertised(name: &str, address: Ipv4Addr, herald: &str) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {{name: {name}, namespace: metallb-system}}, \
         spec: {{addresses: [{address}/32]}}}}\n---\n\
         {{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {{name: {name}, namespace: metallb-system}}, \
         spec: {{ipAddressPools: [{name}]{herald}}}}}\n---\n\
         {{apiVersion: v1, kind: Service, metadata: {{name: {name}, annotations: {{metallb.io/address-pool: {name}}}}}, \
         spec: {{type: LoadBalancer, externalTrafficPolicy: Local, selector: {{app.kubernetes.io/name: web}}, \
         ports: [{{port: 80}}]}}}}"
    )
}

/// Waits until an address is at rest at a node.
async fn comes_to(stage: &Stage, probe: &NeighborProbe, node: &str) -> Result<()> {
    let mac = stage.cluster.topology().node(node)?.station.mac();
    probe.wait_for(clock::now(), PATIENCE, |answer| answer.mac == mac)?;
    let owner = stage.settled(probe).await?;
    ensure!(owner == node, "it is at {owner}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_returns_to_its_node_unless_failback_is_off() -> Result<()> {
    let mut stage = Stage::with_pods().await?;
    stage.apply(&advertised("staying", STAYING, ", herald: {failback: false}")).await?;
    stage.apply(&advertised("returning", RETURNING, "")).await?;
    ensure!(stage.address_of("staying").await? == STAYING, "the only one of its pool");
    ensure!(stage.address_of("returning").await? == RETURNING, "the only one of its pool");
    let (staying, returning) = (stage.ask(STAYING)?, stage.ask(RETURNING)?);
    for probe in [&staying, &returning] {
        comes_to(&stage, probe, "node1").await.context("the first in the order")?;
    }

    stage.cluster.speaker("node1")?.signal(Signal::SIGKILL)?;
    for probe in [&staying, &returning] {
        comes_to(&stage, probe, "node3").await.context("the second, when the first is lost")?;
    }

    let back = clock::now();
    stage.cluster.start_speaker("node1")?;
    stage.cluster.speaker_ready("node1").await?;
    comes_to(&stage, &returning, "node1").await.context("with failback, as is the default")?;
    // What made the one return is no reason for the other.
    ensure!(stage.settled(&staying).await? == "node3", "without failback it stays");
    ensure!(staying.record().flips(back) == 0, "and never moved");

    // Until failback is wished for after all.
    stage.apply(&advertised("staying", STAYING, "")).await?;
    comes_to(&stage, &staying, "node1").await.context("with failback again")
}
