//! Plays all scenarios several times.

use std::path::PathBuf;

use anyhow::Result;
use herald_tests::layer2::{Arena, Family, Scenario, Setup};

use super::journal::{Entry, Journal};
use crate::report::Report;

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many nodes.
    pub nodes: u8,
    /// The address's family.
    pub family: Family,
    /// Which scenarios.
    pub scenarios: Vec<Scenario>,
    /// How often each.
    pub runs: u32,
}

impl Plan {
    fn missing(&self, journal: &Journal) -> Vec<(u32, Scenario)> {
        let all = (1..=self.runs).flat_map(|run| self.scenarios.iter().map(move |scenario| (run, *scenario)));
        all.filter(|(run, scenario)| !journal.has(self.nodes, self.family, *run, scenario.name())).collect()
    }
}

/// Plays what the journal does not have yet. A scenario that fails is an entry too, and the next
/// one is played in a new arena.
///
/// # Errors
/// When no arena can be made, or the journal can't be written.
pub async fn play(report: &Report, plan: &Plan, journal: &mut Journal) -> Result<()> {
    let Plan { nodes, family, scenarios: _, runs } = *plan;
    let mut arena = None;
    for (run, scenario) in plan.missing(journal) {
        report.tell(format!("{} ({nodes} nodes, {}), run {run} of {runs}", scenario.name(), family.name()));
        let mut current = match arena.take() {
            Some(arena) => arena,
            None => Arena::set_up(Setup::new(nodes, family)).await?,
        };
        let played = scenario.play(&mut current).await;
        let (rows, failure) = match played {
            Ok(rows) => {
                arena = Some(current);
                (rows, None)
            }
            Err(error) => {
                let failure = format!("{error:#}");
                let logs = keep_logs(current, scenario, run);
                report.tell(format!("{} failed: {failure}; logs in {}", scenario.name(), logs.display()));
                (Vec::new(), Some(failure))
            }
        };
        journal.add(Entry { nodes, family, run, scenario: scenario.name().to_owned(), rows, failure })?;
    }
    Ok(())
}

/// Ends an arena and puts its logs where the next one, which has the same name, leaves them alone.
fn keep_logs(arena: Arena, scenario: Scenario, run: u32) -> PathBuf {
    let dir = arena.cluster.dir().to_owned();
    drop(arena);
    let kept = dir.with_file_name(format!("failed-{}-{run}", scenario.name()));
    // What is left of an earlier failure is replaced.
    let _ = std::fs::remove_dir_all(&kept);
    if std::fs::rename(&dir, &kept).is_ok() { kept } else { dir }
}
