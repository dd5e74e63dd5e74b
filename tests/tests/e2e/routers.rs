//! A cluster behind a router: the ground that BGP's suites stand on.

use std::net::IpAddr;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::probe::{http, spread};
use herald_lab::router::Software;
use herald_lab::tool;
use herald_tests::PATIENCE;
use herald_tests::bgp::Fabric;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_behind_a_router_reaches_a_service() -> Result<()> {
    let fabric = Fabric::start(1).await?;
    let router = fabric.router(1)?;
    let daemon = router.start(Software::Bird, &fabric.config(1, &Family::BOTH, |neighbor| neighbor.hold_time(9))?)?;
    assert_eq!(daemon.sessions()?.len(), 6, "three nodes over two transports");
    for (name, family) in [("router1-v4", Family::V4), ("router1-v6", Family::V6)] {
        fabric.peer(name, 1, family, json!({"holdTime": "9s", "keepaliveTime": null})).await?;
    }
    fabric.advertisement("all", json!({"communities": ["64512:1"]})).await?;
    fabric.pool("routed", &["203.0.113.0/28", "2001:db8:10::/124"]).await?;
    let policy = "externalTrafficPolicy: Local, ipFamilyPolicy: RequireDualStack";
    let service = |name: &str, policy: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{type: LoadBalancer, {policy}, \
             selector: {{app.kubernetes.io/name: web}}, ports: [{{port: 80}}]}}}}"
        )
    };
    fabric.stage.apply(&service("web", policy)).await?;
    fabric.stage.address_of("web").await?;
    let service = fabric.stage.services().get("web").await?;
    let ingress = service.status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
    let addresses: Vec<IpAddr> = ingress.iter().filter_map(|one| one.ip.as_ref()?.parse().ok()).collect();
    assert_eq!(addresses.len(), 2, "{ingress:?}");

    // A router that was told by hand. (What it learns is for BGP's suites.)
    for address in addresses {
        let family = Family::of(address);
        let hops: String = fabric.nodes(family).iter().map(|node| format!(" nexthop via {node}")).collect();
        let line = format!("route replace {address} proto static metric 5{hops}");
        tool::ip_batch(Some(router.machine().namespace.name()), &[line])?;
        let user = router.user();
        let page = http::get(user, address, 80, PATIENCE)?;
        let own = if family == Family::V4 { user.station.v4().to_string() } else { user.station.v6().to_string() };
        assert_eq!(page.client, own, "nodes answer by way of the router, and Local keeps the user's address");
        let served = spread(user, address, 80, 64, PATIENCE)?;
        assert_eq!(served.len(), 3, "{served:?}");
        assert!(served.values().all(|count| *count >= 6), "far from even: {served:?}");
    }
    daemon.stop()
}
