//! A capture of all ARP and neighbour discovery frames at the switch.
//!
//! Each frame is recorded where it enters the switch and again at each port it
//! leaves by, so a test can ask both "what did this node send?" and "what did
//! this client see?". A frame that the switch loses on purpose enters but does
//! not leave.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::arp::ArpFrame;
use super::ndp::NdpFrame;
use super::socket::NeighborSocket;
use crate::namespace::Work;
use crate::topology::Switch;

/// The most sightings a capture keeps; a flood beyond that is only counted.
const LIMIT: usize = 1 << 20;

/// Which way a frame passed a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The machine at the port sent it.
    FromMachine,
    /// The switch delivered it to the machine at the port.
    ToMachine,
}

/// One frame at one port of the switch.
#[derive(Clone, Debug)]
pub struct Sighting<F = ArpFrame> {
    /// When it passed.
    pub at: Instant,
    /// The machine at the port.
    pub machine: String,
    /// Which way.
    pub direction: Direction,
    /// What it said.
    pub frame: F,
}

/// A running capture. Ends when dropped.
#[derive(Debug)]
pub struct Capture {
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    seen: Mutex<Vec<Sighting>>,
    ndp: Mutex<Vec<Sighting<NdpFrame>>>,
}

impl Capture {
    /// Starts a capture at the switch.
    ///
    /// # Errors
    /// When the packet socket cannot be opened.
    pub fn start(switch: &Switch) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let (socket, ports) = switch.namespace().run(|| -> Result<_> {
            let ports: BTreeMap<usize, String> = nix::net::if_::if_nameindex()
                .context("list the switch's ports")?
                .into_iter()
                .filter_map(|port| {
                    let name = port.name().to_str().ok()?.to_owned();
                    Some((usize::try_from(port.index()).ok()?, name))
                })
                .filter(|(_, name)| name != "br0" && name != "lo")
                .collect();
            Ok((NeighborSocket::on_everything()?, ports))
        })??;
        let work = switch.namespace().spawn("capture", {
            let shared = Arc::clone(&shared);
            move || record(&socket, &ports, &shared)
        })?;
        Ok(Self { shared, work: Some(work) })
    }

    /// Every ARP frame seen so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Sighting> {
        self.lock().clone()
    }

    /// Every neighbour solicitation and advertisement seen so far, in order.
    #[must_use]
    pub fn seen_ndp(&self) -> Vec<Sighting<NdpFrame>> {
        self.shared.ndp.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was delivered to a machine since `from` that speaks for `address`.
    #[must_use]
    pub fn claims_seen_by(&self, machine: &str, address: Ipv4Addr, from: Instant) -> Vec<Sighting> {
        self.select(machine, Direction::ToMachine, address, from)
    }

    /// What a machine sent since `from` that speaks for `address`.
    #[must_use]
    pub fn claims_sent_by(&self, machine: &str, address: Ipv4Addr, from: Instant) -> Vec<Sighting> {
        self.select(machine, Direction::FromMachine, address, from)
    }

    /// Waits until a sighting since `from` pleases `wanted`, and returns it.
    ///
    /// # Errors
    /// When none does within `patience`; the error names `what`.
    pub fn wait_for(
        &self,
        what: &str,
        from: Instant,
        patience: Duration,
        wanted: impl Fn(&Sighting) -> bool,
    ) -> Result<Sighting> {
        let deadline = crate::clock::now() + patience;
        loop {
            let found = self.lock().iter().find(|s| s.at >= from && wanted(s)).cloned();
            match found {
                Some(sighting) => return Ok(sighting),
                None if crate::clock::now() >= deadline => {
                    anyhow::bail!("the wire did not show {what} within {patience:?}")
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn select(&self, machine: &str, direction: Direction, address: Ipv4Addr, from: Instant) -> Vec<Sighting> {
        let wanted = |s: &&Sighting| {
            s.at >= from && s.direction == direction && s.machine == machine && s.frame.sender == address
        };
        self.lock().iter().filter(wanted).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Sighting>> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(work) = self.work.take() {
            match work.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => tracing::error!("the capture failed: {error:#}"),
            }
        }
    }
}

fn record(socket: &NeighborSocket, ports: &BTreeMap<usize, String>, shared: &Shared) -> Result<()> {
    let mut buffer = [0; 256];
    while !shared.stop.load(Ordering::Relaxed) {
        let Some(arrival) = socket.receive(&mut buffer, 20).context("read the wire")? else {
            continue;
        };
        let at = crate::clock::now();
        let Some(machine) = ports.get(&arrival.interface) else { continue };
        let direction = if arrival.outgoing { Direction::ToMachine } else { Direction::FromMachine };
        let Some(bytes) = buffer.get(..arrival.len) else { continue };
        if let Some(frame) = ArpFrame::parse(bytes) {
            keep(&shared.seen, Sighting { at, machine: machine.clone(), direction, frame });
        } else if let Some(frame) = NdpFrame::parse(bytes) {
            keep(&shared.ndp, Sighting { at, machine: machine.clone(), direction, frame });
        }
    }
    Ok(())
}

fn keep<F>(seen: &Mutex<Vec<Sighting<F>>>, sighting: Sighting<F>) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.len() < LIMIT {
        seen.push(sighting);
    }
}
