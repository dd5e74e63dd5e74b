//! Routers: real BGP daemons from the distribution, and what they know.
//!
//! ```text
//!  RouterConfig ─► frr │ bird │ gobgp: its language ─► Daemon (processes in the router's namespace)
//!                                                        │ routes, sessions: from its own table
//!  Router ─ kernel_routes: what its kernel forwards by ◄─┘
//! ```
//!
//! A [`Router`] is a machine on the LAN with a user behind it
//! ([`crate::topology`]). One of three daemons runs on it: FRR and BIRD write
//! what they learn into the kernel, GoBGP keeps it to itself. What Herald
//! announced is asserted on the answers of the daemon, which Herald has no part
//! in.

mod bird;
mod config;
mod daemon;
mod frr;
mod gobgp;
mod kernel;
mod route;
mod site;

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::Result;

pub use config::{Announcement, Attributes, Distance, Neighbor, Remote, RouterConfig};
pub use daemon::{Clear, Daemon, Software};
pub use kernel::{Hop, KernelRoute};
pub use route::{Capability, Origin, Route, Session, State};

use crate::place;
use crate::prefix::Family;
use crate::topology::{Machine, Topology};

/// A router of the lab, and the user behind it. Both go with the lab.
#[derive(Clone, Debug)]
pub struct Router {
    machine: Machine,
    user: Machine,
    dir: PathBuf,
}

impl Router {
    /// Adds the router with this number, from 1 to 9, to a lab.
    ///
    /// # Errors
    /// When the lab has it already, or the kernel refuses.
    pub fn attach(lab: &Topology, number: u8) -> Result<Self> {
        let [machine, user] = lab.add_router(number)?;
        let dir = place::labs_dir()?.join(lab.id()).join(&machine.name);
        Ok(Self { machine, user, dir })
    }

    /// The router itself.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The user behind it.
    #[must_use]
    pub fn user(&self) -> &Machine {
        &self.user
    }

    /// The user's machine as a router: two hops from the nodes, by way of this one.
    #[must_use]
    pub fn behind(&self) -> Self {
        let machine = self.user.clone();
        let dir = self.dir.with_file_name(&machine.name);
        Self { user: machine.clone(), machine, dir }
    }

    /// The router's address on the LAN.
    #[must_use]
    pub fn address(&self, family: Family) -> IpAddr {
        match family {
            Family::V4 => self.machine.station.v4().into(),
            Family::V6 => self.machine.station.v6().into(),
        }
    }

    /// A configuration without neighbors for this router: its IPv4 address is its identifier.
    #[must_use]
    pub fn config(&self, asn: u32) -> RouterConfig {
        RouterConfig::new(asn, self.machine.station.v4())
    }

    /// Starts a daemon on it, and returns when it answers.
    ///
    /// # Errors
    /// When the daemon is not there, does not take the configuration, or does not answer in time; with
    /// the end of its log.
    pub fn start(&self, software: Software, config: &RouterConfig) -> Result<Daemon> {
        Daemon::start(software, self, config)
    }

    /// The routes of the router's kernel, but for its own networks.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn kernel_routes(&self, family: Family) -> Result<Vec<KernelRoute>> {
        kernel::routes(&self.machine.namespace, family)
    }
}
