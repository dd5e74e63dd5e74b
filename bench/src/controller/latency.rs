//! `create_to_status`: one Service is created while nothing else is going on.

use anyhow::Result;
use herald_lab::apiserver::Profile;
use herald_lab::clock;

use super::site::{PATIENCE, Site};
use super::yardstick;
use crate::measurement::Measurement;
use crate::quantile::Quantiles;

/// How often.
const ROUNDS: usize = 300;

/// How much longer than the server's own write, in milliseconds.
const BUDGET: f64 = 10.0;

/// Measures.
pub async fn measure(site: &mut Site) -> Result<Vec<Measurement>> {
    let crowd = site.crowd("one-by-one").await?;
    let bare = yardstick::crowd(site, "bare-one-by-one").await?;
    site.pace(Some(Profile::REALISTIC))?;
    let (mut ours, mut writes) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        crowd.create_one(&site.client(), round).await?;
        let created = clock::now();
        let served = site.witness.served(&crowd.namespace, &crowd.name(round), PATIENCE).await?;
        ours.push(served.saturating_duration_since(created));
        writes.push(yardstick::patch_one(site, &bare, round).await?);
    }
    site.clear().await?;
    let (ours, writes) = (Quantiles::of(ours), Quantiles::of(writes));
    let over = (ours.percentile(99) - writes.percentile(99)).max(0.0);
    Ok(vec![
        Measurement::told("create_to_status_p50", ours.percentile(50), "ms"),
        Measurement::told("create_to_status_p99", ours.percentile(99), "ms"),
        Measurement::told("create_to_status_over_write", over, "ms")
            .must_be_at_most(BUDGET)
            .with("write_p50_ms", writes.percentile(50))
            .with("write_p99_ms", writes.percentile(99))
            .with("rounds", ROUNDS),
    ])
}
