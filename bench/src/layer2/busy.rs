//! `busy_flips`: every core is busy with something else, and no speaker takes another one for dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_lab::clock;
use herald_lab::probe::NeighborProbe;
use herald_tests::layer2::{Arena, Family, Setup};

use crate::measurement::Measurement;
use crate::quantile::ms;

/// How long in `make bench`.
pub const SHORT: Duration = Duration::from_secs(60);

/// How long in `make bench-full`: what decided that the fast watch is on by default.
pub const LONG: Duration = Duration::from_secs(30 * 60);

/// Measures for `time`.
pub async fn measure(time: Duration) -> Result<Vec<Measurement>> {
    let arena = Arena::set_up(Setup::new(3, Family::IPv4)).await?;
    let ground = arena.ground();
    let before = ground.owner().await?;
    let asker = NeighborProbe::start(ground.asker()?, arena.address)?;
    let cores = std::thread::available_parallelism().context("count the cores")?.get();
    let begun = clock::now();
    let load = Load::start(cores)?;
    tokio::time::sleep(time).await;
    drop(load);
    let ended = clock::now();
    let asked = asker.stop()?;
    let after = ground.owner().await?;
    let flips = f64::from(u32::try_from(asked.flips(begun))?);
    Ok(vec![
        Measurement::told("busy_flips", flips, "flips")
            .must_be_at_most(0.0)
            .with("owner", format!("{before} -> {after}"))
            .with("two_owners_ms", ms(asked.two_owners(begun)))
            .with("longest_silence_ms", ms(asked.longest_silence(begun, ended)))
            .with("seconds", time.as_secs())
            .with("cores", cores),
    ])
}

/// Threads that compute nothing; they end when it is dropped.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<u64>>,
}

impl Load {
    fn start(threads: usize) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let spawn = |_| {
            let stop = Arc::clone(&stop);
            let compute = move || {
                let mut number = 1_u64;
                while !stop.load(Ordering::Relaxed) {
                    for _ in 0..10_000 {
                        number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                    }
                }
                number
            };
            std::thread::Builder::new().name("busy".to_owned()).spawn(compute).context("start a thread")
        };
        let threads = (0..threads).map(spawn).collect::<Result<_>>()?;
        Ok(Self { stop, threads })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It computes nothing that could fail.
            let _ = thread.join();
        }
    }
}
