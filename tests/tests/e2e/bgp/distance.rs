//! Routers that are more than one hop away, and those that must show that they are not (GTSM, RFC 5082).
//!
//! ```text
//!  node ── router1 ── user1, on which the daemon runs: two hops
//! ```

use std::time::Duration;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::router::{Daemon, Distance, Neighbor, Software};
use herald_tests::bgp::trio::{Trio, each_neighbor, number, peer_name};
use herald_tests::bgp::{CLUSTER, Fabric, ROUTERS, announced_by, established};
use serde_json::{Value, json};

use super::{announce_all, host, serve};

/// How long a session is looked for that must not be.
const QUIET: Duration = Duration::from_secs(2);

/// Daemons two hops away, behind the routers.
fn far(fabric: &Fabric, distance: Distance) -> Result<Vec<Daemon>> {
    let start = |software| {
        let router = fabric.router(number(software))?.behind();
        let mut config = router.config(ROUTERS);
        let nodes = Family::BOTH.into_iter().flat_map(|transport| fabric.nodes(transport));
        config.neighbors = nodes.map(|node| Neighbor::new(node, CLUSTER).distance(distance)).collect();
        router.start(software, &config)
    };
    Software::ALL.into_iter().map(start).collect()
}

/// BGPPeers for them, over both transports.
async fn peers(fabric: &Fabric, more: Value) -> Result<()> {
    for (software, transport) in
        Software::ALL.into_iter().flat_map(|one| Family::BOTH.map(|transport| (one, transport)))
    {
        let router = fabric.router(number(software))?.behind();
        let mut spec = more.clone();
        spec["peerAddress"] = json!(router.address(transport));
        spec["connectTime"] = "1s".into();
        let name = format!("far-{}", peer_name(software, transport));
        fabric.peer(&name, number(software), transport, spec).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routers_two_hops_away_are_told() -> Result<()> {
    let fabric = Fabric::start(3).await?;
    announce_all(&fabric).await?;
    let services = serve(&fabric, "web", "Cluster").await?;
    let daemons = far(&fabric, Distance::Hops(2))?;
    peers(&fabric, json!({"ebgpMultiHop": true})).await?;
    for (daemon, service) in daemons.iter().flat_map(|daemon| services.iter().map(move |service| (daemon, *service))) {
        for route in announced_by(daemon, host(service)?, &fabric.nodes(Family::of(service))).await? {
            assert_eq!(route.next_hops.first().copied(), route.from, "{}: {route:#?}", daemon.software());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_show_how_far_they_come() -> Result<()> {
    let mut trio = Trio { daemons: Vec::new(), fabric: Fabric::start(3).await? };
    let nodes = Family::BOTH.into_iter().flat_map(|transport| trio.fabric.nodes(transport)).collect();
    // Both ends look: what arrives after one hop has lost nothing, after two it has lost one.
    trio.daemons = far(&trio.fabric, Distance::Secured(2))?;
    peers(&trio.fabric, json!({"herald": {"ttlSecurityHops": 2}})).await?;
    for daemon in &trio.daemons {
        established(daemon, &nodes).await?;
    }
    // Whoever is to be on the same link is not.
    peers(&trio.fabric, json!({"herald": {"ttlSecurityHops": 1}})).await?;
    for daemon in &trio.daemons {
        gone(daemon).await?;
    }
    trio.never_established(&nodes.into_iter().collect::<Vec<_>>(), QUIET).await?;
    // Those on the link are.
    trio.restart(&Family::BOTH, |_, config| each_neighbor(config, |neighbor| neighbor.distance(Distance::Secured(1))))?;
    for transport in Family::BOTH {
        trio.peers(transport, json!({"herald": {"ttlSecurityHops": 1}})).await?;
        trio.established(transport).await?;
    }
    Ok(())
}

/// Waits until a daemon has no session.
async fn gone(daemon: &Daemon) -> Result<()> {
    herald_tests::eventually(&format!("{} has no session", daemon.software()), async || {
        Ok(daemon.sessions()?.iter().all(|session| !session.is_established()).then_some(()))
    })
    .await
}
