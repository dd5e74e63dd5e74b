//! Who tells whom about what: peers, nodeSelectors and serviceSelectors, and pools.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use herald_lab::prefix::{Family, Prefix};
use herald_lab::router::Software;
use herald_tests::bgp::announced_by;
use herald_tests::bgp::trio::{Trio, peer_name};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{host, serve_as};

/// The nodes' labels that selectors of this suite look at.
async fn label(trio: &Trio, node: &str, rack: &str) -> Result<()> {
    let nodes: Api<Node> = Api::all(trio.fabric.stage.client());
    let patch = json!({"metadata": {"labels": {"example.com/rack": rack}}});
    nodes.patch(node, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

/// Waits until a router has the route from exactly these nodes.
async fn has(trio: &Trio, software: Software, prefix: Prefix, nodes: &[&str]) -> Result<()> {
    let nodes = nodes.iter().map(|node| trio.fabric.node(node, Family::V4)).collect::<Result<BTreeSet<_>>>()?;
    announced_by(trio.daemon(software)?, prefix, &nodes).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_nodes_services_and_pools_are_selected() -> Result<()> {
    const ALL: [&str; 3] = ["node1", "node2", "node3"];
    let trio = Trio::start(&[Family::V4], |_, config| config).await?;
    let fabric = &trio.fabric;
    for (node, rack) in [("node1", "a"), ("node2", "a"), ("node3", "b")] {
        label(&trio, node, rack).await?;
    }
    trio.peers(Family::V4, json!({})).await?;
    // GoBGP is the router of rack b alone.
    let rack = |rack: &str| json!([{"matchLabels": {"example.com/rack": rack}}]);
    trio.peer(Software::Gobgp, Family::V4, json!({"nodeSelectors": rack("b")})).await?;
    fabric.pool("inside", &["203.0.113.0/28"]).await?;
    fabric.pool("outside", &["198.51.100.0/28"]).await?;
    let bird = peer_name(Software::Bird, Family::V4);
    // Everything inside goes to everybody; what is outside goes from rack a to BIRD alone, and if it is public.
    fabric.advertisement("inside", json!({"ipAddressPools": ["inside"]})).await?;
    let public = json!([{"matchLabels": {"public": "yes"}}]);
    let spec = json!({
        "ipAddressPools": ["outside"], "peers": [bird, "nobody"], "nodeSelectors": rack("a"), "serviceSelectors": public,
    });
    fabric.advertisement("outside", spec).await?;
    let mut prefixes = Vec::new();
    for (name, pool, labels) in [
        ("inside", "inside", json!({})),
        ("public", "outside", json!({"public": "yes"})),
        ("private", "outside", json!({})),
    ] {
        let metadata = json!({"name": name, "labels": labels, "annotations": {"metallb.io/address-pool": pool}});
        let addresses = serve_as(fabric, name, |service| service["metadata"] = metadata).await?;
        prefixes.push(host(*addresses.first().context("an address")?)?);
    }
    let [inside, public, private] = *prefixes else { anyhow::bail!("three prefixes") };
    has(&trio, Software::Frr, inside, &ALL).await?;
    has(&trio, Software::Bird, inside, &ALL).await?;
    has(&trio, Software::Gobgp, inside, &["node3"]).await?;
    has(&trio, Software::Bird, public, &ALL[..2]).await?;
    for daemon in &trio.daemons {
        let mut expected = BTreeSet::from([inside]);
        if daemon.software() == Software::Bird {
            expected.insert(public);
        }
        assert_eq!(daemon.learned(Family::V4)?, expected, "{}", daemon.software());
    }
    let sessions = herald_tests::bgp::established(trio.daemon(Software::Frr)?, &fabric.nodes(Family::V4)).await?;
    // Everything that is selected by changes.
    label(&trio, "node3", "a").await?;
    has(&trio, Software::Gobgp, inside, &[]).await?;
    has(&trio, Software::Bird, public, &ALL).await?;
    label(&trio, "node1", "b").await?;
    has(&trio, Software::Gobgp, inside, &["node1"]).await?;
    has(&trio, Software::Bird, public, &ALL[1..]).await?;
    let annotations = json!({"metallb.io/address-pool": "outside"});
    let metadata = json!({"name": "private", "labels": {"public": "yes"}, "annotations": annotations});
    serve_as(fabric, "private", |service| service["metadata"] = metadata).await?;
    has(&trio, Software::Bird, private, &ALL[1..]).await?;
    fabric.advertisement("outside", json!({"ipAddressPools": ["outside"], "peers": ["frr-ipv4"]})).await?;
    for prefix in [public, private] {
        has(&trio, Software::Bird, prefix, &[]).await?;
        has(&trio, Software::Frr, prefix, &ALL).await?;
    }
    for session in &sessions {
        herald_tests::bgp::same(trio.daemon(Software::Frr)?, session)?;
    }
    Ok(())
}
