//! The newcomer: forgets the neighbour and connects, again and again.
//!
//! What [`super::neighbor`] asks for past the kernel, this probe leaves to it:
//! each visit deletes the client's neighbour entry, connects, and lasts until
//! a connection is answered. A visit therefore has all that a new client's
//! kernel does to it, such as the second between two of its ARP requests,
//! but not the second before it repeats a SYN: an attempt that has no answer
//! after 100 ms is followed by another one. It needs a client of its own, as
//! the answers to other questions would teach that client's kernel.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::connect;
use crate::clock;
use crate::namespace::Work;
use crate::neighbors::NeighborTable;
use crate::topology::Machine;

/// Time between the end of a visit and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How long one attempt to connect may take, in milliseconds.
const ATTEMPT: u16 = 100;

/// Pause after an attempt that was refused.
const REFUSED: Duration = Duration::from_millis(5);

/// How long a visit may last.
const LONGEST: Duration = Duration::from_secs(10);

/// A new client's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// When it had forgotten the neighbour and asked.
    pub asked: Instant,
    /// When its connection was answered; `None` while it is not.
    pub served: Option<Instant>,
}

/// What a probe has recorded: visits in order.
#[derive(Clone, Debug, Default)]
pub struct NewcomerRecord {
    /// All visits.
    pub visits: Vec<Visit>,
}

impl NewcomerRecord {
    /// The longest wait between `from` and `to`.
    #[must_use]
    pub fn longest_wait(&self, from: Instant, to: Instant) -> Duration {
        let wait = |visit: &Visit| {
            let end = visit.served.map_or(to, |served| served.min(to));
            end.saturating_duration_since(visit.asked.max(from))
        };
        self.visits.iter().map(wait).max().unwrap_or_default()
    }
}

/// A running probe. Ends when dropped.
#[derive(Debug)]
pub struct NewcomerProbe {
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    record: Mutex<NewcomerRecord>,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, NewcomerRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NewcomerProbe {
    /// Starts visiting `address`:`port` from a client that does nothing else.
    ///
    /// # Errors
    /// When the client's neighbour table cannot be changed.
    pub fn start(client: &Machine, address: impl Into<IpAddr>, port: u16) -> Result<Self> {
        let address = address.into();
        let shared = Arc::new(Shared::default());
        let table = NeighborTable::of(client)?;
        let work = client.namespace.spawn("newcomer-probe", {
            let shared = Arc::clone(&shared);
            move || visit(&table, (address, port).into(), &shared)
        })?;
        Ok(Self { shared, work: Some(work) })
    }

    /// What has been recorded so far.
    #[must_use]
    pub fn record(&self) -> NewcomerRecord {
        self.shared.record().clone()
    }

    /// Ends the probe and returns what it recorded.
    ///
    /// # Errors
    /// When the probe itself failed.
    pub fn stop(mut self) -> Result<NewcomerRecord> {
        self.end()?;
        Ok(self.record())
    }

    fn end(&mut self) -> Result<()> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.work.take().map_or(Ok(()), |work| work.join()?)
    }
}

impl Drop for NewcomerProbe {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!("the newcomer probe failed: {error:#}");
        }
    }
}

fn visit(table: &NeighborTable, target: SocketAddr, shared: &Shared) -> Result<()> {
    let stopping = || shared.stop.load(Ordering::Relaxed);
    while !stopping() {
        table.forget(target.ip())?;
        let asked = clock::now();
        shared.record().visits.push(Visit { asked, served: None });
        while !stopping() && clock::now() - asked < LONGEST {
            if attempt(target)? {
                let served = Some(clock::now());
                if let Some(last) = shared.record().visits.last_mut() {
                    last.served = served;
                }
                break;
            }
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// One attempt to connect: whether it was answered.
fn attempt(target: SocketAddr) -> Result<bool> {
    let Some(socket) = connect::begin(&target.into())? else {
        thread::sleep(REFUSED);
        return Ok(false);
    };
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut fds, PollTimeout::from(ATTEMPT)) {
        Ok(0) | Err(nix::Error::EINTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error).context("wait for a connection"),
    }
    let answered = socket.take_error().ok().flatten().is_none();
    if !answered {
        thread::sleep(REFUSED);
    }
    Ok(answered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_counted_within_the_window() {
        let start = clock::now();
        let at = |ms| start + Duration::from_millis(ms);
        let visits = vec![
            Visit { asked: at(0), served: Some(at(5)) },
            Visit { asked: at(20), served: Some(at(520)) },
            Visit { asked: at(540), served: None },
        ];
        let record = NewcomerRecord { visits };
        assert_eq!(record.longest_wait(at(0), at(600)), Duration::from_millis(500));
        assert_eq!(record.longest_wait(at(30), at(600)), Duration::from_millis(490), "since the fault");
        assert_eq!(record.longest_wait(at(530), at(2000)), Duration::from_millis(1460), "one that still waits");
    }
}
