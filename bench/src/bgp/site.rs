//! Where it is measured.
//!
//! ```text
//!  node1: Herald's sessions ──┐
//!                             ├── switch ── router1: receivers, a router
//!  router2: BIRD ─────────────┘
//! ```

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_lab::cluster::files;
use herald_lab::prefix::{Family, Prefix};
use herald_lab::program::Program;
use herald_lab::router::{Announcement, Daemon, Neighbor, Router, Software};
use herald_lab::topology::{Machine, Size, Topology};

use super::announcer;
use super::sink;

/// How long anything may take that should take a second or so.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A lab of a node and two routers.
#[derive(Debug)]
pub struct Site {
    /// Where the receivers are.
    pub receivers: Router,
    /// Where BIRD is.
    pub bird: Router,
    /// Where logs go.
    pub dir: PathBuf,
    topology: Topology,
}

impl Site {
    /// Makes it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn set_up() -> Result<Self> {
        let topology = Topology::create(Size { nodes: 1, clients: 0 })?;
        let dir = files::make_dir(topology.id())?;
        let [receivers, bird] = [Router::attach(&topology, 1)?, Router::attach(&topology, 2)?];
        Ok(Self { receivers, bird, dir, topology })
    }

    /// Where Herald's sessions are.
    ///
    /// # Errors
    /// When there is no such machine.
    pub fn node(&self) -> Result<&Machine> {
        self.topology.nodes().first().context("a lab with a node")
    }

    /// Starts a router in the place of receivers, which waits for the node.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_router(&self, software: Software) -> Result<Daemon> {
        let node = self.node()?.station.v4();
        let config = self.receivers.config(sink::ASN.into()).with(Neighbor::new(node, announcer::ASN));
        self.receivers.start(software, &config)
    }

    /// Where receivers listen.
    pub fn receiver(&self, family: Family, port: u16) -> SocketAddr {
        SocketAddr::new(self.receivers.address(family), port)
    }

    /// Starts BIRD, announcing so many prefixes to these neighbors.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_bird(&self, prefixes: usize, family: Family, to: &[SocketAddr]) -> Result<Daemon> {
        let mut config = self.bird.config(announcer::ASN);
        for address in to {
            let neighbor = Neighbor::new(address.ip(), sink::ASN.into()).active();
            config.neighbors.push(Neighbor { port: address.port(), ..neighbor });
        }
        let like = self.receiver(family, 0);
        let announcement = |number| Announcement::new(Prefix::from(announcer::address(like, number)));
        config.announce = (0..prefixes).map(announcement).collect();
        self.bird.start(Software::Bird, &config)
    }
}

/// The processor time of a process, exact, and of all its threads.
///
/// # Errors
/// When it has ended.
pub fn cpu_time(program: &Program) -> Result<Duration> {
    let mut total = 0;
    let tasks = format!("/proc/{}/task", program.pid());
    for task in fs::read_dir(&tasks).with_context(|| format!("read {tasks}"))? {
        // A thread may have ended meanwhile.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        total += text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(total))
}

/// The memory of a process, in MiB.
///
/// # Errors
/// When it has ended.
pub fn mib(program: &Program) -> Result<f64> {
    Ok(f64::from(u32::try_from(program.resident_bytes()? / 1024)?) / 1024.0)
}
