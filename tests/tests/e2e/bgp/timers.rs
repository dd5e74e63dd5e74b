//! What a router sees of a session: its timers, the identifier of the node, and where it comes from.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use herald_lab::prefix::Family;
use herald_lab::router::{Neighbor, Remote, Session, Software};
use herald_lab::tool;
use herald_tests::bgp::trio::{Trio, each_neighbor, number, peer_name};
use herald_tests::bgp::{CLUSTER, Fabric};
use herald_tests::eventually;
use serde_json::{Value, json};

use super::{announce_all, host, serve};

/// Timers of one node's sessions.
struct Case {
    node: &'static str,
    /// What the BGPPeer says.
    ours: Value,
    /// What the routers propose, in seconds.
    theirs: u16,
    /// What comes of it, in seconds.
    agreed: u16,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shorter_hold_time_counts() -> Result<()> {
    let case = |node, ours, theirs, agreed| Case { node, ours, theirs, agreed };
    let mut trio = Trio { daemons: Vec::new(), fabric: Fabric::start(3).await? };
    let rounds = [
        [
            case("node1", json!({"holdTime": "9s", "keepaliveTime": "2s"}), 90, 9),
            // A third of the hold time goes with it.
            case("node2", json!({"keepaliveTime": "20s"}), 90, 60),
            // Without a hold time at either end there is none.
            case("node3", json!({"holdTime": "0s"}), 90, 0),
        ],
        [
            case("node1", json!({"holdTime": "30s"}), 12, 12),
            case("node2", json!({"holdTime": "30s"}), 0, 0),
            case("node3", json!({"holdTime": "1h"}), 90, 90),
        ],
    ];
    for round in rounds {
        trio.restart(&[Family::V4], |_, mut config| {
            for (neighbor, case) in config.neighbors.iter_mut().zip(&round) {
                neighbor.hold_time = case.theirs;
            }
            config
        })?;
        for software in Software::ALL {
            for Case { node, ours, .. } in &round {
                let mut spec = ours.clone();
                spec["nodeSelectors"] = json!([{"matchLabels": {"kubernetes.io/hostname": node}}]);
                spec["connectTime"] = "1s".into();
                let name = format!("{node}-{}", peer_name(software, Family::V4));
                trio.fabric.peer(&name, number(software), Family::V4, spec).await?;
            }
        }
        for (daemon, case) in trio.daemons.iter().flat_map(|daemon| round.iter().map(move |case| (daemon, case))) {
            // GoBGP takes 0 in its file for 90.
            let agreed = if daemon.software() == Software::Gobgp && case.theirs == 0 { 30 } else { case.agreed };
            let node = trio.fabric.node(case.node, Family::V4)?;
            let mut seen = None;
            eventually(&format!("{}: {agreed} s with {node}", daemon.software()), async || {
                seen = daemon.session(node)?;
                let right = |one: &Session| one.is_established() && one.hold_time == Some(agreed);
                Ok(seen.as_ref().is_some_and(right).then_some(()))
            })
            .await
            .with_context(|| format!("{seen:#?}"))?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routers_see_the_identifier_that_is_given() -> Result<()> {
    let trio = Trio::start(&Family::BOTH, |_, config| config).await?;
    let one = json!([{"matchLabels": {"kubernetes.io/hostname": "node1"}}]);
    trio.peers(Family::V4, json!({})).await?;
    trio.peers(Family::V6, json!({"routerID": "10.9.8.7", "nodeSelectors": one})).await?;
    for (daemon, session) in trio.established(Family::V4).await? {
        let identifier = session.router_id.map(IpAddr::from);
        assert_eq!(identifier, Some(session.neighbor), "{}: its InternalIP: {session:#?}", daemon.software());
    }
    let node = trio.fabric.node("node1", Family::V6)?;
    for daemon in &trio.daemons {
        for session in herald_tests::bgp::established(daemon, &[node].into()).await? {
            let identifier = session.router_id.map(|id| id.to_string());
            assert_eq!(identifier.as_deref(), Some("10.9.8.7"), "{}: {session:#?}", daemon.software());
        }
    }
    Ok(())
}

/// A second address of each node.
fn other(node: IpAddr) -> IpAddr {
    match node {
        IpAddr::V4(node) => {
            let [a, b, c, host] = node.octets();
            [a, b, c, host + 20].into()
        }
        IpAddr::V6(node) => (u128::from(node) | 7 << 16).to_be_bytes().into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_come_from_the_address_given_to_the_port_given() -> Result<()> {
    const PORT: u16 = 1790;
    const NODES: [&str; 2] = ["node1", "node2"];
    let mut trio = Trio { daemons: Vec::new(), fabric: Fabric::start(3).await? };
    trio.restart(&Family::BOTH, |_, mut config| {
        config.port = PORT;
        each_neighbor(config, |neighbor| match neighbor.remote {
            Remote::Address(address) => Neighbor::new(other(address), CLUSTER),
            Remote::Range(_) => neighbor,
        })
    })?;
    for (name, family) in NODES.into_iter().flat_map(|name| Family::BOTH.map(|family| (name, family))) {
        let source = other(trio.fabric.node(name, family)?);
        let length = if family == Family::V4 { "24" } else { "64 nodad" };
        let namespace = &trio.fabric.stage.cluster.topology().node(name)?.namespace;
        tool::ip_batch(Some(namespace.name()), &[format!("address add {source}/{length} dev eth0")])?;
        // Each node has an address of its own, and so a BGPPeer of its own.
        let selectors = json!([{"matchLabels": {"kubernetes.io/hostname": name}}]);
        let spec = json!({"sourceAddress": source, "peerPort": PORT, "nodeSelectors": selectors});
        for software in Software::ALL {
            let peer = format!("{name}-{}", peer_name(software, family));
            trio.fabric.peer(&peer, number(software), family, spec.clone()).await?;
        }
    }
    announce_all(&trio.fabric).await?;
    for address in serve(&trio.fabric, "web", "Cluster").await? {
        let family = Family::of(address);
        let from = NODES.map(|name| trio.fabric.node(name, family).map(other)).into_iter().collect::<Result<_>>()?;
        for (software, route) in trio.announced_by(host(address)?, &from).await? {
            assert_eq!(route.next_hops.first().copied(), route.from, "the session's own: {software}: {route:#?}");
        }
    }
    Ok(())
}
