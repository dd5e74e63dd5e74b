//! BGP: what routers learn, and what users behind them get. The routers are FRR, BIRD and GoBGP; what their own tables
//! show is what counts.

mod aggregation;
mod announced;
mod asn;
mod attributes;
mod communities;
mod distance;
mod families;
mod internal;
mod md5;
mod selection;
mod timers;

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use herald_lab::prefix::{Family, Prefix};
use herald_tests::bgp::Fabric;
use serde_json::{Value, json};

/// A Service of the pods with this externalTrafficPolicy.
pub(crate) async fn serve(fabric: &Fabric, name: &str, policy: &str) -> Result<Vec<IpAddr>> {
    serve_as(fabric, name, |service| service["spec"]["externalTrafficPolicy"] = policy.into()).await
}

/// A Service of the pods, changed by `change` before it is applied.
pub(crate) async fn serve_as(fabric: &Fabric, name: &str, change: impl FnOnce(&mut Value)) -> Result<Vec<IpAddr>> {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {
            "type": "LoadBalancer", "ipFamilyPolicy": "PreferDualStack",
            "selector": {"app.kubernetes.io/name": "web"}, "ports": [{"port": 80}],
        },
    });
    change(&mut service);
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
