//! What allocations take of a process's memory. A process of its own is asked,
//! so that nothing else is counted.

use std::fs;
use std::io::{self, Write as _};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::world;
use crate::measurement::Measurement;

/// How many there are.
const ALLOCATIONS: usize = 50_000;

/// In MiB.
const BUDGET: f64 = 32.0;

/// Measures 50,000 Services with an address each, in a /8 and a /48.
pub fn measure() -> Result<Measurement> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--memory-of-allocations", &ALLOCATIONS.to_string()])
        .output()
        .context("start the program again")?;
    ensure!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let text = String::from_utf8(child.stdout).context("read its answer")?;
    let bytes: u32 = text.trim().parse().with_context(|| format!("read its answer {text:?}"))?;
    let allocations = u32::try_from(ALLOCATIONS).unwrap_or(u32::MAX);
    let mib = f64::from(bytes) / f64::from(1 << 20);
    let each = (f64::from(bytes) / f64::from(allocations)).round();
    Ok(Measurement::told("memory_of_allocations", mib, "MiB")
        .must_be_at_most(BUDGET)
        .with("allocations", ALLOCATIONS)
        .with("bytes_each", each))
}

/// Makes them and prints by how much this process grew, in bytes.
///
/// # Errors
/// When an address is refused.
pub fn print(count: usize) -> Result<()> {
    let mut allocator = world::allocator();
    let before = resident_bytes()?;
    for number in 0..count {
        world::serve(&mut allocator, number)?;
    }
    let after = resident_bytes()?;
    writeln!(io::stdout(), "{}", after.saturating_sub(before))?;
    drop(allocator);
    Ok(())
}

fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let kib: u64 = line.context("no VmRSS")?.parse().context("read VmRSS")?;
    Ok(kib * 1024)
}
