//! What the runs come to: the worst of each step, held against its budgets.

use std::collections::BTreeMap;

use herald_tests::layer2::{Family, Row};
use serde_json::{Value, json};

use super::journal::Journal;
use super::runs::Plan;
use crate::measurement::Measurement;

/// A number that has a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// The longest time in which no connection succeeded or nobody answered a new client's question.
    Wait,
    /// Probes of 2 ms without an answer.
    Lost,
    /// How long two nodes answered.
    TwoOwners,
    /// How often the answering node changed.
    Flips,
    /// Clients that go on sending to a node that is not the owner.
    Stale,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Of::Wait => "wait",
            Of::Lost => "lost",
            Of::TwoOwners => "two_owners",
            Of::Flips => "flips",
            Of::Stale => "stale",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Of::Wait | Of::TwoOwners => "ms",
            Of::Lost => "probes",
            Of::Flips => "flips",
            Of::Stale => "clients",
        }
    }

    fn value(self, row: &Row) -> f64 {
        match self {
            Of::Wait => row.silence.max(row.unanswered),
            Of::Lost => count(row.lost),
            Of::TwoOwners => row.two_owners,
            Of::Flips => count(row.flips),
            Of::Stale => f64::from(u8::from(row.stale())),
        }
    }
}

/// What a step is held against (DESIGN's budgets); the first is its headline.
fn budgets(step: &str) -> &'static [(Of, Option<f64>)] {
    const STALE: (Of, Option<f64>) = (Of::Stale, Some(0.0));
    const LOSS: &[(Of, Option<f64>)] = &[(Of::Wait, Some(1000.0)), (Of::TwoOwners, None), STALE];
    const PLANNED: &[(Of, Option<f64>)] = &[(Of::Lost, Some(0.0)), (Of::TwoOwners, Some(50.0)), STALE];
    const STAY: &[(Of, Option<f64>)] = &[(Of::Lost, Some(0.0)), (Of::Flips, Some(0.0)), (Of::Wait, None)];
    const HEALED: &[(Of, Option<f64>)] =
        &[(Of::TwoOwners, Some(200.0)), (Of::Flips, Some(1.0)), (Of::Lost, None), STALE];
    match step {
        "speaker_killed" => &[(Of::Wait, Some(1000.0)), (Of::Lost, Some(0.0)), (Of::Flips, Some(0.0))],
        "node_silent" | "carrier_down" => LOSS,
        "speaker_stopped" | "exclude_set" | "exclude_removed" | "endpoint_terminating" => PLANNED,
        "endpoint_removed" => &[(Of::Lost, Some(5.0)), (Of::TwoOwners, None), STALE],
        "steady" | "speaker_started_again" | "speaker_restarted" | "rolling_restart" => STAY,
        "node_healed" | "carrier_up" | "membership_healed" | "nodes_joined" => HEALED,
        _ => &[(Of::Wait, None), (Of::Lost, None), (Of::TwoOwners, None)],
    }
}

/// The rows of a plan's steps, each with the worst of its runs, and how many scenarios failed.
pub fn measurements(plan: &Plan, journal: &Journal) -> Vec<Measurement> {
    let prefix = prefix(plan);
    let mut steps: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in journal.of(plan.nodes, plan.family).flat_map(|entry| &entry.rows) {
        match steps.iter_mut().find(|(step, _)| *step == row.step) {
            Some((_, rows)) => rows.push(row),
            None => steps.push((&row.step, vec![row])),
        }
    }
    let mut measurements: Vec<_> =
        steps.iter().flat_map(|(step, rows)| measurements_of(&format!("{prefix}{step}"), step, rows)).collect();
    let failed: BTreeMap<_, _> = journal.failures(plan.nodes, plan.family).collect();
    measurements.push(failures(plan, failed.len(), json!(failed)));
    measurements
}

