//! Connections that stay open, with a request on each every 50 ms.
//!
//! What becomes of them when an address moves: they *survive*, they are
//! *reset* (the new node knows nothing of them), or they *stall*.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::clock;
use crate::namespace::Work;
use crate::topology::Machine;

/// Time between an answer and the next request on a connection.
const PERIOD: Duration = Duration::from_millis(50);

/// How often a connection that is reset before it is open is tried again.
const OPENING_ATTEMPTS: usize = 10;

/// A connection without an answer for this long has stalled.
pub const STALL: Duration = Duration::from_secs(2);

/// How long the probe waits for answers before it looks at its connections again, in milliseconds.
const LOOK: u16 = 5;

/// What became of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It still answers.
    Alive {
        /// The longest time a request waited.
        longest_wait: Duration,
    },
    /// The other end closed or reset it.
    Reset {
        /// When that was noticed.
        at: Instant,
    },
    /// It exists, but has not answered for [`STALL`].
    Stalled,
}

/// How many connections had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Those that still answer.
    pub survived: usize,
    /// Those that were closed or reset.
    pub reset: usize,
    /// Those that have not answered for [`STALL`].
    pub stalled: usize,
}

/// Running connections. Closed when dropped.
#[derive(Debug)]
pub struct StreamProbe {
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    fates: Mutex<Vec<Fate>>,
}

impl Shared {
    fn fates(&self) -> MutexGuard<'_, Vec<Fate>> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamProbe {
    /// Opens `count` connections to `address`:`port` from a client.
    ///
    /// # Errors
    /// When a connection cannot be opened.
    pub fn start(client: &Machine, address: impl Into<IpAddr>, port: u16, count: usize) -> Result<Self> {
        let target = SocketAddr::from((address.into(), port));
        let open = move || (0..count).map(|_| Connection::open(target)).collect::<Result<Vec<_>>>();
        let connections = client.namespace.run(open)??;
        let fates = vec![Fate::Alive { longest_wait: Duration::ZERO }; count];
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), fates: Mutex::new(fates) });
        let work = client.namespace.spawn("stream-probe", {
            let shared = Arc::clone(&shared);
            move || converse(connections, &shared)
        })?;
        Ok(Self { shared, work: Some(work) })
    }

    /// What has become of each connection so far.
    #[must_use]
    pub fn fates(&self) -> Vec<Fate> {
        self.shared.fates().clone()
    }

    /// The same, counted.
    #[must_use]
    pub fn count(&self) -> Fates {
        let mut count = Fates::default();
        for fate in self.shared.fates().iter() {
            match fate {
                Fate::Alive { .. } => count.survived += 1,
                Fate::Reset { .. } => count.reset += 1,
                Fate::Stalled => count.stalled += 1,
            }
        }
        count
    }
}

impl Drop for StreamProbe {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = self.work.take().map_or(Ok(()), |work| work.join().flatten());
        if let Err(error) = ended {
            tracing::error!("the lasting connections failed: {error:#}");
        }
    }
}

/// One connection, from this end.
struct Connection {
    stream: TcpStream,
    /// When the request was sent that has no answer yet.
    asked: Option<Instant>,
    /// When the next request is due.
    next: Instant,
    longest_wait: Duration,
    reset: Option<Instant>,
}

impl Connection {
    fn open(target: SocketAddr) -> Result<Self> {
        let mut attempts = 1..=OPENING_ATTEMPTS;
        let stream = loop {
            let attempt = attempts.next();
            match TcpStream::connect_timeout(&target, Duration::from_secs(2)) {
                Ok(stream) => break stream,
                // While two nodes answer for the address, a handshake that moves to the other one is reset.
                Err(error) if error.kind() == ErrorKind::ConnectionReset && attempt.is_some() => {}
                Err(error) => return Err(error).with_context(|| format!("open a lasting connection to {target}")),
            }
        };
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, asked: None, next: clock::now(), longest_wait: Duration::ZERO, reset: None })
    }

    /// Sends a request if one is due.
    fn ask(&mut self, now: Instant) {
        if self.reset.is_some() || self.asked.is_some() || now < self.next {
            return;
        }
        match self.stream.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n") {
            Ok(()) => self.asked = Some(now),
            Err(_) => self.reset = Some(now),
        }
    }

    /// Reads what there is.
    fn hear(&mut self, now: Instant) {
        let mut buffer = [0; 2048];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break self.reset = Some(now),
                Ok(_) => {
                    self.waited(now);
                    (self.asked, self.next) = (None, now + PERIOD);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break self.reset = Some(now),
            }
        }
    }

    fn waited(&mut self, now: Instant) -> Duration {
        let waited = self.asked.map_or(Duration::ZERO, |asked| now.saturating_duration_since(asked));
        self.longest_wait = self.longest_wait.max(waited);
        waited
    }

    fn fate(&mut self, now: Instant) -> Fate {
        let waited = self.waited(now);
        match self.reset {
            Some(at) => Fate::Reset { at },
            None if waited >= STALL => Fate::Stalled,
            None => Fate::Alive { longest_wait: self.longest_wait },
        }
    }
}

fn converse(mut connections: Vec<Connection>, shared: &Shared) -> Result<()> {
    while !shared.stop.load(Ordering::Relaxed) {
        let now = clock::now();
        for connection in &mut connections {
            connection.ask(now);
        }
        let readable = readable(&connections)?;
        let now = clock::now();
        for (connection, _) in connections.iter_mut().zip(readable).filter(|(_, readable)| *readable) {
            connection.hear(now);
        }
        *shared.fates() = connections.iter_mut().map(|connection| connection.fate(now)).collect();
    }
    Ok(())
}

/// Says of each connection whether there is something to read.
fn readable(connections: &[Connection]) -> Result<Vec<bool>> {
    // One that was reset is readable for ever.
    let events = |one: &Connection| if one.reset.is_some() { PollFlags::empty() } else { PollFlags::POLLIN };
    let mut fds: Vec<_> = connections.iter().map(|one| PollFd::new(one.stream.as_fd(), events(one))).collect();
    match poll(&mut fds, PollTimeout::from(LOOK)) {
        Ok(_) | Err(nix::Error::EINTR) => {}
        Err(error) => return Err(error).context("wait for answers"),
    }
    let is_readable = |(fd, one): (&PollFd<'_>, &Connection)| one.reset.is_none() && fd.any().unwrap_or(false);
    Ok(fds.iter().zip(connections).map(is_readable).collect())
}
