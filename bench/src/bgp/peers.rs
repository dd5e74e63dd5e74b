//! `bgp_peers_64`: as many peers as there are, all new at once; BIRD has the same.
//!
//! One of them reads nothing. While all routes change again and again it must hold up none of the others, and what is kept
//! for it must not grow (`bgp_deaf_peer`).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use herald_lab::clock;
use herald_lab::prefix::Family;

use super::announcer::Announce;
use super::memory::Memory;
use super::sink::{Arrival, Manner, Session, Sink};
use super::site::{PATIENCE, Site, cpu_time, mib};
use crate::measurement::{Measurement, rounded};
use crate::quantile::{Quantiles, ms};

/// How many peers.
const PEERS: u8 = 64;

/// How many prefixes for each.
const PREFIXES: usize = 5_000;

/// How often.
const ROUNDS: usize = 3;

/// What it may take at most, of what BIRD takes.
const BUDGET: f64 = 1.5;

/// The last byte of the first peer's address.
const FIRST: u8 = 110;

/// BIRD holds back its last UPDATE until something happens.
const POKE: Duration = Duration::from_millis(20);

/// How often all routes change, and the time between two such changes.
const TURNS: usize = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// What is kept for a peer that reads nothing, in MiB.
const DEAF_BUDGET: f64 = 4.0;

/// Measures.
///
/// # Errors
/// When something could not be measured.
pub fn measure() -> Result<Vec<Measurement>> {
    let site = Site::set_up()?;
    add_addresses(&site)?;
    let poking = Manner::poking(POKE);
    // In turn, so that each has the machine for itself.
    let herald = {
        let (sinks, deaf) = listen(&site, poking)?;
        let addresses = sinks.iter().chain([&deaf]).map(|sink| sink.address);
        let herald = Announce::to(PREFIXES, addresses).start(&site.node()?.namespace, &site.dir)?;
        rounds(&sinks, &deaf, || Ok((cpu_time(&herald)?, mib(&herald)?)))?
    };
    let bird = {
        let (sinks, deaf) = listen(&site, poking)?;
        let addresses: Vec<_> = sinks.iter().chain([&deaf]).map(|sink| sink.address).collect();
        let bird = site.start_bird(PREFIXES, Family::V4, &addresses)?;
        let rounds = rounds(&sinks, &deaf, || Ok((cpu_time(bird.program())?, mib(bird.program())?)))?;
        bird.stop()?;
        rounds
    };
    let ratio = herald.median() / bird.median();
    Ok(vec![
        Measurement::told(format!("bgp_peers_{PEERS}"), ratio, "x")
            .must_be_at_most(BUDGET)
            .with("herald_ms", herald.each())
            .with("bird_ms", bird.each()),
        Measurement::told(format!("bgp_peers_{PEERS}_time"), herald.median(), "ms")
            .with("cpu_ms", rounded(ms(herald.cpu)))
            .with("mib", rounded(herald.mib))
            .with("bird_cpu_ms", rounded(ms(bird.cpu)))
            .with("bird_mib", rounded(bird.mib)),
        deaf_peer(&site)?,
    ])
}

/// An address for each peer, beside the router's own.
fn add_addresses(site: &Site) -> Result<()> {
    site.receivers.machine().namespace.run(|| {
        for peer in 0..PEERS {
            let address = format!("{}/24", address(peer));
            let args = ["address", "add", &address, "dev", "eth0"];
            let done = std::process::Command::new("ip").args(args).status().context("run ip")?;
            ensure!(done.success(), "ip {}: {done}", args.join(" "));
        }
        Ok(())
    })?
}

fn address(peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, FIRST + peer)
}

/// All peers; the last one reads nothing.
fn listen(site: &Site, manner: Manner) -> Result<(Vec<Sink>, Sink)> {
    let one = |peer: u8, manner| {
        let address = SocketAddr::new(address(peer).into(), 179);
        Sink::listen(&site.receivers.machine().namespace, address, manner)
    };
    let sinks = (0..PEERS - 1).map(|peer| one(peer, manner)).collect::<Result<_>>()?;
    Ok((sinks, one(PEERS - 1, Manner::DEAF)?))
}

/// How long it took until the last of those that read had everything, each time; and what it cost, once.
struct Rounds {
    took: Vec<Duration>,
    cpu: Duration,
    mib: f64,
}

impl Rounds {
    fn median(&self) -> f64 {
        Quantiles::of(self.took.clone()).percentile(50)
    }

    fn each(&self) -> Vec<f64> {
        self.took.iter().map(|one| rounded(ms(*one))).collect()
    }
}

fn rounds(sinks: &[Sink], deaf: &Sink, costs: impl Fn() -> Result<(Duration, f64)>) -> Result<Rounds> {
    let (mut took, mut cpu, mut mib) = (Vec::new(), Duration::ZERO, 0.0);
    for _ in 0..ROUNDS {
        // All connections are there, and nobody has been answered.
        std::thread::sleep(Duration::from_secs(3));
        let before = costs()?.0;
        let begun = clock::now();
        deaf.receive();
        sinks.iter().for_each(Sink::receive);
        let mut last = begun;
        for sink in sinks {
            let all = |at: &Arrival| at.announced >= PREFIXES;
            let arrived =
                sink.wait("all prefixes", PATIENCE, |session| session.arrivals.iter().find(|at| all(at)).copied())?;
            last = last.max(arrived.at);
        }
        took.push(last - begun);
        let after = costs()?;
        (cpu, mib) = (after.0 - before, after.1);
        deaf.hang_up();
        sinks.iter().for_each(Sink::hang_up);
    }
    Ok(Rounds { took, cpu, mib })
}

/// All routes change again and again, and at last they go.
fn deaf_peer(site: &Site) -> Result<Measurement> {
    let (sinks, deaf) = listen(site, Manner::PLAIN)?;
    deaf.receive();
    sinks.iter().for_each(Sink::receive);
    let addresses = sinks.iter().chain([&deaf]).map(|sink| sink.address);
    let announce = Announce::to(PREFIXES, addresses).turns(TURNS, PAUSE);
    let herald = announce.start(&site.node()?.namespace, &site.dir)?;
    let mut memory = Memory::default();
    let gone = |sink: &Sink| {
        let gone = |session: &Session| session.arrivals.iter().find(|at| at.withdrawn >= PREFIXES).copied();
        sink.wait("the end of all routes", Duration::ZERO, gone)
    };
    let deadline = clock::now() + PATIENCE;
    let ends: Vec<_> = loop {
        memory.add(mib(&herald)?);
        match sinks.iter().map(gone).collect::<Result<_>>() {
            Ok(ends) => break ends,
            Err(error) => ensure!(clock::now() < deadline, "{error:#}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    // The one that read nothing does so now, and is told what counts.
    deaf.hear();
    let heard = deaf.wait("the end of all routes, late", PATIENCE, |session| {
        (session.withdrawn == PREFIXES).then_some(session.announced)
    })?;
    ensure!(heard < (TURNS + 1) * PREFIXES, "who reads nothing was sent every change");
    let ends = ends.into_iter().map(|end: Arrival| end.at);
    let (first, last) = ends.clone().min().zip(ends.max()).context("there are peers")?;
    Ok(Measurement::told("bgp_deaf_peer", memory.growth(), "MiB")
        .must_be_at_most(DEAF_BUDGET)
        .with("mib", rounded(memory.last()))
        .with("changes", TURNS * PREFIXES)
        .with("announced_to_it", heard)
        .with("first_to_last_of_the_others_ms", rounded(ms(last - first))))
}
