//! What everything is held against: a bare client that makes the same patches.
//!
//! It knows what to write, watches nothing and decides nothing, so it takes the
//! time that the server alone takes. Its Services have a class that nobody
//! serves.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use herald_lab::clock;
use herald_tests::crowd::{Crowd, IN_FLIGHT};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::site::{PATIENCE, Site};

/// The class of the Services that the bare client writes to.
const CLASS: &str = "example.com/nobody";

/// A crowd for the bare client.
pub async fn crowd(site: &Site, namespace: &str) -> Result<Crowd> {
    Ok(site.crowd(namespace).await?.of_class(CLASS))
}

/// Writes an address to all of a crowd, as many at a time as the controller does, and returns how
/// long that took until the last was seen.
pub async fn patch_all(site: &Site, crowd: &Crowd, count: usize) -> Result<Duration> {
    let api: Api<Service> = Api::namespaced(site.client(), &crowd.namespace);
    let versions = site.witness.look(|record| {
        let of_crowd = record.of_namespace(&crowd.namespace);
        of_crowd.map(|(name, sight)| (name.to_owned(), sight.resource_version.clone())).collect::<Vec<_>>()
    });
    let begun = clock::now();
    futures::stream::iter(versions.into_iter().take(count).enumerate())
        .map(|(number, (name, version))| patch(&api, number, name, version))
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    Ok(site.witness.all_served(&crowd.namespace, count, PATIENCE).await? - begun)
}

/// Creates one Service and writes an address to it; returns how long the write took until it was
/// seen.
pub async fn patch_one(site: &Site, crowd: &Crowd, number: usize) -> Result<Duration> {
    let name = crowd.name(number);
    crowd.create_one(&site.client(), number).await?;
    let seen = |record: &herald_tests::witness::Record| {
        record.sight(&crowd.namespace, &name).map(|sight| sight.resource_version.clone())
    };
    let version = site.witness.until("the new Service", PATIENCE, seen).await?;
    let api: Api<Service> = Api::namespaced(site.client(), &crowd.namespace);
    let begun: Instant = clock::now();
    patch(&api, number, name.clone(), version).await?;
    Ok(site.witness.served(&crowd.namespace, &name, PATIENCE).await? - begun)
}

/// The patch that the controller makes.
async fn patch(api: &Api<Service>, number: usize, name: String, version: String) -> Result<()> {
    let [_, high, middle, low] = u32::try_from(number)?.to_be_bytes();
    let address = format!("172.{}.{middle}.{low}", 16 + high);
    let body = json!({
        "metadata": {"resourceVersion": version, "annotations": {"metallb.io/ip-allocated-from-pool": "bench"}},
        "status": {
            "loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]},
            "conditions": [{
                "type": "metallb.io/Allocated", "status": "True", "reason": "Allocated",
                "message": format!("{address} from pool \"bench\""), "lastTransitionTime": "2026-11-21T10:08:00Z",
            }],
        },
    });
    let params = PatchParams { field_manager: Some("bare-client".to_owned()), ..PatchParams::default() };
    let patched = api.patch_status(&name, &params, &Patch::Strategic(body)).await;
    patched.map(drop).with_context(|| format!("patch the status of {name}"))
}
