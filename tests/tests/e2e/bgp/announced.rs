//! A Service behind routers: every node that serves it is a way to it, and no other.

use std::collections::BTreeSet;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::probe::spread;
use herald_lab::router::Software;
use herald_tests::bgp::{Fabric, announced_by, established};
use herald_tests::{PATIENCE, eventually};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use super::{announce_all, host, serve};

/// A router, sessions of each family's own, and a dual-stack Service with externalTrafficPolicy Local.
async fn reaches_users_through(software: Software) -> Result<()> {
    let fabric = Fabric::start(1).await?;
    let router = fabric.router(1)?;
    let daemon = router.start(software, &fabric.config(1, &Family::BOTH, |neighbor| neighbor)?)?;
    for (name, family) in [("router1-v4", Family::V4), ("router1-v6", Family::V6)] {
        fabric.peer(name, 1, family, json!({})).await?;
    }
    announce_all(&fabric).await?;
    let addresses = serve(&fabric, "web", "Local").await?;
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for family in Family::BOTH {
        established(&daemon, &fabric.nodes(family)).await?;
    }
    for address in &addresses {
        let family = Family::of(*address);
        let routes = announced_by(&daemon, host(*address)?, &fabric.nodes(family)).await?;
        for route in routes {
            assert_eq!(route.as_path, [64512], "{route:#?}");
            assert_eq!(route.next_hops.first().copied(), route.from, "the node itself: {route:#?}");
            assert!(route.communities.is_empty() && route.med.is_none(), "{route:#?}");
        }
        if software != Software::Gobgp {
            // What the daemon knows reaches its kernel a moment later.
            eventually("flows arrive at all nodes", async || {
                Ok((spread(router.user(), *address, 80, 64, PATIENCE)?.len() == 3).then_some(()))
            })
            .await?;
        }
    }
    // One node has no endpoint any more.
    let two: Vec<BTreeSet<_>> = {
        let pods: Api<Pod> = Api::default_namespaced(fabric.stage.client());
        pods.delete("web-2", &DeleteParams::default()).await?;
        let without = |family| -> Result<BTreeSet<_>> {
            let gone = fabric.node("node2", family)?;
            Ok(fabric.nodes(family).into_iter().filter(|node| *node != gone).collect())
        };
        [without(Family::V4)?, without(Family::V6)?].into()
    };
    for address in &addresses {
        let nodes = if Family::of(*address) == Family::V4 { &two[0] } else { &two[1] };
        announced_by(&daemon, host(*address)?, nodes).await?;
        if software != Software::Gobgp {
            eventually("no flow arrives at node2", async || {
                let served = spread(router.user(), *address, 80, 64, PATIENCE)?;
                Ok((served.len() == 2 && !served.contains_key("node2")).then_some(()))
            })
            .await?;
        }
    }
    fabric.stage.services().delete("web", &DeleteParams::default()).await?;
    for address in &addresses {
        announced_by(&daemon, host(*address)?, &BTreeSet::new()).await?;
    }
    daemon.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frr_learns_of_a_service_and_its_users_reach_it() -> Result<()> {
    reaches_users_through(Software::Frr).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bird_learns_of_a_service_and_its_users_reach_it() -> Result<()> {
    reaches_users_through(Software::Bird).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gobgp_learns_of_a_service() -> Result<()> {
    reaches_users_through(Software::Gobgp).await
}
