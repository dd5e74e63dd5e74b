//! `bgp_prefixes_N`: a new peer, and how long until it has N prefixes; BIRD announces as many to the same receiver.

use std::time::Duration;

use anyhow::Result;
use herald_lab::prefix::Family;

use super::announcer::Announce;
use super::sink::{Manner, Sink};
use super::site::{PATIENCE, Site, cpu_time, mib};
use crate::measurement::{Measurement, rounded};
use crate::quantile::{Quantiles, ms};

/// How often each is a new peer's.
const ROUNDS: usize = 7;

/// What it may take at most, of what BIRD takes.
const BUDGET: f64 = 1.5;

/// BIRD holds back its last UPDATE until something happens.
const POKE: Duration = Duration::from_millis(5);

/// Ports of the receivers.
const OURS: u16 = 1790;
const BIRDS: u16 = 1791;

/// Measures.
///
/// # Errors
/// When something could not be measured.
pub fn measure(size: usize, family: Family) -> Result<Vec<Measurement>> {
    let site = Site::set_up()?;
    let receivers = &site.receivers.machine().namespace;
    let listen = |port| Sink::listen(receivers, site.receiver(family, port), Manner::poking(POKE));
    let (ours, birds) = (listen(OURS)?, listen(BIRDS)?);
    let bird = site.start_bird(size, family, &[birds.address])?;
    let herald = Announce::to(size, [ours.address]).start(&site.node()?.namespace, &site.dir)?;

    let (mut herald_took, mut bird_took) = (Took::default(), Took::default());
    let (mut herald_cpu, mut bird_cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // One after the other: each has the machine for itself.
        let before = cpu_time(&herald)?;
        herald_took.add(&ours, size)?;
        herald_cpu.push(cpu_time(&herald)? - before);
        let before = cpu_time(bird.program())?;
        bird_took.add(&birds, size)?;
        bird_cpu.push(cpu_time(bird.program())? - before);
    }
    let suffix = if family == Family::V4 { "" } else { "_ipv6" };
    // BIRD may hold back its last UPDATE: that is not held in our favor.
    let ratio = median(&herald_took.all) / median(&bird_took.all).min(median(&bird_took.most) / 0.99);
    Ok(vec![
        Measurement::told(format!("bgp_prefixes_{size}{suffix}"), ratio, "x")
            .must_be_at_most(BUDGET)
            .with("herald_ms", each(&herald_took.all))
            .with("herald_99_percent_ms", each(&herald_took.most))
            .with("bird_ms", each(&bird_took.all))
            .with("bird_99_percent_ms", each(&bird_took.most)),
        Measurement::told(format!("bgp_prefixes_{size}{suffix}_time"), median(&herald_took.all), "ms")
            .with("cpu_ms", median(&herald_cpu))
            .with("mib", rounded(mib(&herald)?))
            .with("bird_cpu_ms", median(&bird_cpu))
            .with("bird_mib", rounded(mib(bird.program())?)),
    ])
}

/// How long it took, each time.
#[derive(Debug, Default)]
struct Took {
    all: Vec<Duration>,
    /// 99 % of them.
    most: Vec<Duration>,
}

impl Took {
    /// A new session at the receiver.
    fn add(&mut self, sink: &Sink, size: usize) -> Result<()> {
        sink.receive();
        let what = format!("{size} prefixes");
        let (all, most) = sink.wait(&what, PATIENCE, |session| {
            Some((session.took(size)?, session.took(size - size / 100)?)).filter(|_| session.complete > 0)
        })?;
        sink.hang_up();
        self.all.push(all);
        self.most.push(most);
        Ok(())
    }
}

fn median(all: &[Duration]) -> f64 {
    rounded(Quantiles::of(all.to_vec()).percentile(50))
}

fn each(all: &[Duration]) -> Vec<f64> {
    all.iter().map(|one| rounded(ms(*one))).collect()
}
