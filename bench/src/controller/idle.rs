//! `writes_per_idle_pass`: everything is decided again, and nothing has changed.

use std::time::Duration;

use anyhow::{Result, ensure};
use herald_crds::IPAddressPool;
use herald_lab::cluster::{SYSTEM_NAMESPACE, programs};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::site::{PATIENCE, Site};
use crate::measurement::Measurement;

/// Services decided, as the controller counts them.
const DECIDED: &str = "metallb_k8s_client_updates_total";

/// Measures with the Services that are there: after a list of everything, after a restart, and
/// after a change of a pool.
pub async fn measure(site: &mut Site, size: usize) -> Result<Vec<Measurement>> {
    site.quiet().await;
    let of_services = |site: &Site| site.writes(|resource| resource == "services");
    let others = |site: &Site| site.writes(|resource| resource != "services");
    let before = (of_services(site), others(site));

    let begun = decided(site)?;
    site.server()?.restart();
    until_decided(site, begun + size).await?;
    let relisted = of_services(site);

    site.restart_controller().await?;
    until_decided(site, size).await?;
    let restarted = of_services(site);

    // More addresses, others at each size: all Services have their pools looked up anew.
    let pools: Api<IPAddressPool> = Api::namespaced(site.client(), SYSTEM_NAMESPACE);
    let longer = json!({"spec": {"addresses": ["10.128.0.0/9", format!("192.168.{}.0/24", size / 1000)]}});
    pools.patch("bench", &PatchParams::default(), &Patch::Merge(&longer)).await?;
    site.quiet().await;
    let after = (of_services(site), others(site));

    let writes = f64::from(u32::try_from(after.0 - before.0)?);
    Ok(vec![
        Measurement::told(format!("writes_per_idle_pass_{size}"), writes, "writes")
            .must_be_at_most(0.0)
            .with("after_a_list", relisted - before.0)
            .with("after_a_restart", restarted - relisted)
            .with("after_a_pool", after.0 - restarted)
            .with("of_other_objects", after.1 - before.1),
    ])
}

/// Waits until the controller has decided so many Services, and done what follows.
async fn until_decided(site: &Site, count: usize) -> Result<()> {
    let deadline = herald_lab::clock::now() + PATIENCE;
    while decided(site).unwrap_or(0) < count {
        ensure!(herald_lab::clock::now() < deadline, "the controller does not decide its {count} Services again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    site.quiet().await;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter is a whole number")]
fn decided(site: &Site) -> Result<usize> {
    let namespace = &site.cluster.topology().control_plane().namespace;
    Ok(programs::metric(namespace, DECIDED)? as usize)
}
