//! The new client: asks by ARP who has an address, again and again.
//!
//! A host that already talks to an address keeps using the MAC it knows; one
//! that comes along just now must ask first. This probe is the second kind all
//! the time: it broadcasts a request every 10 ms from a packet socket, past
//! the kernel's neighbour table, and records each answer.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Pace;
use crate::clock;
use crate::namespace::Work;
use crate::topology::{Mac, Machine, Station};
use crate::wire::socket::ArpSocket;
use crate::wire::{ArpFrame, Operation};

/// Time between two requests.
pub const PERIOD: Duration = Duration::from_millis(10);

/// An answer to the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it came.
    pub at: Instant,
    /// Who claims the address.
    pub mac: Mac,
    /// The number of requests sent before it.
    pub round: usize,
}

/// What a probe has recorded.
#[derive(Clone, Debug)]
pub struct ArpRecord {
    /// When the first request was sent.
    pub started: Instant,
    /// Requests sent.
    pub sent: usize,
    /// All answers, in order.
    pub answers: Vec<Answer>,
}

impl ArpRecord {
    /// The longest time without an answer between `from` and `to`: what the
    /// unluckiest new client would have waited.
    #[must_use]
    pub fn longest_silence(&self, from: Instant, to: Instant) -> Duration {
        let mut last = from;
        let mut longest = Duration::ZERO;
        let answers = self.answers.iter().map(|answer| answer.at).filter(|at| (from..=to).contains(at));
        for at in answers.chain([to]) {
            longest = longest.max(at.saturating_duration_since(last));
            last = at;
        }
        longest
    }

    /// The first answer at or after `from`.
    #[must_use]
    pub fn first_answer(&self, from: Instant) -> Option<Answer> {
        self.answers.iter().find(|answer| answer.at >= from).copied()
    }

    /// The last answer before `to`.
    #[must_use]
    pub fn last_answer(&self, to: Instant) -> Option<Answer> {
        self.answers.iter().rev().find(|answer| answer.at < to).copied()
    }

    /// Who answered last.
    #[must_use]
    pub fn owner(&self) -> Option<Mac> {
        self.answers.last().map(|answer| answer.mac)
    }

    /// From the first request since `from` that two stations answered to the
    /// last one; zero when none was.
    #[must_use]
    pub fn two_owners(&self, from: Instant) -> Duration {
        let mut span: Option<(Instant, Instant)> = None;
        for pair in self.answers.windows(2) {
            let &[one, other] = pair else { continue };
            if one.at >= from && one.round == other.round && one.mac != other.mac {
                let first = span.map_or(one.at, |(first, _)| first);
                span = Some((first, other.at));
            }
        }
        span.map_or(Duration::ZERO, |(first, last)| last - first)
    }

    /// How often the answering station changed since `from`. A request that
    /// two stations answered counts for neither of them.
    #[must_use]
    pub fn flips(&self, from: Instant) -> usize {
        let since: Vec<_> = self.answers.iter().filter(|answer| answer.at >= from).collect();
        let sole: Vec<Mac> = since
            .chunk_by(|one, other| one.round == other.round)
            .filter_map(|round| {
                let (first, others) = round.split_first()?;
                others.iter().all(|other| other.mac == first.mac).then_some(first.mac)
            })
            .collect();
        sole.windows(2).filter(|pair| matches!(pair, [a, b] if a != b)).count()
    }
}

