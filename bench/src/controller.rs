//! The real controller before the embedded API server, whose writes take as
//! long as a real one's.

mod burst;
mod idle;
mod latency;
mod memory;
mod release;
mod restart;
mod site;
mod yardstick;

use anyhow::Result;

use crate::measurement::twice;
use crate::report::Report;
use site::Site;

/// How many Services there are.
const SIZES: [usize; 2] = [1000, 5000];

/// Measures the family.
///
/// # Errors
/// When something could not be measured.
pub async fn measure(report: &mut Report) -> Result<()> {
    let mut site = Site::set_up().await?;
    report.tell("from a Service's creation to its address");
    report.add(twice(async || latency::measure(&mut site).await).await?);
    for size in SIZES {
        report.tell(format!("{size} Services at once"));
        report.add(twice(async || burst::measure(&mut site, size).await).await?);
        report.tell(format!("one of {size} goes, another comes"));
        let crowd = release::populate(&site, size).await?;
        report.add(twice(async || release::measure(&site, size, &crowd).await).await?);
        report.tell(format!("memory and restart with {size} Services"));
        report.add([memory::measure(&site, size).await?]);
        report.add(restart::measure(&mut site, size).await?);
        report.add(idle::measure(&mut site, size).await?);
        site.clear().await?;
    }
    site.verdict()
}
