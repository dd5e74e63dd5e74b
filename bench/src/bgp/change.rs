//! `bgp_change_N`: one prefix of N changes, and how long until the peer has read the UPDATE that says so.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_bgp::Attributes;
use herald_bgp::Prefix;
use herald_lab::clock;
use herald_lab::prefix::Family;
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Command, Handle, start};

use super::announcer;
use super::sink::{Manner, Session, Sink};
use super::site::{PATIENCE, Site};
use crate::measurement::Measurement;
use crate::quantile::Quantiles;

/// How many prefixes there are.
const SIZES: [usize; 2] = [10, 10_000];

/// How many changes of each.
const CHANGES: usize = 500;

/// Time between two changes.
const PAUSE: Duration = Duration::from_millis(2);

/// In milliseconds, at the 99th percentile.
const BUDGET: f64 = 10.0;

/// How much more it may be among many than among few.
const GROWTH: f64 = 2.0;

/// The port of the first receiver.
const PORT: u16 = 1790;

/// Measures.
///
/// # Errors
/// When something could not be measured.
pub fn measure() -> Result<Vec<Measurement>> {
    let site = Site::set_up()?;
    let receivers = &site.receivers.machine().namespace;
    let listen = |port| Sink::listen(receivers, site.receiver(Family::V4, port), Manner::PLAIN);
    let peers = [(SIZES[0], listen(PORT)?), (SIZES[1], listen(PORT + 1)?)];
    // In this process, by whose clock the receivers go.
    let work = site.node()?.namespace.spawn("bgp-change", move || play(&peers))?;
    let [few, many] = work.join()??;
    let growth = many.percentile(50) / few.percentile(50);
    let row = |size: usize, all: &Quantiles| {
        Measurement::told(format!("bgp_change_{size}"), all.percentile(99), "ms")
            .should_be_at_most(BUDGET)
            .with("p50_ms", all.percentile(50))
            .with("worst_ms", all.percentile(100))
            .with("changes", CHANGES)
    };
    Ok(vec![
        row(SIZES[0], &few),
        row(SIZES[1], &many),
        Measurement::told("bgp_change_growth", growth, "x").must_be_at_most(GROWTH),
    ])
}

/// The thread is in the node's network, and so are those that the runtime starts.
fn play(peers: &[(usize, Sink); 2]) -> Result<[Quantiles; 2]> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let took = runtime.block_on(async {
        let clock = Monotonic::start();
        let mut sessions = Vec::new();
        for (number, (size, sink)) in peers.iter().enumerate() {
            let peer = announcer::peer(number, sink.address)?;
            let handle = start(peer, announcer::routes(sink.address, 0..*size, 0), clock)?;
            sink.receive();
            sink.wait("all prefixes", PATIENCE, |session| (session.announced == *size).then_some(()))?;
            sessions.push((*size, sink, handle, Vec::with_capacity(CHANGES)));
        }
        for turn in 1..=CHANGES {
            // In turns, so that both meet the same machine.
            for (size, sink, handle, took) in &mut sessions {
                took.push(change(sink, handle, *size, turn).await?);
                tokio::time::sleep(PAUSE).await;
            }
        }
        anyhow::Ok(sessions.into_iter().map(|(.., took)| took).collect::<Vec<_>>())
    })?;
    let took: [_; 2] = took.try_into().ok().context("two sizes")?;
    Ok(took.map(Quantiles::of))
}

async fn change(sink: &Sink, handle: &Handle, size: usize, turn: usize) -> Result<Duration> {
    let route = changed(sink.address, size, turn);
    let before = sink.wait("a session", PATIENCE, |session| Some(session.announced))?;
    let begun = clock::now();
    handle.commands.send(Command::Routes(vec![route])).await.context("the session has ended")?;
    let arrival = |session: &Session| session.arrivals.last().filter(|last| last.announced > before).copied();
    let arrived = tokio::task::block_in_place(|| sink.wait("a change", PATIENCE, arrival))?;
    Ok(arrived.at.saturating_duration_since(begun))
}

/// Another prefix each time, all over the table.
fn changed(like: SocketAddr, size: usize, turn: usize) -> (Prefix, Option<std::sync::Arc<Attributes>>) {
    let number = turn * 7919 % size;
    let attributes = Attributes { med: u32::try_from(turn).ok(), ..Attributes::default() };
    (Prefix::host(announcer::address(like, number)), Some(attributes.into()))
}
