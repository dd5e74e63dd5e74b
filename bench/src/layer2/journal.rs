//! What has been played, so that a run that was cut short can go on.
//!
//! One JSON object per line, appended and flushed when a scenario is over. A
//! line that was cut in the middle is left out, and its scenario played again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use herald_tests::layer2::{Family, Row};
use serde::{Deserialize, Serialize};

/// One scenario that was played once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// How many nodes there were.
    pub nodes: u8,
    /// The address's family.
    pub family: Family,
    /// Which of the runs it was, from 1.
    pub run: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What was noticed.
    pub rows: Vec<Row>,
    /// Why it could not be played to its end.
    pub failure: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Journal {
    /// One that is forgotten.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// One that is kept.
    ///
    /// # Errors
    /// When the file can't be read and written.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        }
        let mut file = File::options().create(true).append(true).read(true).open(path);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("open {}: {error}", path.display()))?;
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The next line is not to continue one that was cut.
            file.write_all(b"\n").with_context(|| format!("write {}", path.display()))?;
        }
        let entries = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Self { entries, file: Some(file.try_clone()?) })
    }

    /// Adds what was played.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_string(&entry)?;
            line.push('\n');
            file.write_all(line.as_bytes()).and_then(|()| file.flush()).context("write the journal")?;
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Whether it was played to its end in this run already.
    #[must_use]
    pub fn has(&self, nodes: u8, family: Family, run: u32, scenario: &str) -> bool {
        self.of(nodes, family).any(|entry| entry.run == run && entry.scenario == scenario && entry.failure.is_none())
    }

    /// What could not be played to its end, and was not later on: which it was, and why.
    pub fn failures(&self, nodes: u8, family: Family) -> impl Iterator<Item = (String, &str)> {
        let failed = self.of(nodes, family).filter(move |entry| !self.has(nodes, family, entry.run, &entry.scenario));
        failed.filter_map(|entry| Some((format!("{} in run {}", entry.scenario, entry.run), entry.failure.as_deref()?)))
    }

    /// What was played at this size in this family.
    pub fn of(&self, nodes: u8, family: Family) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| (entry.nodes, entry.family) == (nodes, family))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(run: u32) -> Entry {
        let scenario = "node_silent".to_owned();
        Entry { nodes: 3, family: Family::IPv6, run, scenario, rows: Vec::new(), failure: None }
    }

    #[test]
    fn a_journal_is_resumed_also_after_a_cut() {
        let dir = herald_lab::place::target_dir().unwrap().join(format!("journal-{}", std::process::id()));
        let path = dir.join("journal.jsonl");
        Journal::open(&path).unwrap().add(entry(1)).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"{\"nodes\": 3, \"fam").unwrap();
        Journal::open(&path).unwrap().add(entry(2)).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.entries, [entry(1), entry(2)]);
        assert!(journal.has(3, Family::IPv6, 2, "node_silent"));
        assert!(!journal.has(3, Family::IPv4, 2, "node_silent"));
        assert!(!journal.has(3, Family::IPv6, 3, "node_silent"));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_failure_is_played_again_until_it_is_none() {
        let mut journal = Journal::in_memory();
        journal.add(Entry { failure: Some("no rest".to_owned()), ..entry(1) }).unwrap();
        assert!(!journal.has(3, Family::IPv6, 1, "node_silent"));
        let failures: Vec<_> = journal.failures(3, Family::IPv6).collect();
        assert_eq!(failures, [("node_silent in run 1".to_owned(), "no rest")]);
        journal.add(entry(1)).unwrap();
        assert!(journal.has(3, Family::IPv6, 1, "node_silent"));
        assert_eq!(journal.failures(3, Family::IPv6).count(), 0);
    }
}