/// A running probe. Ends when dropped.
#[derive(Debug)]
pub struct ArpProbe {
    address: Ipv4Addr,
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    record: Mutex<ArpRecord>,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, ArpRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ArpProbe {
    /// Starts asking for `address` from a client.
    ///
    /// # Errors
    /// When the packet socket cannot be opened.
    pub fn start(client: &Machine, address: Ipv4Addr) -> Result<Self> {
        let socket = client.namespace.run(|| ArpSocket::on_interface("eth0"))??;
        let record = ArpRecord { started: clock::now(), sent: 0, answers: Vec::new() };
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), record: Mutex::new(record) });
        let work = client.namespace.spawn("arp-probe", {
            let (shared, station) = (Arc::clone(&shared), client.station);
            move || ask(&socket, station, address, &shared)
        })?;
        Ok(Self { address, shared, work: Some(work) })
    }

    /// What has been recorded so far.
    #[must_use]
    pub fn record(&self) -> ArpRecord {
        self.shared.record().clone()
    }

    /// Waits for an answer at or after `from` that pleases `wanted`.
    ///
    /// # Errors
    /// When none comes within `patience`.
    pub fn wait_for(&self, from: Instant, patience: Duration, wanted: impl Fn(&Answer) -> bool) -> Result<Answer> {
        let deadline = clock::now() + patience;
        loop {
            let found = {
                let record = self.shared.record();
                record.answers.iter().find(|a| a.at >= from && wanted(a)).copied()
            };
            match found {
                Some(answer) => return Ok(answer),
                None if clock::now() >= deadline => bail!(
                    "no such ARP answer for {} within {patience:?}; last answer from {}",
                    self.address,
                    self.shared.record().owner().map_or("nobody".to_owned(), |mac| mac.to_string()),
                ),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Ends the probe and returns what it recorded.
    ///
    /// # Errors
    /// When the probe itself failed.
    pub fn stop(mut self) -> Result<ArpRecord> {
        self.end()?;
        Ok(self.record())
    }

    fn end(&mut self) -> Result<()> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.work.take().map_or(Ok(()), |work| work.join()?)
    }
}

impl Drop for ArpProbe {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!("the ARP probe failed: {error:#}");
        }
    }
}

fn ask(socket: &ArpSocket, client: Station, address: Ipv4Addr, shared: &Shared) -> Result<()> {
    let request = ArpFrame::who_has(address, client.mac(), client.v4()).to_bytes();
    let mut pace = Pace::start(PERIOD, clock::now());
    let mut buffer = [0; 256];
    while !shared.stop.load(Ordering::Relaxed) {
        let now = clock::now();
        if pace.due(now) {
            socket.send(&request).context("ask by ARP")?;
            let mut record = shared.record();
            if record.sent == 0 {
                record.started = now;
            }
            record.sent += 1;
        }
        let wait = pace.wait(clock::now());
        let Some(arrival) = socket.receive(&mut buffer, wait).context("hear ARP answers")? else {
            continue;
        };
        let at = clock::now();
        let Some(frame) = buffer.get(..arrival.len).and_then(ArpFrame::parse) else { continue };
        // Only what answers this client: a gratuitous frame reaches hosts that
        // have an entry already, not one that waits for its first answer.
        let answers_us = frame.operation == Operation::Reply
            && frame.sender == address
            && frame.target == client.v4()
            && frame.destination == client.mac();
        if answers_us {
            let mut record = shared.record();
            let round = record.sent;
            record.answers.push(Answer { at, mac: frame.sender_mac, round });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with answers at (milliseconds, station, round).
    fn record(answers: &[(u64, u8, usize)]) -> ArpRecord {
        let started = clock::now();
        let answers = answers
            .iter()
            .map(|&(ms, station, round)| Answer {
                at: started + Duration::from_millis(ms),
                mac: Mac([2, 0, 0, 0, 0, station]),
                round,
            })
            .collect::<Vec<_>>();
        ArpRecord { started, sent: 100, answers }
    }

    #[test]
    fn silence_counts_the_edges_too() {
        let record = record(&[(10, 1, 1), (20, 1, 2), (90, 2, 9), (100, 2, 10)]);
        let at = |ms| record.started + Duration::from_millis(ms);
        assert_eq!(record.longest_silence(at(0), at(110)), Duration::from_millis(70));
        assert_eq!(record.longest_silence(at(0), at(400)), Duration::from_millis(300));
        assert_eq!(record.longest_silence(at(30), at(50)), Duration::from_millis(20));
    }

    #[test]
    fn two_owners_are_two_answers_to_one_question() {
        let record = record(&[(10, 1, 1), (11, 2, 1), (20, 2, 2), (30, 2, 3), (31, 1, 3), (40, 2, 4)]);
        assert_eq!(record.two_owners(record.started), Duration::from_millis(21));
        assert_eq!(record.two_owners(record.started + Duration::from_millis(35)), Duration::ZERO);
        assert_eq!(record.flips(record.started), 0, "only station 2 was ever alone");
        let moved = [(10, 1, 1), (20, 1, 2), (21, 2, 2), (30, 2, 3), (40, 1, 4)];
        assert_eq!(self::record(&moved).flips(record.started), 2);
    }
}
