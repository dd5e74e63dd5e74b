//! All that was measured: as it comes in, as a table, as JSON.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use herald_lab::clock;

use crate::measurement::Measurement;

/// Measurements in the order they were made.
#[derive(Debug)]
pub struct Report {
    began: Instant,
    measurements: Vec<Measurement>,
}

impl Report {
    /// Nothing measured yet.
    #[must_use]
    pub fn begin() -> Self {
        Self { began: clock::now(), measurements: Vec::new() }
    }

    /// A family of measurements begins.
    pub fn family(&self, name: &str) {
        say(format!("\n{name}"));
    }

    /// Something takes a while.
    pub fn tell(&self, what: impl Display) {
        say(format!("{:8.1} s  {what} …", (clock::now() - self.began).as_secs_f64()));
    }

    /// Adds what was measured.
    pub fn add(&mut self, measurements: impl IntoIterator<Item = Measurement>) {
        for measurement in measurements {
            say(row(&measurement));
            self.measurements.push(measurement);
        }
    }

    /// The names of those that fail the run.
    #[must_use]
    pub fn missed(&self) -> Vec<&str> {
        self.measurements.iter().filter(|one| one.fails()).map(|one| one.name.as_str()).collect()
    }

    /// Writes all as a JSON list.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        }
        let mut text = serde_json::to_string_pretty(&self.measurements)?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Prints the table.
    pub fn summary(&self, path: &Path) {
        say(format!("\n{:<44} {:>12} {:<7} {:>12}", "measurement", "value", "unit", "budget"));
        for measurement in &self.measurements {
            say(row(measurement));
        }
        let took = (clock::now() - self.began).as_secs_f64();
        say(format!("\n* a budget that decides. Took {took:.0} s; the report is in {}", path.display()));
    }
}

fn row(measurement: &Measurement) -> String {
    let Measurement { name, value, unit, budget, pass, decides, .. } = measurement;
    let star = if *decides { "*" } else { "" };
    let budget = budget.map_or_else(String::new, |budget| format!("≤ {budget}{star}"));
    let verdict = match (pass, budget.is_empty()) {
        (_, true) => "",
        (true, _) => "ok",
        (false, _) => "over budget",
    };
    format!("{name:<44} {value:>12.3} {unit:<7} {budget:>12}  {verdict}").trim_end().to_owned()
}

fn say(line: impl Display) {
    // A reader that went away is no reason to stop.
    let _ = writeln!(io::stdout(), "{line}");
}
