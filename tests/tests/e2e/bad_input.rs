//! Bad input is refused where it enters, or contained and reported.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_crds::IPAddressPool;
use herald_lab::cluster::{SYSTEM_NAMESPACE, programs};
use herald_lab::topology::Mac;
use herald_lab::wire::socket::{NeighborSocket, Receives};
use herald_lab::wire::{ArpFrame, Operation};
use herald_lab::{clock, scene};
use herald_tests::{Stage, eventually};
use kube::Api;

/// A pool with these addresses.
fn pool(name: &str, addresses: &str) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {{name: {name}, \
         namespace: metallb-system}}, spec: {{addresses: [{addresses}]}}}}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_pool_is_refused_with_its_value() -> Result<()> {
    let stage = Stage::empty().await?;
    for wrong in ["192.168.1.250-192.168.1.240", "192.168.1.0/33", "not-an-ip"] {
        let said = stage.refused(&pool("wrong", &format!("\"{wrong}\""))).await?;
        assert!(said.contains(wrong), "the message names {wrong}: {said}");
    }
    let said = stage.refused(&pool("wrong", "")).await?;
    assert!(said.contains("spec.addresses"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_overlapping_pools_the_older_works() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    stage.settled(&probe).await?;
    let overlap = clock::now();
    // A second later, so that the creation times differ.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    stage.apply(&pool("younger", "\"192.168.1.230-192.168.1.245\"")).await?;

    let pools: Api<IPAddressPool> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    let message = eventually("a False condition on the younger pool", async || {
        let status = pools.get("younger").await?.status;
        let conditions = status.map(|status| status.conditions).unwrap_or_default();
        Ok(conditions.into_iter().find(|c| c.status == "False").map(|c| c.message))
    })
    .await?;
    assert!(message.contains("public-pool"), "{message}");
    let older = pools.get("public-pool").await?.status.map(|status| status.conditions).unwrap_or_default();
    assert!(older.iter().filter(|c| c.type_ == "Accepted").all(|c| c.status == "True"), "{older:?}");

    // Nothing else changed: same address, same owner, and the older one still gives.
    assert_eq!(stage.address_of("web-lb").await?, address);
    assert_eq!(probe.record().flips(overlap), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impossible_wish_stays_pending_and_hinders_nobody() -> Result<()> {
    let stage = Stage::with_pods().await?;
    stage.first_steps().await?;
    let service = |name: &str, line: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{type: LoadBalancer, {line} \
             selector: {{app.kubernetes.io/name: web}}, ports: [{{port: 80}}]}}}}"
        )
    };
    stage.apply(&service("impossible", "loadBalancerIP: 10.9.9.9,")).await?;
    stage.apply(&service("modest", "")).await?;
    let note = stage.event("default", "impossible", "AllocationFailed").await?;
    assert!(note.contains("10.9.9.9") && note.contains("public-pool"), "{note}");
    let modest = stage.address_of("modest").await?;
    let probe = stage.ask(modest)?;
    stage.settled(&probe).await?;
    let impossible = stage.services().get("impossible").await?;
    assert_eq!(scene::address_of(&impossible), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_frames_and_datagrams_change_nothing() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    let owner = stage.settled(&probe).await?;
    let abused = clock::now();
    let attacker = stage.user()?;
    let (mac, sender) = (attacker.station.mac(), attacker.station.v4());
    let whole = ArpFrame::who_has(address, mac, sender).to_bytes();
    let targets: Vec<Ipv4Addr> = stage.cluster.topology().nodes().iter().map(|node| node.station.v4()).collect();
    attacker.namespace.run(move || -> Result<()> {
        let socket = NeighborSocket::on_interface("eth0", Receives::Arp)?;
        for len in 14..whole.len() {
            // Truncated at every byte, and with absurd lengths inside.
            let mut frame = whole.get(..len).context("a prefix")?.to_vec();
            socket.send(&frame)?;
            frame.resize(60, 0xff);
            socket.send(&frame)?;
        }
        // Whole, about an announced address, and yet wrong: an unknown operation, a sender that
        // is nobody or everybody, addresses of seven bytes.
        let mut unknown = ArpFrame::who_has(address, mac, sender);
        unknown.operation = Operation::Other(0xabcd);
        socket.send(&unknown.to_bytes())?;
        for nobody in [Mac([0; 6]), Mac::BROADCAST] {
            socket.send(&ArpFrame { sender_mac: nobody, ..ArpFrame::who_has(address, mac, sender) }.to_bytes())?;
        }
        let mut long = whole.clone();
        *long.get_mut(18).context("the address length")? = 7;
        socket.send(&long)?;
        let udp = UdpSocket::bind("0.0.0.0:0")?;
        for len in [0, 1, 7, 16, 40, 64, 512, 1400] {
            for target in &targets {
                let noise: Vec<u8> = (0..len).map(|i: usize| i.wrapping_mul(31).to_le_bytes()[0]).collect();
                udp.send_to(&noise, (*target, 7946))?;
            }
        }
        Ok(())
    })??;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.settled(&probe).await?, owner);
    let record = probe.record();
    assert_eq!((record.flips(abused), record.two_owners(abused)), (0, Duration::ZERO));
    for program in stage.cluster.programs() {
        assert_eq!(program.ended()?, None, "{} still runs", program.name());
    }

    // What was not understood was counted, where it was received.
    for node in stage.cluster.topology().nodes() {
        let dropped = programs::metric(&node.namespace, "herald_membership_dropped_total")?;
        assert!(dropped >= 7.0, "{}: {dropped} datagrams counted", node.name);
        let ignored = programs::metric(&node.namespace, "herald_layer2_ignored_total")?;
        assert!(node.name != owner || ignored >= 1.0, "{}: {ignored} frames counted", node.name);
    }
    Ok(())
}
