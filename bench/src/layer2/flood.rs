//! `arp_flood_cpu`, `arp_flood_answer`: the LAN is full of questions that are none of Herald's.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use herald_lab::clock;
use herald_lab::namespace::Work;
use herald_lab::probe::NeighborProbe;
use herald_lab::topology::Station;
use herald_lab::wire::ArpFrame;
use herald_lab::wire::socket::{NeighborSocket, Receives};

use super::site::{Site, percent};
use crate::measurement::Measurement;
use crate::quantile::{Quantiles, ms};

/// Questions a second.
const RATE: u32 = 50_000;

/// Questions at a time.
const BATCH: u32 = 50;

/// How long.
const TIME: Duration = Duration::from_secs(10);

/// Time between two questions for the address that is announced.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// Measures.
pub async fn measure(site: &Site) -> Result<Vec<Measurement>> {
    let ground = site.arena.ground();
    let asker = NeighborProbe::start_every(ground.asker()?, site.arena.address, ASK_EVERY)?;
    let (speaker, cpu, begun) = (site.speaker()?, site.speaker()?.cpu_time()?, clock::now());
    let flood = start(site)?;
    let sent = tokio::task::spawn_blocking(move || flood.join()).await???;
    let time = clock::now() - begun;
    let took = speaker.cpu_time()? - cpu;
    let asked = asker.stop()?;
    let answers = asked.answers.iter().filter(|answer| answer.at >= begun);
    let answers = Quantiles::of(answers.map(|answer| answer.at - answer.asked).collect());
    let rate = f64::from(sent) / time.as_secs_f64();
    ensure!(rate > 0.1 * f64::from(RATE), "only {rate:.0} questions a second could be sent");
    // A machine that can't send so many has each of them cost as much.
    let share = percent(took, time) * f64::from(RATE) / rate.min(f64::from(RATE));
    Ok(vec![
        Measurement::told("arp_flood_cpu", share, "%")
            .must_be_at_most(5.0)
            .with("questions_per_s", rate)
            .with("cpu_s", took.as_secs_f64()),
        Measurement::told("arp_flood_answer_p99", answers.percentile(99), "ms")
            .should_be_at_most(5.0)
            .with("p50_ms", answers.percentile(50))
            .with("longest_silence_ms", ms(asked.longest_silence(begun, begun + time))),
    ])
}

/// Asks for addresses that nobody has, from the first client.
fn start(site: &Site) -> Result<Work<Result<u32>>> {
    let ground = site.arena.ground();
    let client = ground.user()?;
    let station = client.station;
    client.namespace.spawn("arp-flood", move || flood(station))
}

fn flood(station: Station) -> Result<u32> {
    let socket = NeighborSocket::on_interface("eth0", Receives::Arp)?;
    let question = |last: u8| ArpFrame::who_has(Ipv4Addr::new(192, 168, 1, last), station.mac(), station.v4());
    let frames: Vec<_> = (150..200).map(|last| question(last).to_bytes()).collect();
    let pause = Duration::from_secs(1) * BATCH / RATE;
    let begun = clock::now();
    let mut sent = 0;
    while clock::now() - begun < TIME {
        for frame in &frames {
            socket.send(frame).context("ask")?;
            sent += 1;
        }
        let next = begun + pause * (sent / BATCH);
        std::thread::sleep(next.saturating_duration_since(clock::now()));
    }
    Ok(sent)
}
