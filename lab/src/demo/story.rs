//! Tells the demo's story: a timeline, in colour on a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::report::Report;
use crate::clock;

/// The teller. Lines carry the time since the story began.
#[derive(Debug)]
pub struct Story {
    began: Instant,
    colour: bool,
    chapter: usize,
}

/// How a piece of text looks on a terminal.
#[derive(Clone, Copy, Debug)]
enum Look {
    Bold,
    Dim,
    Good,
    Bad,
}

impl Story {
    /// Begins. Colour is used on a terminal, unless `NO_COLOR` is set.
    #[must_use]
    pub fn begin() -> Self {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { began: clock::now(), colour, chapter: 0 }
    }

    /// The title, before the first chapter.
    pub fn title(&self, text: &str) {
        self.line(&format!("\n{}\n", self.paint(Look::Bold, text)));
    }

    /// Opens a chapter: what is about to be done.
    pub fn chapter(&mut self, text: &str) {
        self.chapter += 1;
        self.line(&format!("\n{}", self.paint(Look::Bold, format!("{}. {text}", self.chapter))));
    }

    /// Something was done, or begun.
    pub fn tell(&self, text: impl Display) {
        self.line(&format!("{}  {text}", self.stamp()));
    }

    /// Something was seen to be so.
    pub fn seen(&self, text: impl Display) {
        self.line(&format!("{}  {} {text}", self.stamp(), self.paint(Look::Good, "✔")));
    }

    /// A quotation: a manifest, a page.
    pub fn quote(&self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(&format!("           {}", self.paint(Look::Dim, format!("│ {line}"))));
        }
    }

    /// The story went wrong.
    pub fn failed(&self, error: &anyhow::Error) {
        self.line(&format!("{}  {} {error:#}", self.stamp(), self.paint(Look::Bad, "✘")));
    }

    /// The numbers, and what they were allowed to be.
    pub fn summary(&self, report: &Report) {
        self.line(&format!("\n{}", self.paint(Look::Bold, "Summary")));
        let facts = [
            ("address of web-lb", report.external_ip.to_string()),
            ("owner, before and after the node was lost", {
                format!("{} → {}", report.owner_before, report.owner_after)
            }),
            ("connections tried / lost, node lost", {
                format!("{} / {}", report.probes_sent, report.node_loss_probes_lost)
            }),
        ];
        for (what, value) in facts {
            self.line(&format!("  {what:<44} {value:>22}"));
        }
        for budget in &report.budgets {
            let value = format!("{:.1} {}", budget.measured, budget.unit);
            let limit = format!("≤ {:.0} {}", budget.at_most, budget.unit);
            let verdict = if budget.pass { self.paint(Look::Good, "ok") } else { self.paint(Look::Bad, "over budget") };
            self.line(&format!("  {:<44} {value:>10}  {limit:>10}  {verdict}", budget.what));
        }
        self.line("");
    }

    fn stamp(&self) -> String {
        let passed = clock::now() - self.began;
        self.paint(Look::Dim, format!("{:8.3} s", passed.as_secs_f64()))
    }

    fn paint(&self, look: Look, text: impl Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let code = match look {
            Look::Bold => "1",
            Look::Dim => "2",
            Look::Good => "32",
            Look::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    fn line(&self, text: &str) {
        // A reader that went away is no reason to leave the lab half-made.
        let _ = writeln!(io::stdout(), "{text}");
    }
}

/// A duration as the report has it: milliseconds with one decimal.
#[must_use]
pub fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
