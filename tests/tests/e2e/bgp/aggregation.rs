//! Aggregates: one route for many addresses, and with externalTrafficPolicy Local only from nodes that serve them all.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::Result;
use herald_lab::cluster::pods::{self, WebPod};
use herald_lab::prefix::{Family, Prefix};
use herald_lab::router::Software;
use herald_tests::bgp::announced_by;
use herald_tests::bgp::trio::Trio;
use herald_tests::eventually;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use super::{host, serve, serve_as};

const POOL: [&str; 2] = ["203.0.113.0/24", "2001:db8:10::/112"];

/// Waits until all routers know exactly these prefixes, each from these nodes.
async fn known(trio: &Trio, family: Family, wanted: &[(Prefix, &[&str])]) -> Result<()> {
    for (prefix, nodes) in wanted {
        let nodes = nodes.iter().map(|node| trio.fabric.node(node, family)).collect::<Result<BTreeSet<IpAddr>>>()?;
        trio.announced_by(*prefix, &nodes).await?;
    }
    let expected: BTreeSet<_> =
        wanted.iter().filter(|(_, nodes)| !nodes.is_empty()).map(|(prefix, _)| *prefix).collect();
    for daemon in &trio.daemons {
        eventually(&format!("{}: {expected:?} alone", daemon.software()), async || {
            Ok((daemon.learned(family)? == expected).then_some(()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_addresses_are_one_route() -> Result<()> {
    let trio = Trio::start(&[Family::V4], |_, config| config).await?;
    trio.peers(Family::V4, json!({"dualStackAddressFamily": true})).await?;
    trio.fabric.pool("routed", &POOL).await?;
    let lengths = json!({"aggregationLength": 26, "aggregationLengthV6": 120, "communities": ["64512:26"]});
    trio.fabric.advertisement("all", lengths).await?;
    let mut addresses = Vec::new();
    for name in ["web", "shop"] {
        addresses.extend(serve(&trio.fabric, name, "Cluster").await?);
    }
    let aggregates: [Prefix; 2] = ["203.0.113.0/26".parse()?, "2001:db8:10::/120".parse()?];
    let nodes = trio.fabric.nodes(Family::V4);
    for prefix in aggregates {
        for (software, route) in trio.announced_by(prefix, &nodes).await? {
            assert!(route.communities.contains(&(64512, 26)), "{software}: {route:#?}");
        }
        for daemon in &trio.daemons {
            assert_eq!(daemon.learned(prefix.family())?, [prefix].into(), "{}", daemon.software());
        }
    }
    // Host routes beside the aggregate, to one router: the two are different routes.
    let hosts = json!({"peers": ["bird-ipv4"], "localPref": 5, "communities": ["64512:32"]});
    trio.fabric.advertisement("hosts", hosts).await?;
    let bird = trio.daemon(Software::Bird)?;
    for address in &addresses {
        for route in announced_by(bird, host(*address)?, &nodes).await? {
            assert_eq!(route.communities, [(64512, 32)].into(), "{route:#?}");
        }
    }
    // The aggregate stays as long as anything below it is served.
    trio.fabric.stage.services().delete("web", &DeleteParams::default()).await?;
    announced_by(bird, host(addresses[0])?, &BTreeSet::new()).await?;
    for prefix in aggregates {
        trio.announced_by(prefix, &nodes).await?;
    }
    trio.fabric.stage.services().delete("shop", &DeleteParams::default()).await?;
    for prefix in aggregates {
        trio.announced_by(prefix, &BTreeSet::new()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_local_an_aggregate_comes_from_who_serves_all_of_it() -> Result<()> {
    let trio = Trio::start(&Family::BOTH, |_, config| config).await?;
    for transport in Family::BOTH {
        trio.peers(transport, json!({})).await?;
    }
    trio.fabric.pool("routed", &POOL).await?;
    let lengths = json!({"aggregationLength": 24, "aggregationLengthV6": 112});
    trio.fabric.advertisement("all", lengths.clone()).await?;
    let all = serve(&trio.fabric, "web", "Local").await?;
    let aggregate = |family| -> Result<Prefix> {
        if family == Family::V4 { "203.0.113.0/24" } else { "2001:db8:10::/112" }.parse()
    };
    for family in Family::BOTH {
        known(&trio, family, &[(aggregate(family)?, &["node1", "node2", "node3"])]).await?;
    }
    // A second Service whose only pod is on node1: the others can't serve all below the aggregate.
    let pod = WebPod { name: "shop-1", namespace: "default", app: "shop", node: "node1", grace: 60 };
    pods::start(&trio.fabric.stage.client(), &pod).await?;
    let shop = serve_as(&trio.fabric, "shop", |service| {
        service["spec"]["externalTrafficPolicy"] = "Local".into();
        service["spec"]["selector"]["app.kubernetes.io/name"] = "shop".into();
    })
    .await?;
    let hosts = |family| -> Result<[Prefix; 2]> {
        let of = |list: &[IpAddr]| list.iter().copied().find(|address| Family::of(*address) == family);
        let (Some(web), Some(shop)) = (of(&all), of(&shop)) else { anyhow::bail!("both families") };
        Ok([host(web)?, host(shop)?])
    };
    for family in Family::BOTH {
        let [web, shop] = hosts(family)?;
        let nodes: &[(Prefix, &[&str])] = &[(aggregate(family)?, &["node1"]), (web, &["node2", "node3"]), (shop, &[])];
        known(&trio, family, nodes).await?;
    }
    // The user wants it from everybody.
    let mut always = lengths.clone();
    always["herald"] = json!({"aggregateAlways": true});
    trio.fabric.advertisement("all", always).await?;
    for family in Family::BOTH {
        known(&trio, family, &[(aggregate(family)?, &["node1", "node2", "node3"])]).await?;
    }
    trio.fabric.advertisement("all", lengths).await?;
    for family in Family::BOTH {
        let [web, _] = hosts(family)?;
        known(&trio, family, &[(aggregate(family)?, &["node1"]), (web, &["node2", "node3"])]).await?;
    }
    // The first Service leaves node1: nobody serves all any more.
    let pods: Api<Pod> = Api::default_namespaced(trio.fabric.stage.client());
    pods.delete("web-1", &DeleteParams::default()).await?;
    for family in Family::BOTH {
        let [web, shop] = hosts(family)?;
        known(&trio, family, &[(web, &["node2", "node3"]), (shop, &["node1"]), (aggregate(family)?, &[])]).await?;
    }
    // The second goes away: who serves the first serves all again.
    trio.fabric.stage.services().delete("shop", &DeleteParams::default()).await?;
    for family in Family::BOTH {
        known(&trio, family, &[(aggregate(family)?, &["node2", "node3"])]).await?;
    }
    Ok(())
}
