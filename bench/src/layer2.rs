//! The real speakers in the lab: moves of an address as its users see them, a yardstick for them,
//! and what a speaker costs.
//!
//! ```text
//!  plan ─► runs (played in an arena, kept in a journal) ─► moves (worst of each step) ─► rows
//!  keepalived   the same watch over two VRRP routers
//!  answer, busy, interfaces, flood, scale, idle   costs
//! ```

mod answer;
mod busy;
mod flood;
mod idle;
mod interfaces;
mod journal;
mod keepalived;
mod members;
mod moves;
mod runs;
mod scale;
mod site;

use std::path::Path;

use anyhow::{Result, bail};
use herald_tests::layer2::{Family, Scenario};

use crate::report::Report;
use runs::Plan;
pub use scale::slice;

/// What can be measured alone.
pub const PARTS: &[&str] =
    &["layer2/moves", "layer2/keepalived", "layer2/answer", "layer2/busy", "layer2/disturbances", "layer2/scale"];

/// How often each step is played, unless at length.
const RUNS: u32 = 3;

/// Measures those of [`PARTS`] that are `wanted`; the moves in a few runs at three nodes.
///
/// # Errors
/// When something could not be measured.
pub async fn measure(report: &mut Report, wanted: impl Fn(&str) -> bool) -> Result<()> {
    if wanted("layer2/moves") {
        let plan = Plan { nodes: 3, family: Family::IPv4, scenarios: Scenario::ALL.to_vec(), runs: RUNS };
        let mut journal = journal::Journal::in_memory();
        runs::play(report, &plan, &mut journal).await?;
        report.add(moves::measurements(&plan, &journal));
    }
    if wanted("layer2/keepalived") {
        report.add(keepalived::measure(report, RUNS).await?);
    }
    costs(report, wanted).await
}

/// Measures the moves at length: more runs, more nodes, both families. What is in the journal
/// already is not played again. Of all scenarios those with these names, or all if there are none.
///
/// # Errors
/// When something could not be measured, the journal is not one, or there is no such scenario.
pub async fn measure_at_length(report: &mut Report, journal: &Path, only: &[String]) -> Result<()> {
    if let Some(unknown) = only.iter().find(|name| !Scenario::ALL.iter().any(|one| one.name() == **name)) {
        bail!(
            "--scenario {unknown}: there is no such scenario; there are {}",
            Scenario::ALL.map(Scenario::name).join(", ")
        );
    }
    let wanted = |one: &Scenario| only.is_empty() || only.iter().any(|name| name == one.name());
    let scenarios: Vec<_> = Scenario::ALL.into_iter().filter(wanted).collect();
    let mut journal = journal::Journal::open(journal)?;
    for nodes in [3, 10] {
        for family in [Family::IPv4, Family::IPv6] {
            let plan = Plan { nodes, family, scenarios: scenarios.clone(), runs: 10 };
            match runs::play(report, &plan, &mut journal).await {
                Ok(()) => report.add(moves::measurements(&plan, &journal)),
                // What is left of this plan can't be played; the others can.
                Err(error) => report.add([moves::failures(&plan, 1, format!("{error:#}").into())]),
            }
        }
    }
    if only.is_empty() {
        report.add(keepalived::measure(report, 10).await?);
        report.tell("half an hour in which all cores are busy");
        report.add(busy::measure(busy::LONG).await?);
    }
    Ok(())
}

async fn costs(report: &mut Report, wanted: impl Fn(&str) -> bool) -> Result<()> {
    if wanted("layer2/answer") {
        report.tell("from a Service's creation to the first answer");
        report.add(answer::measure().await?);
    }
    if wanted("layer2/busy") {
        report.tell("a minute in which all cores are busy");
        report.add(busy::measure(busy::SHORT).await?);
    }
    if wanted("layer2/disturbances") {
        report.tell("pod interfaces that come and go, a flood of questions, an idle speaker");
        let site = site::Site::set_up().await?;
        report.add(idle::measure(&site).await?);
        report.add(interfaces::measure(&site).await?);
        report.add(flood::measure(&site).await?);
    }
    if wanted("layer2/scale") {
        for size in [1000, 5000] {
            report.tell(format!("a speaker among {size} Services and 100 nodes"));
            report.add(scale::measure(size).await?);
        }
    }
    Ok(())
}
