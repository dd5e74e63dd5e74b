//! The asker: asks who has an address, by ARP or neighbour solicitation, again and again.
//!
//! A host that already talks to an address keeps using the MAC it knows; one
//! that comes along just now must ask first. This probe is the second kind all
//! the time: it asks from a packet socket, past the kernel's neighbour table,
//! every 10 ms or as often as it is told, and records each answer. Two answers
//! from different stations to one question are two owners.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Pace;
use crate::clock;
use crate::namespace::Work;
use crate::topology::{Mac, Machine, Station};
use crate::wire::socket::{NeighborSocket, Receives};
use crate::wire::{ArpFrame, NdpFrame, Operation};

/// Time between two questions, unless told otherwise.
pub const PERIOD: Duration = Duration::from_millis(10);

/// An answer to the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it came.
    pub at: Instant,
    /// When the last question before it was sent.
    pub asked: Instant,
    /// Who claims the address.
    pub mac: Mac,
    /// The number of requests sent before it.
    pub round: usize,
}

/// What a probe has recorded.
#[derive(Clone, Debug)]
pub struct NeighborRecord {
    /// When the first request was sent.
    pub started: Instant,
    /// Requests sent.
    pub sent: usize,
    /// All answers, in order.
    pub answers: Vec<Answer>,
}

impl NeighborRecord {
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
pub struct NeighborProbe {
    address: IpAddr,
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    record: Mutex<NeighborRecord>,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, NeighborRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NeighborProbe {
    /// Starts asking for `address` from a client.
    ///
    /// # Errors
    /// When the packet socket cannot be opened.
    pub fn start(client: &Machine, address: impl Into<IpAddr>) -> Result<Self> {
        Self::start_every(client, address, PERIOD)
    }

    /// The same with another time between two questions.
    ///
    /// # Errors
    /// As [`NeighborProbe::start`].
    pub fn start_every(client: &Machine, address: impl Into<IpAddr>, period: Duration) -> Result<Self> {
        let address = address.into();
        let receives = if address.is_ipv4() { Receives::Arp } else { Receives::Ndp };
        let socket = client.namespace.run(move || NeighborSocket::on_interface("eth0", receives))??;
        let record = NeighborRecord { started: clock::now(), sent: 0, answers: Vec::new() };
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), record: Mutex::new(record) });
        let work = client.namespace.spawn("neighbor-probe", {
            let (shared, station) = (Arc::clone(&shared), client.station);
            move || ask(&socket, Question { client: station, address }, period, &shared)
        })?;
        Ok(Self { address, shared, work: Some(work) })
    }

    /// What has been recorded so far.
    #[must_use]
    pub fn record(&self) -> NeighborRecord {
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
                    "no such answer for {} within {patience:?}; last answer from {}",
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
    pub fn stop(mut self) -> Result<NeighborRecord> {
        self.end()?;
        Ok(self.record())
    }

    fn end(&mut self) -> Result<()> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.work.take().map_or(Ok(()), |work| work.join()?)
    }
}

impl Drop for NeighborProbe {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!("the neighbour probe failed: {error:#}");
        }
    }
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
struct Question {
    client: Station,
    address: IpAddr,
}

impl Question {
    fn to_bytes(self) -> Vec<u8> {
        match self.address {
            IpAddr::V4(address) => ArpFrame::who_has(address, self.client.mac(), self.client.v4()).to_bytes(),
            IpAddr::V6(address) => NdpFrame::who_has(address, self.client.mac(), self.client.v6()).to_bytes(),
        }
    }

    /// Who a frame says has the address, if it answers this client: a frame to
    /// everybody reaches hosts that have an entry already, not one that waits
    /// for its first answer.
    fn answer(self, bytes: &[u8]) -> Option<Mac> {
        match self.address {
            IpAddr::V4(address) => {
                let frame = ArpFrame::parse(bytes)?;
                let to_us = (frame.target, frame.destination) == (self.client.v4(), self.client.mac());
                let answers = frame.operation == Operation::Reply && frame.sender == address && to_us;
                answers.then_some(frame.sender_mac)
            }
            IpAddr::V6(address) => {
                let frame = NdpFrame::parse(bytes)?;
                let to_us = (frame.to, frame.destination) == (self.client.v6(), self.client.mac());
                // What has another hop limit has crossed a router, and counts for nothing.
                let answers = frame.hop_limit == 255 && frame.target == address && to_us;
                frame.claim().filter(|_| answers)
            }
        }
    }
}

fn ask(socket: &NeighborSocket, question: Question, period: Duration, shared: &Shared) -> Result<()> {
    let request = question.to_bytes();
    let mut pace = Pace::start(period, clock::now());
    let mut buffer = [0; 256];
    let mut asked = clock::now();
    while !shared.stop.load(Ordering::Relaxed) {
        let now = clock::now();
        if pace.due(now) {
            asked = now;
            socket.send(&request).context("ask who has the address")?;
            let mut record = shared.record();
            if record.sent == 0 {
                record.started = now;
            }
            record.sent += 1;
        }
        let wait = pace.wait(clock::now());
        let Some(arrival) = socket.receive(&mut buffer, wait).context("hear who has it")? else {
            continue;
        };
        let at = clock::now();
        let Some(mac) = buffer.get(..arrival.len).and_then(|bytes| question.answer(bytes)) else { continue };
        let mut record = shared.record();
        let round = record.sent;
        record.answers.push(Answer { at, asked, mac, round });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with answers at (milliseconds, station, round).
    fn record(answers: &[(u64, u8, usize)]) -> NeighborRecord {
        let started = clock::now();
        let answers = answers
            .iter()
            .map(|&(ms, station, round)| Answer {
                at: started + Duration::from_millis(ms),
                asked: started,
                mac: Mac([2, 0, 0, 0, 0, station]),
                round,
            })
            .collect::<Vec<_>>();
        NeighborRecord { started, sent: 100, answers }
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
