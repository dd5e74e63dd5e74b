//! `burst_1000`, `burst_5000`: many Services are created at once.
//!
//! For the ratio the controller is stopped while they are created, so that it
//! finds all of them at once and has as much to write as the bare client. The
//! seconds are those a user waits after the last creation, with the controller
//! at work all the time.

use anyhow::Result;
use herald_lab::apiserver::Profile;
use herald_lab::clock;
use nix::sys::signal::Signal;

use super::site::{PATIENCE, Site};
use super::yardstick;
use crate::measurement::Measurement;

/// How much longer than a bare client.
const BUDGET: f64 = 1.3;

/// How long after the last creation, in seconds, by size.
const fn budget_seconds(size: usize) -> f64 {
    if size <= 1000 { 0.5 } else { 1.0 }
}

/// Measures. Leaves nothing behind.
pub async fn measure(site: &mut Site, size: usize) -> Result<Vec<Measurement>> {
    let bare = {
        let crowd = yardstick::crowd(site, "bare-burst").await?;
        site.create(&crowd, size).await?;
        site.pace(Some(Profile::REALISTIC))?;
        let took = yardstick::patch_all(site, &crowd, size).await?;
        site.clear().await?;
        took
    };
    let at_once = {
        let crowd = site.crowd("burst").await?;
        let controller = site.cluster.controller()?;
        controller.signal(Signal::SIGSTOP)?;
        let created = site.create(&crowd, size).await;
        site.pace(Some(Profile::REALISTIC))?;
        let begun = clock::now();
        controller.signal(Signal::SIGCONT)?;
        created?;
        let took = site.witness.all_served(&crowd.namespace, size, PATIENCE).await? - begun;
        site.clear().await?;
        took
    };
    let after_the_last = {
        let crowd = site.crowd("paced-burst").await?;
        site.pace(Some(Profile::REALISTIC))?;
        crowd.create(&site.client(), 0..size).await?;
        let last = clock::now();
        let served = site.witness.all_served(&crowd.namespace, size, PATIENCE).await?;
        site.clear().await?;
        served.saturating_duration_since(last)
    };
    let ratio = at_once.as_secs_f64() / bare.as_secs_f64();
    Ok(vec![
        Measurement::told(format!("burst_{size}"), ratio, "x")
            .must_be_at_most(BUDGET)
            .with("controller_s", at_once.as_secs_f64())
            .with("bare_client_s", bare.as_secs_f64()),
        Measurement::told(format!("burst_{size}_after_last_create"), after_the_last.as_secs_f64(), "s")
            .should_be_at_most(budget_seconds(size)),
    ])
}
