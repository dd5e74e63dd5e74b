//! `bgp_prefixes_10000_in_frr`, `…_in_bird`: until a real router has them in its kernel. Most of it is the router's own time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use herald_lab::clock;
use herald_lab::prefix::Family;
use herald_lab::router::Software;

use super::announcer::Announce;
use super::site::{PATIENCE, Site};
use crate::measurement::{Measurement, rounded};
use crate::quantile::ms;

/// How many prefixes.
const SIZE: usize = 10_000;

/// Time between two questions.
const LOOK: Duration = Duration::from_millis(10);

/// Measures; only told.
///
/// # Errors
/// When something could not be measured.
pub fn measure() -> Result<Vec<Measurement>> {
    [Software::Frr, Software::Bird].into_iter().map(one).collect()
}

fn one(software: Software) -> Result<Measurement> {
    let site = Site::set_up()?;
    let router = site.start_router(software)?;
    let node = site.node()?;
    let begun = clock::now();
    let herald = Announce::to(SIZE, [site.receiver(Family::V4, 179)]).start(&node.namespace, &site.dir)?;
    let known = until(begun, || {
        let session = router.session(node.station.v4().into())?;
        Ok(session.and_then(|session| session.received.get(&Family::V4).copied()) == Some(SIZE))
    })?;
    let forwarded = until(begun, || Ok(site.receivers.kernel_routes(Family::V4)?.len() >= SIZE))?;
    drop(herald);
    let name = format!("bgp_prefixes_{SIZE}_in_{}", software.to_string().to_lowercase());
    Ok(Measurement::told(name, ms(forwarded), "ms").with("known_to_the_router_ms", rounded(ms(known))))
}

/// How long after `begun` something is so.
fn until(begun: Instant, is: impl Fn() -> Result<bool>) -> Result<Duration> {
    while !is()? {
        ensure!(clock::now() - begun < PATIENCE, "the router does not have all prefixes within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
    Ok(clock::now() - begun)
}
