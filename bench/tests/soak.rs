//! BGP sessions whose routes change all the time and that end in every way: a hundred seconds of what `make bench-full` does
//! for an hour.
#![cfg(test)]

use std::process::Command;

use anyhow::{Result, ensure};

/// How long, in seconds.
const TIME: &str = "100";

#[test]
fn memory_stays_what_it_is_while_routes_change_and_sessions_end() -> Result<()> {
    let report = std::env::temp_dir().join(format!("herald-bgp-soak-{}.json", std::process::id()));
    let program = env!("CARGO_BIN_EXE_herald-bench");
    let done = Command::new(program).args(["--bgp-soak", TIME, "--report"]).arg(&report).output()?;
    let _ = std::fs::remove_file(&report);
    let said = [done.stdout, done.stderr].concat();
    ensure!(done.status.success(), "{}: {}", done.status, String::from_utf8_lossy(&said));
    Ok(())
}
