//! The replay: recordings in, differences out.
//!
//! ```text
//! recording ── steps ──▶ session ── requests ──▶ server
//!                           │  └── answers ──▶ compare (against expectations, binding placeholders)
//!                           └── watches: events matched in order while the steps go on
//!                                       differences ──▶ accepted ──▶ report
//! ```

mod accepted;
mod bind;
mod client;
mod compare;
mod excerpt;
mod recording;
mod session;
mod watching;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use accepted::Accepted;
use recording::Recording;
use session::Session;

/// One thing that is not as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub file: String,
    pub step: String,
    /// Where: `status`, `body.metadata.labels`, `events[2].type`, `headers.warning`, …
    pub at: String,
    pub expected: String,
    pub actual: String,
}

/// Replays one file against a fresh server.
pub async fn replay(file: &str) {
    replay_in_order(&[file]).await;
}

/// Replays files one after another against one server.
pub async fn replay_in_order(files: &[&str]) {
    let server = client::Server::start();
    let mut report = String::new();
    let accepted = Accepted::load();
    let mut failed = false;
    let mut session = Session::new(server).await;
    for file in files {
        let recording = Recording::load(file);
        session.begin(file).await;
        let differences = session.run(&recording).await;
        let verdict = accepted.judge(file, &differences);
        failed |= !verdict.passed();
        report.push_str(&verdict.report(file));
    }
    assert!(!failed, "not as recorded:\n{report}");
}

/// Every recorded file is in the list, and the other way round.
pub fn assert_all_files_known(known: &[&str]) {
    let known: BTreeSet<String> = known.iter().map(|s| (*s).to_owned()).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|stem| stem != "accepted")
        .collect();
    assert_eq!(known, there);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
