//! The act behind a router: Herald speaks BGP with FRR, and a user on the other side of it comes in over every node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;

use super::PATIENCE;
use super::story::{Story, ms};
use crate::clock;
use crate::cluster::{Cluster, manifest};
use crate::prefix::{Family, Prefix};
use crate::probe::{ConnectProbe, spread};
use crate::router::{Daemon, Neighbor, Router, Software};
use crate::scene;

/// AS numbers of the cluster and of its router, as the manifest has them.
const CLUSTER: u32 = 64512;
const ROUTER: u32 = 64513;

/// Connections of the user.
const FLOWS: usize = 30;

/// How often the router is asked.
const LOOK: Duration = Duration::from_millis(5);

/// What the act came to.
pub(super) struct Routed {
    /// From the address in the Service's status to its routes over all nodes in the router's table.
    pub(super) learned: Duration,
    /// Connections that were lost when a node withdrew its route.
    pub(super) lost: usize,
}

/// A Service behind a router.
pub(super) async fn behind_a_router(story: &mut Story, cluster: &Cluster) -> Result<Routed> {
    story.chapter("A router speaks BGP with every node: FRR, from the distribution");
    let lab = cluster.topology();
    let router = Router::attach(lab, 1)?;
    let mut config = router.config(ROUTER);
    for node in lab.nodes() {
        config = config.with(Neighbor::new(IpAddr::from(node.station.v4()), CLUSTER));
    }
    let daemon = router.start(Software::Frr, &config)?;
    let text = objects(router.address(Family::V4));
    story.quote(&text);
    let mut objects = manifest::read(&text)?;
    let service = objects.pop().context("the text ends with a Service")?;
    for object in &objects {
        manifest::apply_object(&cluster.client(), object).await?;
    }
    sessions(&daemon, lab.nodes().len()).await?;
    story.seen("FRR has a session with every node");
    manifest::apply_object(&cluster.client(), &service).await?;
    let address = scene::allocated(&cluster.client(), "default", "web-routed", PATIENCE).await?;
    let host: Prefix = format!("{}/32", address.address).parse()?;
    let nodes: BTreeSet<IpAddr> = lab.nodes().iter().map(|node| node.station.v4().into()).collect();
    let learned = announced_by(&daemon, host, &nodes).await? - address.at;
    story.seen(format!(
        "FRR has {host} over {} nodes, {:.1} ms after the Service had its address",
        nodes.len(),
        ms(learned)
    ));
    let served = spread(router.user(), address.address, 80, FLOWS, PATIENCE)?;
    ensure!(served.len() == nodes.len(), "{FLOWS} connections arrived at {served:?} only");
    story.seen(format!("{FLOWS} connections of a user behind it were spread by its kernel: {}", counts(&served)));
    let lost = withdrawn(story, cluster, &router, &daemon, address.address).await?;
    daemon.stop()?;
    Ok(Routed { learned, lost })
}

async fn sessions(daemon: &Daemon, count: usize) -> Result<()> {
    let deadline = clock::now() + PATIENCE;
    loop {
        let sessions = daemon.sessions()?;
        if sessions.iter().filter(|session| session.is_established()).count() == count {
            return Ok(());
        }
        ensure!(clock::now() < deadline, "FRR has no sessions with all nodes: {sessions:#?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The pod of a node goes; with externalTrafficPolicy Local the node is no way to the Service any more.
async fn withdrawn(
    story: &Story,
    cluster: &Cluster,
    router: &Router,
    daemon: &Daemon,
    address: Ipv4Addr,
) -> Result<usize> {
    let (node, others) = cluster.topology().nodes().split_first().context("the lab has nodes")?;
    let connect = ConnectProbe::start(router.user(), address, 80)?;
    let started = clock::now();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    pods.delete("web-1", &DeleteParams::default()).await?;
    story.tell(format!("the pod on {} is deleted; its user goes on connecting every 2 ms", node.name));
    let left = others.iter().map(|node| node.station.v4().into()).collect();
    let host: Prefix = format!("{address}/32").parse()?;
    announced_by(daemon, host, &left).await?;
    tokio::time::sleep(super::CALM).await;
    let record = connect.stop()?;
    let lost = record.lost(started);
    let served = spread(router.user(), address, 80, FLOWS, PATIENCE)?;
    ensure!(!served.contains_key(&node.name), "{} serves nothing any more, but {served:?}", node.name);
    story.seen(format!(
        "{} has withdrawn its route while its pod still served: {lost} of {} connections were lost; now {}",
        node.name,
        record.sent(started),
        counts(&served)
    ));
    Ok(lost)
}

/// When the router has the prefix from exactly these neighbors.
async fn announced_by(daemon: &Daemon, prefix: Prefix, neighbors: &BTreeSet<IpAddr>) -> Result<std::time::Instant> {
    let deadline = clock::now() + PATIENCE;
    loop {
        let routes = daemon.routes_to(prefix)?;
        let from: BTreeSet<_> = routes.iter().filter_map(|route| route.from).collect();
        if from == *neighbors {
            return Ok(clock::now());
        }
        ensure!(clock::now() < deadline, "FRR has {prefix} from {from:?} instead of {neighbors:?}");
        tokio::time::sleep(LOOK).await;
    }
}

fn counts(served: &BTreeMap<String, usize>) -> String {
    let each: Vec<_> = served.iter().map(|(node, count)| format!("{count} by {node}")).collect();
    each.join(", ")
}

fn objects(router: IpAddr) -> String {
    format!(
        "apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {{name: router1, namespace: metallb-system}}
spec: {{myASN: {CLUSTER}, peerASN: {ROUTER}, peerAddress: {router}}}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {{name: routed, namespace: metallb-system}}
spec: {{addresses: [203.0.113.0/28], autoAssign: false}}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {{name: routed, namespace: metallb-system}}
spec: {{ipAddressPools: [routed]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web-routed, namespace: default, annotations: {{metallb.io/address-pool: routed}}}}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {{app.kubernetes.io/name: web}}
  ports: [{{port: 80}}]
"
    )
}
