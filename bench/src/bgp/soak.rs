//! `bgp_soak`: routes come, change and go all the time, and sessions end in every way; memory stays what it is.
//!
//! | peer | what it does |
//! |---|---|
//! | steady, steady6 | reads, over IPv4 and IPv6; its session must last |
//! | leaving | closes the connection every second |
//! | rude | answers its first UPDATEs with what is no message |
//! | deaf | reads nothing, and closes the connection every five seconds |

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use herald_lab::clock;
use herald_lab::prefix::Family;

use super::announcer::Announce;
use super::memory::Memory;
use super::sink::{Manner, Sink};
use super::site::{Site, cpu_time, mib};
use crate::measurement::{Measurement, rounded};

/// How many prefixes there are.
const PREFIXES: usize = 5_000;

/// Time between two changes, of some two hundred prefixes each.
const PAUSE: Duration = Duration::from_millis(20);

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long a peer that reads may hear nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// By how much memory may grow, in MiB.
const BUDGET: f64 = 4.0;

/// The port of the first peer.
const PORT: u16 = 1790;

/// Measures for so long.
///
/// # Errors
/// When something could not be measured, or a steady peer's session did not last.
pub fn measure(time: Duration) -> Result<Vec<Measurement>> {
    let site = Site::set_up()?;
    let receivers = &site.receivers.machine().namespace;
    let manners = [
        (Family::V4, Manner::PLAIN),
        (Family::V6, Manner::PLAIN),
        (Family::V4, Manner::PLAIN),
        (Family::V6, Manner::RUDE),
        (Family::V4, Manner::DEAF),
    ];
    let listen = |(port, (family, manner))| Sink::listen(receivers, site.receiver(family, port), manner);
    let sinks = (PORT..).zip(manners).map(listen).collect::<Result<Vec<_>>>()?;
    let [steady, steady6, leaving, rude, deaf] = sinks.as_slice() else { bail!("there are five peers") };
    sinks.iter().for_each(Sink::receive);
    let announce = Announce::to(PREFIXES, sinks.iter().map(|sink| sink.address)).churn(PAUSE);
    let herald = announce.start(&site.node()?.namespace, &site.dir)?;

    let mut memory = Memory::default();
    let begun = clock::now();
    let (mut left, mut hung_up) = (begun, begun);
    let mut heard = [(steady, 0, begun), (steady6, 0, begun)];
    while clock::now() - begun < time {
        std::thread::sleep(LOOK);
        memory.add(mib(&herald)?);
        for (sink, before, since) in &mut heard {
            let (number, now) = sink.look(|session| (session.number, session.announced + session.withdrawn));
            ensure!(number <= 1, "{}: the session that was to last has ended", sink.address);
            if now > std::mem::replace(before, now) {
                *since = clock::now();
            }
            ensure!(clock::now() - *since < SILENCE, "{}: nothing was heard for {SILENCE:?}", sink.address);
        }
        every(Duration::from_secs(1), &mut left, || leaving.receive());
        every(Duration::from_secs(5), &mut hung_up, || deaf.receive());
        if rude.look(|session| session.ended.is_some()) {
            rude.receive();
        }
    }
    let sessions = [leaving, rude, deaf].map(|sink| sink.look(|session| session.number));
    ensure!(sessions.iter().all(|one| *one > 1), "sessions did not come back: {sessions:?}");
    let changes: usize = heard.iter().map(|(_, changes, _)| changes).sum();
    let percent = 100.0 * cpu_time(&herald)?.as_secs_f64() / time.as_secs_f64();
    Ok(vec![
        Measurement::told("bgp_soak", memory.growth(), "MiB")
            .must_be_at_most(BUDGET)
            .with("seconds", time.as_secs())
            .with("most_mib", rounded(memory.most()))
            .with("last_mib", rounded(memory.last()))
            .with("sessions_left_rude_deaf", sessions.to_vec())
            .with("changes_received", changes)
            .with("cpu_percent", rounded(percent)),
    ])
}

fn every(interval: Duration, last: &mut Instant, act: impl FnOnce()) {
    if clock::now() - *last >= interval {
        *last = clock::now();
        act();
    }
}
