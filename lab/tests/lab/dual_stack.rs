//! A Service of both families: what happens to its addresses is the same in each.
//!
//! There is no Herald here. An address is put on a node's interface by hand,
//! so that its kernel answers for it; the data path rewrites what comes in
//! before the kernel sees that it is its own.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use anyhow::Result;
use herald_lab::cluster::pods::{self, WebPod};
use herald_lab::cluster::{Cluster, InternalIps, Options};
use herald_lab::neighbors::NeighborTable;
use herald_lab::probe::{ConnectProbe, NeighborProbe, NewcomerProbe, StreamProbe, http};
use herald_lab::topology::{Machine, Size};
use herald_lab::wire::{Capture, Direction, NdpKind};
use herald_lab::{clock, tool};
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

const V4: &str = "192.168.1.240";
const V6: &str = "fd00:1::240";
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts the address on a node, or takes it away.
fn address(verb: &str, address: IpAddr, node: &Machine) -> Result<()> {
    let line = match address {
        IpAddr::V4(address) => format!("addr {verb} {address}/32 dev eth0"),
        IpAddr::V6(address) => format!("addr {verb} {address}/128 dev eth0 nodad"),
    };
    tool::ip_batch(Some(node.namespace.name()), &[line])
}

/// A cluster with a pod on each of two nodes, and a Service of both families.
async fn dual_stack() -> Result<Cluster> {
    let size = Size { nodes: 2, clients: 2 };
    let cluster = Cluster::start_bare(Options { size, ..Options::default() }).await?;
    for (name, node) in [("web-1", "node1"), ("web-2", "node2")] {
        let web = WebPod { name, namespace: "default", app: "web", node, grace: 60 };
        pods::start(&cluster.client(), &web).await?;
    }
    cluster
        .apply(
            "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, \
             externalTrafficPolicy: Local, ipFamilyPolicy: RequireDualStack, \
             selector: {app.kubernetes.io/name: web}, ports: [{port: 80}]}}",
        )
        .await?;
    let services: Api<Service> = Api::default_namespaced(cluster.client());
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": V4}, {"ip": V6}]}}});
    services.patch_status("web", &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(cluster)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_on_a_node_reaches_its_pod_in_both_families() -> Result<()> {
    let cluster = dual_stack().await?;
    let capture = Capture::start(cluster.topology().switch())?;
    let [node1, node2] = cluster.topology().nodes() else { panic!("two nodes") };
    let (user, newcomer) = (cluster.client_machine(0)?, cluster.client_machine(1)?);
    let clients = [user.station.v4().to_string(), user.station.v6().to_string()];
    for (vip, client) in [V4, V6].into_iter().zip(clients) {
        let vip: IpAddr = vip.parse()?;
        for node in [node1, node2] {
            address("add", vip, node)?;
            let page = http::get(user, vip, 80, PATIENCE)?;
            assert_eq!((&page.node, &page.client), (&node.name, &client), "Local keeps the client's address");
            let table = NeighborTable::of(user)?;
            assert_eq!(table.lookup(vip)?, Some(node.station.mac()));

            // What an asker sees, and what becomes of connections, while nothing happens.
            let started = clock::now();
            let asker = NeighborProbe::start_every(user, vip, Duration::from_millis(2))?;
            assert_eq!(asker.wait_for(started, PATIENCE, |_| true)?.mac, node.station.mac());
            let streams = StreamProbe::start(user, vip, 80, 8)?;
            let connect = ConnectProbe::start(user, vip, 80)?;
            let visits = NewcomerProbe::start(newcomer, vip, 80)?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            let (visits, connect, asked) = (visits.stop()?, connect.stop()?, asker.stop()?);
            assert_eq!((streams.count().survived, connect.lost(started)), (8, 0));
            assert!(connect.sent(started) > 10, "{} sent", connect.sent(started));
            assert!(visits.visits.len() > 1, "{visits:?}");
            let wait = visits.longest_wait(started, clock::now());
            assert!(wait < Duration::from_millis(500), "a new client waited {wait:?}");
            assert!(asked.answers.len() > 5 && asked.two_owners(started).is_zero(), "{} answers", asked.answers.len());
            address("del", vip, node)?;
            table.forget(vip)?;
            assert_eq!(table.lookup(vip)?, None);
            table.forget(vip)?;
        }
    }
    // Each newcomer really had to ask.
    let vip: Ipv6Addr = V6.parse()?;
    let asked = capture.seen_ndp().into_iter().filter(|s| {
        let by_newcomer = (s.machine.as_str(), s.direction) == ("client2", Direction::FromMachine);
        by_newcomer && s.frame.kind == NdpKind::Solicitation && s.frame.target == vip
    });
    assert!(asked.count() > 2, "solicitations on the wire");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_client_waits_as_long_as_nobody_answers() -> Result<()> {
    let cluster = dual_stack().await?;
    let [node1, _] = cluster.topology().nodes() else { panic!("two nodes") };
    let vip: IpAddr = V6.parse()?;
    address("add", vip, node1)?;
    http::get(cluster.client_machine(0)?, vip, 80, PATIENCE)?;
    let visits = NewcomerProbe::start(cluster.client_machine(1)?, vip, 80)?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let gone = clock::now();
    address("del", vip, node1)?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    address("add", vip, node1)?;
    let back = clock::now();
    // Its kernel asks once a second.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let visits = visits.stop()?;
    let wait = visits.longest_wait(gone, clock::now());
    assert!(wait >= Duration::from_millis(350), "{wait:?}");
    assert!(wait < Duration::from_millis(1500), "{wait:?}");
    assert!(visits.visits.iter().any(|visit| visit.served.is_some_and(|served| served > back)), "and was served");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_and_slices_have_the_families_they_should() -> Result<()> {
    let cluster = dual_stack().await?;
    let nodes: Api<Node> = Api::all(cluster.client());
    let addresses = nodes.get("node1").await?.status.and_then(|status| status.addresses).unwrap_or_default();
    let internal: Vec<_> = addresses.iter().filter(|one| one.type_ == "InternalIP").map(|one| &*one.address).collect();
    assert_eq!(internal, ["192.168.1.11", "fd00:1::11"], "IPv4 first");

    let slices: Api<EndpointSlice> = Api::default_namespaced(cluster.client());
    let deadline = clock::now() + PATIENCE;
    loop {
        let slices = slices.list(&ListParams::default()).await?.items;
        let mut found: Vec<_> =
            slices.iter().map(|slice| (slice.address_type.as_str(), slice.endpoints.len())).collect();
        found.sort_unstable();
        if found == [("IPv4", 2), ("IPv6", 2)] {
            break;
        }
        assert!(clock::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let size = Size { nodes: 1, clients: 0 };
    let options = Options { size, internal_ips: InternalIps::Ipv6Only, ..Options::default() };
    drop(cluster);
    let cluster = Cluster::start_bare(options).await?;
    let nodes: Api<Node> = Api::all(cluster.client());
    let addresses = nodes.get("node1").await?.status.and_then(|status| status.addresses).unwrap_or_default();
    assert_eq!(addresses[0].address, "fd00:1::11");
    Ok(())
}
