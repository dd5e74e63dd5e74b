//! BGP: what routers learn, and what users behind them get. The routers are FRR, BIRD and GoBGP; what their own tables
//! show is what counts.

mod announced;

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use herald_lab::prefix::{Family, Prefix};
use herald_tests::bgp::Fabric;
use serde_json::json;

/// A Service of the pods, announced by its own policy.
pub(crate) async fn serve(fabric: &Fabric, name: &str, policy: &str) -> Result<Vec<IpAddr>> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {
            "type": "LoadBalancer", "externalTrafficPolicy": policy, "ipFamilyPolicy": "PreferDualStack",
            "selector": {"app.kubernetes.io/name": "web"}, "ports": [{"port": 80}],
        },
    });
    fabric.stage.apply(&service.to_string()).await?;
    fabric.stage.address_of(name).await?;
    let service = fabric.stage.services().get(name).await?;
    let ingress = service.status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
    ingress.iter().map(|one| one.ip.as_deref().unwrap_or_default().parse().context("an address")).collect()
}

/// A pool of both families and an advertisement of all of it.
pub(crate) async fn announce_all(fabric: &Fabric) -> Result<()> {
    fabric.pool("routed", &["203.0.113.0/28", "2001:db8:10::/124"]).await?;
    fabric.advertisement("all", json!({})).await
}

/// The route to one address.
pub(crate) fn host(address: IpAddr) -> Result<Prefix> {
    let length = if Family::of(address) == Family::V4 { 32 } else { 128 };
    format!("{address}/{length}").parse()
}
