//! `release_then_create`: in a full pool one Service goes and another comes.

use anyhow::Result;
use herald_lab::apiserver::Profile;
use herald_lab::clock;
use herald_tests::crowd::{self, Crowd};
use herald_tests::witness::Record;
use std::net::Ipv4Addr;

use super::site::{PATIENCE, Site};
use super::yardstick;
use crate::measurement::Measurement;
use crate::quantile::Quantiles;

/// How often.
const ROUNDS: usize = 100;

/// How much longer than the server's own write, in milliseconds.
const BUDGET: f64 = 25.0;

/// Fills a pool to the last address.
pub async fn populate(site: &Site, size: usize) -> Result<Crowd> {
    let pool = format!("full-{size}");
    let first = Ipv4Addr::new(10, if size > 1000 { 2 } else { 1 }, 0, 0);
    let last = Ipv4Addr::from(u32::from(first) + u32::try_from(size)? - 1);
    site.cluster.apply(&crowd::pool(&pool, &[&format!("{first}-{last}")], false)).await?;
    let crowd = site.crowd(&format!("full-{size}")).await?.from_pool(&pool);
    site.create(&crowd, size).await?;
    site.witness.all_served(&crowd.namespace, size, PATIENCE).await?;
    site.quiet().await;
    Ok(crowd)
}

/// Measures, in a full pool. As many Services are there afterwards as before.
pub async fn measure(site: &Site, size: usize, crowd: &Crowd) -> Result<Vec<Measurement>> {
    let bare = yardstick::crowd(site, "bare-release").await?;
    let client = site.client();
    site.pace(Some(Profile::REALISTIC))?;
    let (mut created, mut waited, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // A Service goes; then one comes.
        crowd.delete_one(&client, round).await?;
        crowd.create_one(&client, size + round).await?;
        let at = clock::now();
        let served = site.witness.served(&crowd.namespace, &crowd.name(size + round), PATIENCE).await?;
        created.push(served.saturating_duration_since(at));
        // Now the other way round: one comes and has to wait until one goes.
        crowd.create_one(&client, round).await?;
        site.witness.until("word that it has to wait", PATIENCE, |record| told(record, crowd, round)).await?;
        crowd.delete_one(&client, size + round).await?;
        let at = clock::now();
        let served = site.witness.served(&crowd.namespace, &crowd.name(round), PATIENCE).await?;
        waited.push(served.saturating_duration_since(at));
        writes.push(yardstick::patch_one(site, &bare, round).await?);
    }
    site.pace(None)?;
    crowd::clear(&client, &bare.namespace).await?;
    let [created, waited, writes] = [created, waited, writes].map(Quantiles::of);
    let row = |name: &str, ours: &Quantiles| {
        let over = (ours.percentile(99) - writes.percentile(99)).max(0.0);
        Measurement::told(format!("{name}_{size}"), over, "ms")
            .must_be_at_most(BUDGET)
            .with("p50_ms", ours.percentile(50))
            .with("p99_ms", ours.percentile(99))
            .with("write_p50_ms", writes.percentile(50))
            .with("write_p99_ms", writes.percentile(99))
            .with("rounds", ROUNDS)
    };
    Ok(vec![row("release_then_create", &created), row("release_to_waiting", &waited)])
}

/// Whether a Service without an address was told why.
fn told(record: &Record, crowd: &Crowd, number: usize) -> Option<()> {
    let sight = record.sight(&crowd.namespace, &crowd.name(number))?;
    (sight.changes > 1).then_some(())
}
