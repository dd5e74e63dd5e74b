//! Connections that stay open, with a request on each every 20 ms.
//!
//! What becomes of them when an address moves: they *survive*, they are
//! *reset* (the new node knows nothing of them), or they *stall*.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::clock;
use crate::namespace::Work;
use crate::topology::Machine;

/// Time between two requests on a connection.
const PERIOD: Duration = Duration::from_millis(20);

/// A connection without an answer for this long has stalled.
pub const STALL: Duration = Duration::from_secs(2);

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

/// Running connections. Closed when dropped.
#[derive(Debug)]
pub struct StreamProbe {
    stop: Arc<AtomicBool>,
    connections: Vec<(Arc<Mutex<Fate>>, Work<()>)>,
}

impl StreamProbe {
    /// Opens `count` connections to `address`:`port` from a client.
    ///
    /// # Errors
    /// When a connection cannot be opened.
    pub fn start(client: &Machine, address: Ipv4Addr, port: u16, count: usize) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let target = SocketAddr::from((address, port));
            let stream = client
                .namespace
                .run(move || TcpStream::connect_timeout(&target, Duration::from_secs(2)))?
                .with_context(|| format!("open a lasting connection to {target}"))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PERIOD))?;
            let fate = Arc::new(Mutex::new(Fate::Alive { longest_wait: Duration::ZERO }));
            let work = client.namespace.spawn("stream-probe", {
                let (stop, fate) = (Arc::clone(&stop), Arc::clone(&fate));
                move || converse(stream, &stop, &fate)
            })?;
            connections.push((fate, work));
        }
        Ok(Self { stop, connections })
    }

    /// What has become of each connection so far.
    #[must_use]
    pub fn fates(&self) -> Vec<Fate> {
        let read = |fate: &Mutex<Fate>| *fate.lock().unwrap_or_else(PoisonError::into_inner);
        self.connections.iter().map(|(fate, _)| read(fate)).collect()
    }
}

impl Drop for StreamProbe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for (_, work) in self.connections.drain(..) {
            if let Err(error) = work.join() {
                tracing::error!("a lasting connection failed: {error:#}");
            }
        }
    }
}

fn converse(mut stream: TcpStream, stop: &AtomicBool, fate: &Mutex<Fate>) {
    let set = |new: Fate| *fate.lock().unwrap_or_else(PoisonError::into_inner) = new;
    let mut longest_wait = Duration::ZERO;
    let mut buffer = [0; 1024];
    while !stop.load(Ordering::Relaxed) {
        if stream.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n").is_err() {
            return set(Fate::Reset { at: clock::now() });
        }
        let asked = clock::now();
        loop {
            let waited = clock::now() - asked;
            longest_wait = longest_wait.max(waited);
            match stream.read(&mut buffer) {
                Ok(0) => return set(Fate::Reset { at: clock::now() }),
                Ok(_) => break set(Fate::Alive { longest_wait }),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if waited >= STALL {
                        set(Fate::Stalled);
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return set(Fate::Reset { at: clock::now() }),
            }
        }
        std::thread::sleep(PERIOD);
    }
}
