//! Herald's BGP sessions: how fast a peer has everything, how fast a change is told, and what that costs.
//!
//! ```text
//!  announcer: the sessions, in a process of their own ─┐
//!                                                      ├─► Sink: counts what it is told, and when
//!  BIRD, announcing the same: the yardstick ───────────┤
//!  services: the real speaker in a cluster ────────────┘
//!  soak: sessions end in every way, for long
//! ```

mod announcer;
mod change;
mod memory;
mod messages;
mod peers;
mod prefixes;
mod routers;
mod services;
mod sink;
mod site;
mod soak;

use std::time::Duration;

use anyhow::Result;
use herald_lab::prefix::Family;

pub use announcer::Announce;

use crate::measurement::{Measurement, twice};
use crate::report::Report;

/// What can be measured alone.
pub const PARTS: &[&str] = &["bgp/prefixes", "bgp/routers", "bgp/peers", "bgp/change", "bgp/services"];

/// Measures those of [`PARTS`] that are `wanted`.
///
/// # Errors
/// When something could not be measured.
pub async fn measure(report: &mut Report, wanted: impl Fn(&str) -> bool) -> Result<()> {
    if wanted("bgp/prefixes") {
        for (size, family) in [(10_000, Family::V4), (100_000, Family::V4), (10_000, Family::V6)] {
            report.tell(format!("{size} {} prefixes to a new peer, and BIRD's", family.name()));
            report.add(blocking(move || prefixes::measure(size, family)).await?);
        }
    }
    if wanted("bgp/routers") {
        report.tell("10000 prefixes to real routers and their kernels");
        report.add(blocking(routers::measure).await?);
    }
    if wanted("bgp/peers") {
        report.tell("64 peers at once, and BIRD's; one that reads nothing");
        report.add(blocking(peers::measure).await?);
    }
    if wanted("bgp/change") {
        report.tell("one prefix of few and of many changes");
        report.add(blocking(change::measure).await?);
    }
    if wanted("bgp/services") {
        for size in services::SIZES {
            report.tell(format!("the speaker's start, and one more Service, among {size}"));
            report.add(services::measure(size).await?);
        }
    }
    Ok(())
}

/// Routes change and sessions end for so long.
///
/// # Errors
/// When it could not be measured.
pub async fn soak(report: &mut Report, time: Duration) -> Result<()> {
    report.tell(format!("sessions that end in every way, for {} s", time.as_secs()));
    let measured = tokio::task::spawn_blocking(move || soak::measure(time)).await??;
    report.add(measured);
    Ok(())
}

async fn blocking(measure: impl Fn() -> Result<Vec<Measurement>> + Clone + Send + 'static) -> Result<Vec<Measurement>> {
    twice(async || tokio::task::spawn_blocking(measure.clone()).await?).await
}
