//! `pod_interfaces_cpu`, `pod_interfaces_threads`: pods come and go, and with each an interface.

use std::time::Duration;

use anyhow::Result;
use herald_lab::{clock, tool};

use super::site::{NODE, Site, percent};
use crate::measurement::Measurement;

/// How many interfaces come, and go again.
const COUNT: usize = 500;

/// How many of them at a time.
const BATCH: usize = 25;

/// What their cost is held against: a share of this time.
const MINUTE: Duration = Duration::from_secs(60);

/// How long afterwards the speaker may still be busy with them.
const REST: Duration = Duration::from_secs(1);

/// Measures.
pub async fn measure(site: &Site) -> Result<Vec<Measurement>> {
    let speaker = site.speaker()?;
    let (threads, cpu, begun) = (speaker.threads()?, speaker.cpu_time()?, clock::now());
    let mut most = threads;
    let numbers: Vec<usize> = (0..COUNT).collect();
    // The other ends are on another machine, as a pod's is in the pod.
    let pods = site.arena.ground().user()?.namespace.name().to_owned();
    for batch in numbers.chunks(BATCH) {
        let up = batch.iter().flat_map(|number| {
            [
                format!("link add bench{number} type veth peer name peer{number} netns {pods}"),
                format!("link set bench{number} up"),
            ]
        });
        run(site, up.collect()).await?;
        // Only with both ends up has an interface carrier.
        let lines: Vec<_> = batch.iter().map(|number| format!("link set peer{number} up")).collect();
        let other = pods.clone();
        tokio::task::spawn_blocking(move || tool::ip_batch(Some(&other), &lines)).await??;
        most = most.max(speaker.threads()?);
    }
    for batch in numbers.chunks(BATCH) {
        run(site, batch.iter().map(|number| format!("link del bench{number}")).collect()).await?;
        most = most.max(speaker.threads()?);
    }
    tokio::time::sleep(REST).await;
    let took = speaker.cpu_time()? - cpu;
    // It still does its work.
    site.arena.ground().owner().await?;
    let more = f64::from(u32::try_from(most - threads)?);
    Ok(vec![
        Measurement::told("pod_interfaces_cpu", percent(took, MINUTE), "%")
            .must_be_at_most(1.0)
            .with("interfaces", COUNT)
            .with("cpu_s", took.as_secs_f64())
            .with("took_s", (clock::now() - begun).as_secs_f64()),
        Measurement::told("pod_interfaces_threads", more, "threads").must_be_at_most(0.0).with("before", threads),
    ])
}

async fn run(site: &Site, lines: Vec<String>) -> Result<()> {
    let namespace = site.arena.cluster.topology().node(NODE)?.namespace.name().to_owned();
    tokio::task::spawn_blocking(move || tool::ip_batch(Some(&namespace), &lines)).await?
}
