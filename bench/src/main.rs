//! The `herald-bench` program: measures what Herald promises, and holds it
//! against its budgets (`make bench`, `docs/bench.md`).
//!
//! ```text
//!  ipam        deciding alone, in this process          ┐
//!  controller  the real program before the embedded     │
//!              API server, paced like a real one        ├─► Report ─► table, report.json
//!  layer2      the real speakers: moves, seen from the  │
//!              clients' side of the wire, and costs     │
//!  bgp         the sessions before a receiver that      │
//!              counts, beside BIRD                      ┘
//! ```
//!
//! One module per family of measurements, one file per measurement. A new
//! family is a module with a `measure(&mut Report)` and a line in [`FAMILIES`].

mod bgp;
mod controller;
mod ipam;
mod layer2;
mod measurement;
mod quantile;
mod report;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use herald_lab::lock::Lock;
use herald_lab::topology::require_root;
use tracing_subscriber::EnvFilter;

use report::Report;

/// What can be measured, in the order it is.
const FAMILIES: &[&str] = &["ipam", "controller", "layer2", "bgp"];

/// The parts of a family that can be measured alone, as `FAMILY/PART`.
const PARTS: [&[&str]; 2] = [layer2::PARTS, bgp::PARTS];

/// How long to wait for other labs on this machine to finish measuring.
const TURN: Duration = Duration::from_secs(900);

/// Measures what Herald promises, and fails when a budget that counts is missed.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Where the report goes.
    #[arg(long, default_value = "target/bench/report.json")]
    report: PathBuf,
    /// Measures this family only, or one part of it, as in layer2/scale; may be repeated.
    #[arg(long, value_name = "FAMILY[/PART]")]
    only: Vec<String>,
    /// Measures layer 2 at length, for more than an hour: 10 runs, 3 and 10 nodes, both families. What was measured already is
    /// not measured again: it is in this journal.
    #[arg(long, value_name = "JOURNAL", conflicts_with = "only")]
    full: Option<PathBuf>,
    /// Of layer 2 at length this scenario only; may be repeated.
    #[arg(long, value_name = "SCENARIO", requires = "full")]
    scenario: Vec<String>,
    /// Prints what so many allocations take of this process's memory, in bytes.
    #[arg(long, value_name = "COUNT", hide = true)]
    memory_of_allocations: Option<usize>,
    /// Lets BGP sessions end in every way for so many seconds, and measures nothing else.
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["only", "full"])]
    bgp_soak: Option<u64>,
    #[command(flatten)]
    announce: bgp::Announce,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere to say it if standard error is closed.
            let _ = writeln!(io::stderr(), "herald-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    if let Some(count) = cli.memory_of_allocations {
        return ipam::memory::print(count);
    }
    if cli.announce.is_asked_for() {
        return cli.announce.clone().run();
    }
    let known = || FAMILIES.iter().chain(PARTS.into_iter().flatten());
    if let Some(unknown) = cli.only.iter().find(|name| !known().any(|known| known == name)) {
        let known: Vec<_> = known().copied().collect();
        bail!("--only {unknown}: there is no such family or part; there are {}", known.join(", "));
    }
    require_root()?;
    // The client library complains of every connection that a fault cuts, and sessions of every end.
    let filter = EnvFilter::new("warn,kube_client=off,herald_speaker=error");
    tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter).init();
    // Its memory is its own also while others measure.
    let _turn = cli.bgp_soak.is_none().then(|| Lock::turn(TURN)).transpose()?;
    let wanted = |family: &&&str| cli.only.is_empty() || cli.only.iter().any(|name| family_of(name) == **family);
    let mut report = Report::begin();
    let mut outcome = Ok(());
    if let Some(journal) = &cli.full {
        report.family("layer2 at length");
        outcome = runtime()?.block_on(layer2::measure_at_length(&mut report, journal, &cli.scenario));
    }
    if let Some(seconds) = cli.bgp_soak {
        report.family("bgp at length");
        outcome = runtime()?.block_on(bgp::soak(&mut report, Duration::from_secs(seconds)));
    }
    let in_short = cli.full.is_none() && cli.bgp_soak.is_none();
    for family in FAMILIES.iter().filter(wanted).filter(|_| in_short) {
        report.family(family);
        outcome = match *family {
            "ipam" => ipam::measure(&mut report),
            "bgp" => runtime()?.block_on(bgp::measure(&mut report, |part| cli.wants(part))),
            "layer2" => runtime()?.block_on(layer2::measure(&mut report, |part| cli.wants(part))),
            _ => runtime()?.block_on(controller::measure(&mut report)),
        };
        if outcome.is_err() {
            break;
        }
    }
    // What was measured until then is worth having also after a failure.
    report.write(&cli.report)?;
    report.summary(&cli.report);
    outcome?;
    let missed = report.missed();
    ensure!(missed.is_empty(), "over budget: {}", missed.join(", "));
    Ok(())
}

/// `layer2` of `layer2/scale` as of `layer2`.
fn family_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(family, _)| family)
}

impl Cli {
    /// Whether a part, given as `FAMILY/PART`, is to be measured.
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == part || name == family_of(part))
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("start the async runtime")
}
