//! The controller's resident memory.

use anyhow::Result;

use super::site::Site;
use crate::measurement::Measurement;

/// In MiB, by the number of Services.
const fn budget(size: usize) -> f64 {
    if size <= 1000 { 20.0 } else { 35.0 }
}

/// Measures with the Services that are there, once everything is written.
pub async fn measure(site: &Site, size: usize) -> Result<Measurement> {
    site.quiet().await;
    let kib = u32::try_from(site.cluster.controller()?.resident_bytes()? / 1024)?;
    Ok(Measurement::told(format!("controller_memory_{size}"), f64::from(kib) / 1024.0, "MiB")
        .must_be_at_most(budget(size)))
}