/// How many scenarios of a plan failed, and which, and why.
pub fn failures(plan: &Plan, count_of: usize, what: Value) -> Measurement {
    let failures = Measurement::told(format!("{}failures", prefix(plan)), count(count_of), "failures");
    let failures = failures.must_be_at_most(0.0);
    if count_of == 0 { failures } else { failures.with("what", what) }
}

fn measurements_of(name: &str, step: &str, rows: &[&Row]) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    for (index, (of, budget)) in budgets(step).iter().enumerate() {
        let worst = rows.iter().map(|row| of.value(row)).fold(0.0, f64::max);
        let one = Measurement::told(format!("{name}_{}", of.name()), worst, of.unit());
        let one = budget.map_or_else(|| one.clone(), |budget| one.clone().should_be_at_most(budget));
        measurements.push(if index == 0 { detailed(one, rows) } else { one });
    }
    measurements
}

/// With everything of every run.
fn detailed(measurement: Measurement, rows: &[&Row]) -> Measurement {
    let all = |of: fn(&Row) -> Value| Value::from(rows.iter().map(|row| of(row)).collect::<Vec<_>>());
    measurement
        .with("silence_ms", all(|row| json!(row.silence)))
        .with("lost", all(|row| json!(row.lost)))
        .with("sent", all(|row| json!(row.sent)))
        .with("slowness", all(|row| json!(crate::measurement::rounded(row.slowness()))))
        .with("unanswered_ms", all(|row| json!(row.unanswered)))
        .with("new_client_ms", all(|row| json!(row.new_client)))
        .with("two_owners_ms", all(|row| json!(row.two_owners)))
        .with("flips", all(|row| json!(row.flips)))
        .with("owner", all(|row| json!(format!("{} -> {}", row.before, row.after))))
        .with("tcp_survived_reset_stalled", all(|row| json!([row.survived, row.reset, row.stalled])))
}

/// What names begin with: the usual size and family go without saying.
fn prefix(plan: &Plan) -> String {
    match (plan.nodes, plan.family) {
        (3, Family::IPv4) => String::new(),
        (nodes, family) => format!("{}_{nodes}_nodes_", family.name().to_ascii_lowercase()),
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::journal::Entry;
    use super::*;

    fn row(step: &str, silence: f64, lost: usize) -> Row {
        let (step, before, after) = (step.to_owned(), "node1".to_owned(), "node2".to_owned());
        Row {
            step,
            before,
            user_at: after.clone(),
            after,
            silence,
            watched: 2000.0,
            sent: 1000,
            lost,
            unanswered: 600.0,
            new_client: 0.0,
            two_owners: 0.0,
            flips: 1,
            survived: 64,
            reset: 0,
            stalled: 0,
        }
    }

    #[test]
    fn the_worst_run_counts_and_a_failure_decides() {
        let plan = Plan { nodes: 3, family: Family::IPv4, scenarios: Vec::new(), runs: 2 };
        let mut journal = Journal::in_memory();
        let entry = |run, rows, failure| Entry {
            nodes: 3,
            family: Family::IPv4,
            run,
            scenario: "node_silent".to_owned(),
            rows,
            failure,
        };
        journal.add(entry(1, vec![row("node_silent", 700.0, 300), row("exclude_set", 0.0, 2)], None)).unwrap();
        journal.add(entry(2, vec![row("node_silent", 1200.0, 500)], None)).unwrap();
        journal.add(entry(3, Vec::new(), Some("no".to_owned()))).unwrap();
        let found = measurements(&plan, &journal);
        let of = |name: &str| found.iter().find(|one| one.name == name).unwrap();
        assert_eq!((of("node_silent_wait").value, of("node_silent_wait").pass), (1200.0, false));
        assert_eq!(of("node_silent_wait").details["lost"], json!([300, 500]));
        assert_eq!((of("exclude_set_lost").value, of("exclude_set_lost").pass), (2.0, false));
        assert!(!of("exclude_set_lost").fails(), "told, not decided");
        assert!(of("failures").fails());
    }
}
