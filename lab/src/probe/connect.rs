//! A new TCP connection every 2 ms.
//!
//! A connection counts as answered when its SYN was answered within 500 ms.
//! The kernel would send a lost SYN again after a second and succeed then; a
//! user notices that second, so it counts as lost. Answered connections are
//! reset, not closed, so that neither end fills up with old ones.

use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{SockAddr, Socket, Type};

use super::Pace;
use crate::clock;
use crate::namespace::Work;
use crate::topology::Machine;

/// Time between two connections.
pub const PERIOD: Duration = Duration::from_millis(2);

/// How long a connection may take to be answered.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// One connection attempt that has been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When the SYN was sent.
    pub sent: Instant,
    /// When it was answered; `None` is lost or refused.
    pub answered: Option<Instant>,
}

/// What a probe has recorded: attempts in the order they were sent.
#[derive(Clone, Debug, Default)]
pub struct ConnectRecord {
    /// All decided attempts.
    pub attempts: Vec<Attempt>,
}

impl ConnectRecord {
    /// Attempts made since `from`.
    #[must_use]
    pub fn sent(&self, from: Instant) -> usize {
        self.since(from).count()
    }

    /// Attempts made since `from` that nobody answered.
    #[must_use]
    pub fn lost(&self, from: Instant) -> usize {
        self.since(from).filter(|attempt| attempt.answered.is_none()).count()
    }

    /// The longest time since `from` in which every attempt was lost: from
    /// the last answered attempt before to the first one after. An attempt
    /// run that never ends lasts until the last attempt.
    #[must_use]
    pub fn longest_silence(&self, from: Instant) -> Duration {
        let mut last_good = None;
        let mut longest = Duration::ZERO;
        let mut lost_since_good = false;
        for attempt in self.since(from) {
            let start = *last_good.get_or_insert(attempt.sent);
            if attempt.answered.is_none() {
                lost_since_good = true;
            }
            if lost_since_good {
                longest = longest.max(attempt.sent - start);
            }
            if attempt.answered.is_some() {
                last_good = Some(attempt.sent);
                lost_since_good = false;
            }
        }
        longest
    }

    fn since(&self, from: Instant) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.sent >= from)
    }
}

/// A running probe. Ends when dropped.
#[derive(Debug)]
pub struct ConnectProbe {
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    record: Mutex<ConnectRecord>,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, ConnectRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectProbe {
    /// Starts connecting to `address`:`port` from a client.
    ///
    /// # Errors
    /// When the client's namespace is gone.
    pub fn start(client: &Machine, address: impl Into<IpAddr>, port: u16) -> Result<Self> {
        let address = address.into();
        let shared = Arc::new(Shared::default());
        let work = client.namespace.spawn("connect-probe", {
            let shared = Arc::clone(&shared);
            move || probe(&(address, port).into(), &shared)
        })?;
        Ok(Self { shared, work: Some(work) })
    }

    /// The attempts decided so far. One that is still open is decided at the
    /// latest [`PATIENCE`] after it was sent.
    #[must_use]
    pub fn record(&self) -> ConnectRecord {
        let mut record = self.shared.record().clone();
        record.attempts.sort_by_key(|attempt| attempt.sent);
        record
    }

    /// Ends the probe after the open attempts are decided, and returns what it
    /// recorded.
    ///
    /// # Errors
    /// When the probe itself failed.
    pub fn stop(mut self) -> Result<ConnectRecord> {
        self.end()?;
        Ok(self.record())
    }

    fn end(&mut self) -> Result<()> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.work.take().map_or(Ok(()), |work| work.join()?)
    }
}

impl Drop for ConnectProbe {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!("the connection probe failed: {error:#}");
        }
    }
}

/// An attempt that waits for its answer.
struct Open {
    socket: Socket,
    sent: Instant,
}

fn probe(target: &std::net::SocketAddr, shared: &Shared) -> Result<()> {
    let target = SockAddr::from(*target);
    let mut pace = Pace::start(PERIOD, clock::now());
    let mut open: Vec<Open> = Vec::new();
    loop {
        let stopping = shared.stop.load(Ordering::Relaxed);
        if stopping && open.is_empty() {
            return Ok(());
        }
        let now = clock::now();
        if !stopping && pace.due(now) {
            match begin(&target)? {
                Some(socket) => open.push(Open { socket, sent: now }),
                None => decide(shared, now, None),
            }
        }
        let wait = if stopping { 1 } else { pace.wait(clock::now()) };
        let decided = wait_writable(&open, wait)?;
        let now = clock::now();
        let mut index = 0;
        open.retain(|attempt| {
            let writable = decided.get(index).copied().unwrap_or(false);
            index += 1;
            if writable {
                let refused = attempt.socket.take_error().ok().flatten().is_some();
                decide(shared, attempt.sent, (!refused).then_some(now));
                return false;
            }
            if now - attempt.sent >= PATIENCE {
                decide(shared, attempt.sent, None);
                return false;
            }
            true
        });
    }
}

fn decide(shared: &Shared, sent: Instant, answered: Option<Instant>) {
    shared.record().attempts.push(Attempt { sent, answered });
}

/// Starts a connection; `None` when the kernel knows at once that it fails.
pub(super) fn begin(target: &SockAddr) -> Result<Option<Socket>> {
    let socket = Socket::new(target.domain(), Type::STREAM, None).context("open a TCP socket")?;
    socket.set_nonblocking(true).context("make a socket non-blocking")?;
    socket.set_linger(Some(Duration::ZERO)).context("reset instead of close")?;
    match socket.connect(target) {
        Ok(()) => Ok(Some(socket)),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(Some(socket)),
        Err(_) => Ok(None),
    }
}

/// Waits up to `wait` milliseconds; says for each attempt whether it is decided.
fn wait_writable(open: &[Open], wait: u16) -> Result<Vec<bool>> {
    let mut fds: Vec<_> = open.iter().map(|attempt| PollFd::new(attempt.socket.as_fd(), PollFlags::POLLOUT)).collect();
    match poll(&mut fds, PollTimeout::from(wait)) {
        Ok(_) | Err(nix::Error::EINTR) => {}
        Err(error) => return Err(error).context("wait for connections"),
    }
    Ok(fds.iter().map(|fd| fd.any().unwrap_or(false)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_spans_from_good_to_good() {
        let start = clock::now();
        let at = |ms| start + Duration::from_millis(ms);
        let good = |ms| Attempt { sent: at(ms), answered: Some(at(ms + 1)) };
        let lost = |ms| Attempt { sent: at(ms), answered: None };
        let record = ConnectRecord { attempts: vec![good(0), good(2), lost(4), lost(6), good(8), good(30), lost(32)] };
        assert_eq!(record.longest_silence(start), Duration::from_millis(6));
        assert_eq!((record.sent(start), record.lost(start)), (7, 3));
        assert_eq!(record.longest_silence(at(30)), Duration::from_millis(2), "an open end counts");
    }
}
