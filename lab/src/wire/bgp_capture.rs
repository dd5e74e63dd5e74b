//! A capture of the BGP messages that pass a router's interface.
//!
//! ```text
//!  frames ─► Segment ─► Stream (per direction) ─► Message, with the time its last byte passed
//! ```
//!
//! Every stream must be seen from its beginning, so a capture is started
//! before the sessions.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::bgp::{self, Message, Update};
use super::segment::{Segment, Stream};
use super::socket::PortSocket;
use crate::namespace::Work;
use crate::topology::Machine;

/// The most bytes of messages a capture keeps.
const LIMIT: usize = 256 << 20;

/// The longest frame: the kernel hands out segments that it has not cut yet.
const LONGEST: usize = 1 << 17;

/// A message that passed.
#[derive(Clone, Debug)]
pub struct Passed {
    /// When its last byte did.
    pub at: Instant,
    /// Who sent it.
    pub from: SocketAddr,
    /// Who gets it.
    pub to: SocketAddr,
    /// What it says.
    pub message: Message,
}

/// A running capture. Ends when dropped.
#[derive(Debug)]
pub struct BgpCapture {
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    passed: Vec<Passed>,
    bytes: usize,
    /// Why it is not all there is, if it is not.
    lost: Option<String>,
}

impl BgpCapture {
    /// Starts a capture of what passes a machine's `eth0` from and to a TCP port.
    ///
    /// # Errors
    /// When the packet socket cannot be opened.
    pub fn start(machine: &Machine, port: u16) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let socket = machine.namespace.run(move || PortSocket::open(port))??;
        let work = machine.namespace.spawn("bgp-capture", {
            let shared = Arc::clone(&shared);
            move || record(&socket, &shared)
        })?;
        Ok(Self { shared, work: Some(work) })
    }

    /// Every message so far, in the order they passed.
    ///
    /// # Errors
    /// When some were lost: the kernel was faster than the capture.
    pub fn messages(&self) -> Result<Vec<Passed>> {
        let seen = self.seen();
        match &seen.lost {
            Some(lost) => bail!("the capture is not complete: {lost}"),
            None => Ok(seen.passed.clone()),
        }
    }

    /// Every UPDATE since `since` that a sender sent, and when it passed.
    ///
    /// # Errors
    /// When some were lost, or one cannot be read.
    pub fn updates_from(&self, sender: IpAddr, since: Instant) -> Result<Vec<(Instant, Update)>> {
        let messages = self.messages()?.into_iter();
        let wanted = messages.filter(|one| one.at >= since && one.from.ip() == sender);
        let updates = wanted.filter(|one| one.message.kind == bgp::Kind::Update);
        let read = |one: Passed| Some((one.at, one.message.update()?));
        updates.map(|one| read(one).with_context(|| format!("{sender} sent an UPDATE that cannot be read"))).collect()
    }

    /// Waits for an UPDATE since `since` that pleases `wanted`, and returns when it passed.
    ///
    /// # Errors
    /// When there is none within `patience`; the error names `what`. When messages were lost.
    pub fn wait_for(
        &self,
        what: &str,
        since: Instant,
        patience: Duration,
        wanted: impl Fn(&Update) -> bool,
    ) -> Result<Instant> {
        let deadline = crate::clock::now() + patience;
        let mut looked_at = 0;
        loop {
            {
                let seen = self.seen();
                if let Some(lost) = &seen.lost {
                    bail!("the capture is not complete: {lost}");
                }
                let new = seen.passed.get(looked_at..).unwrap_or_default().iter();
                let mut new = new.filter(|one| one.at >= since);
                if let Some(found) = new.find(|one| one.message.update().is_some_and(|update| wanted(&update))) {
                    return Ok(found.at);
                }
                looked_at = seen.passed.len();
            }
            if crate::clock::now() >= deadline {
                bail!("the wire did not show {what} within {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BgpCapture {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.work.take().map(Work::join) {
            None | Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error)) | Err(error)) => tracing::error!("the BGP capture failed: {error:#}"),
        }
    }
}

fn record(socket: &PortSocket, shared: &Shared) -> Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut streams: BTreeMap<(SocketAddr, SocketAddr), Stream> = BTreeMap::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let Some(length) = socket.receive(&mut buffer, 20).context("read the wire")? else { continue };
        let at = crate::clock::now();
        let Some(segment) = buffer.get(..length).and_then(Segment::parse) else { continue };
        let (from, to) = (segment.from, segment.to);
        let stream = streams.entry((from, to)).or_default();
        stream.push(&segment);
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stream.broken {
            seen.lost.get_or_insert_with(|| format!("a segment from {from} is missing"));
        }
        loop {
            match bgp::take(&mut stream.ready) {
                Ok(Some(message)) => {
                    seen.bytes += message.body.len();
                    if seen.bytes > LIMIT {
                        seen.lost.get_or_insert_with(|| format!("{from} sent more than is kept"));
                        break;
                    }
                    seen.passed.push(Passed { at, from, to, message });
                }
                Ok(None) => break,
                Err(error) => {
                    seen.lost.get_or_insert_with(|| format!("from {from}: {error}"));
                    break;
                }
            }
        }
    }
    Ok(())
}
