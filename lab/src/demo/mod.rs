//! `make demo`: Herald's whole job on a cluster in a box, told as a story.
//!
//! Nothing is taken on trust: each line with a tick was seen on the wire, at
//! the clients or at the switch, and the demo fails if one of them was not.

mod acts;
pub mod report;
mod routed;
pub mod story;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::cluster::pods::{self, WebPod};
use crate::cluster::{Cluster, Options};
use crate::lock::Lock;
use crate::topology::{leftovers, require_root};
use crate::wire::Capture;
use report::Report;
use story::{Story, ms};

/// How long any single step may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an owner must stay the same before a fault is played.
const CALM: Duration = Duration::from_secs(1);

/// How long to wait for other labs on this machine to finish measuring.
const TURN: Duration = Duration::from_secs(600);

/// Runs the demo and writes its report.
///
/// # Errors
/// When a step did not happen as it should.
pub async fn run(report: &Path) -> Result<()> {
    require_root()?;
    let mut story = Story::begin();
    story.title("Herald: a LoadBalancer address on bare metal, shown on a cluster in a box");
    let outcome = tell(&mut story, report).await;
    if let Err(error) = &outcome {
        story.failed(error);
    }
    outcome
}

async fn tell(story: &mut Story, report_file: &Path) -> Result<()> {
    let _turn = tokio::task::spawn_blocking(|| Lock::turn(TURN)).await??;
    for id in leftovers::sweep()? {
        story.tell(format!("removed what a killed run left behind (lab {id})"));
    }
    let mut cluster = stage(story).await?;
    let mut report = show(story, &mut cluster).await?;
    report.judge();
    report.write(report_file)?;
    story.summary(&report);
    story.tell(format!("the report is in {}", report_file.display()));
    drop(cluster);
    Ok(())
}

/// Sets the stage: machines, cluster, Herald, pods.
async fn stage(story: &mut Story) -> Result<Cluster> {
    story.chapter("A cluster in a box");
    let cluster = Cluster::start(Options::default()).await?;
    let lab = cluster.topology();
    story.tell(format!(
        "lab {}: a control plane, {} nodes and {} clients on 192.168.1.0/24, in network namespaces hl-{}-*",
        lab.id(),
        lab.nodes().len(),
        lab.clients().len(),
        lab.id()
    ));
    for node in lab.nodes() {
        story.tell(format!("{} is {}, {}", node.name, node.station.v4(), node.station.mac()));
    }
    story.tell("herald-controller and one herald-speaker per node are ready; logs are in");
    story.tell(format!("  {}", cluster.dir().display()));
    for (number, node) in (1..).zip(lab.nodes()) {
        let name = format!("web-{number}");
        let web = WebPod { name: &name, namespace: "default", app: "web", node: &node.name, grace: 1 };
        pods::start(&cluster.client(), &web).await?;
    }
    story.tell("a web pod runs on every node");
    Ok(cluster)
}

/// Plays the acts and measures.
async fn show(story: &mut Story, cluster: &mut Cluster) -> Result<Report> {
    let capture = Capture::start(cluster.topology().switch())?;
    let start = acts::address(story, cluster, &capture).await?;
    let probe = &start.probe;
    let killed = acts::speaker_killed(story, cluster, probe, start.address).await?;
    let lost = acts::node_lost(story, cluster, probe, start.address).await?;
    acts::healed(story, cluster, probe, &capture, start.address, &lost).await?;
    let routed = routed::behind_a_router(story, cluster).await?;

    let mut memory_mib = BTreeMap::new();
    for program in cluster.programs() {
        let mib = program.resident_bytes()? / 1024;
        memory_mib.insert(program.name().to_owned(), kib_as_mib(mib));
    }
    Ok(Report {
        external_ip: start.address,
        allocated_ms: ms(start.allocated),
        first_arp_answer_ms: ms(start.first_answer),
        http_ok: start.http_ok,
        owner_before: lost.before,
        owner_after: lost.after,
        speaker_kill_gap_ms: ms(killed.gap),
        node_loss_gap_ms: ms(lost.gap),
        node_loss_probes_lost: lost.probes_lost,
        probes_sent: lost.probes_sent,
        route_learned_ms: ms(routed.learned),
        route_withdrawn_lost: routed.lost,
        memory_mib,
        budgets: Vec::new(),
    })
}

/// KiB as MiB with one decimal.
fn kib_as_mib(kib: u64) -> f64 {
    let tenths = u32::try_from(kib * 10 / 1024).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}
