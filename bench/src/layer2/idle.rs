//! `idle_speaker_cpu`, `idle_speaker_writes`: nothing happens.

use std::time::Duration;

use anyhow::Result;
use herald_lab::clock;

use super::site::{Site, percent};
use crate::measurement::Measurement;

/// How long nothing happens.
const TIME: Duration = Duration::from_secs(20);

/// The speaker's ServiceAccount, as the server calls it.
const USER: &str = "system:serviceaccount:metallb-system:herald-speaker";

/// Measures.
pub async fn measure(site: &Site) -> Result<Vec<Measurement>> {
    let (begun, cpu, before) = (clock::now(), site.speaker()?.cpu_time()?, writes(site)?);
    tokio::time::sleep(TIME).await;
    let took = site.speaker()?.cpu_time()? - cpu;
    let share = percent(took, clock::now() - begun);
    let written = f64::from(u32::try_from(writes(site)? - before)?);
    Ok(vec![
        Measurement::told("idle_speaker_cpu", share, "%").must_be_at_most(0.5).with("cpu_s", took.as_secs_f64()),
        Measurement::told("idle_speaker_writes", written, "writes").must_be_at_most(0.0),
    ])
}

fn writes(site: &Site) -> Result<u64> {
    let requests = site.arena.cluster.control_plane().embedded()?.requests();
    Ok(requests.into_iter().filter(|one| one.user == USER && one.are_writes()).map(|one| one.count).sum())
}
