//! `restart_5000`: the controller is started again, and a new Service is served.

use std::time::Duration;

use anyhow::Result;
use herald_lab::apiserver::Profile;
use herald_lab::clock;

use super::site::{PATIENCE, Site};
use crate::measurement::Measurement;

/// How long it may take, in seconds, by the number of Services.
const fn budget(size: usize) -> f64 {
    if size <= 1000 { 0.7 } else { 2.0 }
}

/// Measures with the Services that are there.
pub async fn measure(site: &mut Site, size: usize) -> Result<Vec<Measurement>> {
    let late = site.crowd("late").await?;
    let before = site.witness.addresses();
    site.pace(Some(Profile::REALISTIC))?;
    site.cluster.controller()?.terminate(PATIENCE)?;
    late.create_one(&site.client(), 0).await?;
    let started = clock::now();
    site.cluster.start_controller()?;
    let served = site.witness.served(&late.namespace, &late.name(0), PATIENCE).await?;
    let leading = site.lease_taken().filter(|taken| *taken >= started);
    site.pace(None)?;

    let after = site.witness.addresses();
    let moved = before.iter().filter(|(service, addresses)| after.get(*service) != Some(addresses)).count();
    late.delete_one(&site.client(), 0).await?;
    let seconds = |took: Duration| took.as_secs_f64();
    let from_start = seconds(served - started);
    let name = format!("restart_{size}");
    let row = match leading {
        Some(leading) => Measurement::told(name, seconds(served.saturating_duration_since(leading)), "s"),
        None => Measurement::told(name, from_start, "s"),
    };
    Ok(vec![
        row.should_be_at_most(budget(size)).with("from_process_start_s", from_start),
        Measurement::told(format!("restart_{size}_moved"), f64::from(u32::try_from(moved)?), "moved")
            .must_be_at_most(0.0),
    ])
}
