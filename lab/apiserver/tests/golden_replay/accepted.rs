//! Differences that are known and why they do no harm.

use std::fmt::Write as _;

use serde::Deserialize;

use super::Difference;

/// One accepted difference. `step` and `at` may end in `*`.
#[derive(Debug, Deserialize)]
struct Entry {
    file: String,
    step: String,
    at: String,
    reason: String,
}

impl Entry {
    fn covers(&self, difference: &Difference) -> bool {
        self.file == difference.file && fits(&self.step, &difference.step) && fits(&self.at, &difference.at)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => pattern == text,
    }
}

/// The list.
#[derive(Debug)]
pub struct Accepted {
    entries: Vec<Entry>,
}

/// What is to be said about one file.
#[derive(Debug)]
pub struct Verdict<'a> {
    unexpected: Vec<&'a Difference>,
    accepted: usize,
    stale: Vec<&'a Entry>,
}

impl Accepted {
    pub fn load() -> Self {
        let path = super::folder().join("accepted.json");
        let text = std::fs::read_to_string(&path).expect("the list of accepted differences");
        let entries: Vec<Entry> = serde_json::from_str(&text).expect("a list of entries");
        for entry in &entries {
            assert!(!entry.reason.trim().is_empty(), "no reason is given: {entry:?}");
        }
        Self { entries }
    }

    /// Splits the differences of a file into accepted and unexpected ones, and finds entries that are stale.
    pub fn judge<'a>(&'a self, file: &str, differences: &'a [Difference]) -> Verdict<'a> {
        let unexpected: Vec<&Difference> =
            differences.iter().filter(|d| !self.entries.iter().any(|entry| entry.covers(d))).collect();
        Verdict {
            accepted: differences.len() - unexpected.len(),
            unexpected,
            stale: self
                .entries
                .iter()
                .filter(|entry| entry.file == file && !differences.iter().any(|d| entry.covers(d)))
                .collect(),
        }
    }
}

impl Verdict<'_> {
    pub fn passed(&self) -> bool {
        self.unexpected.is_empty() && self.stale.is_empty()
    }

    /// The report of a file, for people.
    pub fn report(&self, file: &str) -> String {
        let mut out = format!(
            "{file}: {} unexpected, {} accepted, {} stale\n",
            self.unexpected.len(),
            self.accepted,
            self.stale.len()
        );
        let only = std::env::var("GOLDEN_STEP").ok();
        let as_entries = std::env::var("GOLDEN_ACCEPT").is_ok();
        for difference in &self.unexpected {
            let Difference { step, at, expected, actual, .. } = difference;
            if only.as_ref().is_some_and(|only| !step.contains(only.as_str())) {
                continue;
            }
            if as_entries {
                let entry = serde_json::json!({"file": file, "step": step, "at": at, "reason": ""});
                let _ = writeln!(out, "  {entry},");
            } else {
                let _ = writeln!(out, "  [{step}] {at}\n      expected {expected}\n      actual   {actual}");
            }
        }
        for Entry { step, at, .. } in &self.stale {
            let _ = writeln!(out, "  accepted but did not occur: [{step}] {at}");
        }
        out
    }
}
