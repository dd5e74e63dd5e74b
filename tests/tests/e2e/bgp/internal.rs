//! Internal peers are told LOCAL_PREF and a path without our AS number; external ones a path that begins with it.

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::router::{Origin, Software};
use herald_tests::bgp::CLUSTER;
use herald_tests::bgp::trio::{Trio, each_neighbor};
use serde_json::json;

use super::{announce_all, host, serve};

/// Routers of the cluster's own AS.
async fn internal() -> Result<Trio> {
    let trio = Trio::start(&[Family::V4], |_, mut config| {
        config.asn = CLUSTER;
        each_neighbor(config, |neighbor| neighbor)
    })
    .await?;
    trio.peers(Family::V4, json!({"peerASN": CLUSTER, "dualStackAddressFamily": true})).await?;
    Ok(trio)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn internal_peers_are_told_a_preference() -> Result<()> {
    let trio = internal().await?;
    announce_all(&trio.fabric).await?;
    let sessions = trio.established(Family::V4).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    let nodes = trio.fabric.nodes(Family::V4);
    for address in &addresses {
        for (software, route) in trio.announced_by(host(*address)?, &nodes).await? {
            assert!(route.as_path.is_empty(), "{software}: {route:#?}");
            assert_eq!((route.local_pref, route.origin), (Some(100), Origin::Igp), "{software}: {route:#?}");
            if Family::of(*address) == Family::V4 {
                assert_eq!(route.next_hops.first().copied(), route.from, "{software}: {route:#?}");
            }
        }
    }
    // What is given is told; the path of an internal peer is not made longer.
    let given = json!({"localPref": 4_000_000_000_u32, "herald": {"asPathPrepend": 3, "med": 7}});
    trio.fabric.advertisement("all", given).await?;
    for address in &addresses {
        trio.until(host(*address)?, nodes.len(), "localPref as given", |_, route| {
            route.local_pref == Some(4_000_000_000) && route.med == Some(7) && route.as_path.is_empty()
        })
        .await?;
    }
    // 0 is how MetalLB writes what is not set.
    trio.fabric.advertisement("all", json!({"localPref": 0})).await?;
    for address in &addresses {
        trio.until(host(*address)?, nodes.len(), "localPref 0 is unset", |_, route| {
            route.local_pref == Some(100) && route.med.is_none()
        })
        .await?;
    }
    trio.same(&sessions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn external_peers_are_told_a_path_and_no_preference() -> Result<()> {
    let trio = Trio::start(&[Family::V4], |_, config| config).await?;
    trio.peers(Family::V4, json!({})).await?;
    trio.fabric.pool("routed", &["203.0.113.0/28"]).await?;
    trio.fabric.advertisement("all", json!({"localPref": 250})).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    for address in addresses {
        let routes = trio.announced_by(host(address)?, &trio.fabric.nodes(Family::V4)).await?;
        for (software, route) in routes {
            assert_eq!(route.as_path, [CLUSTER], "{software}: {route:#?}");
            // GoBGP shows a preference that it was told; the others may show their own default.
            assert_ne!(route.local_pref, Some(250), "{software}: {route:#?}");
            assert!(software != Software::Gobgp || route.local_pref.is_none(), "{software}: {route:#?}");
        }
    }
    Ok(())
}
