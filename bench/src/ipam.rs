//! Deciding alone: the allocator, without a client, a clock or a task.

mod decision;
pub mod memory;
mod world;

use anyhow::Result;

use crate::report::Report;

/// Measures the family.
///
/// # Errors
/// When something could not be measured.
pub fn measure(report: &mut Report) -> Result<()> {
    report.tell("decisions among 100, 10,000 and 50,000 Services");
    report.add(decision::measure()?);
    report.tell("memory of 50,000 allocations");
    report.add([memory::measure()?]);
    Ok(())
}
