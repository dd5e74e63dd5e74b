//! A daemon that runs, whichever it is.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use super::config::RouterConfig;
use super::route::{Route, Session};
use super::site::{PATIENCE, Site};
use super::{Router, bird, frr, gobgp};
use crate::prefix::{Family, Prefix};
use crate::program::Program;

/// Whose daemon it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Software {
    /// FRR: `zebra` and `bgpd`.
    Frr,
    /// BIRD 2.
    Bird,
    /// GoBGP. Its routes do not reach the kernel.
    Gobgp,
}

impl Software {
    /// All of them.
    pub const ALL: [Software; 3] = [Software::Frr, Software::Bird, Software::Gobgp];
}

impl fmt::Display for Software {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Software::Frr => "FRR",
            Software::Bird => "BIRD",
            Software::Gobgp => "GoBGP",
        })
    }
}

/// How a session is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// It is ended with a NOTIFICATION, and may be established again. GoBGP 3.10 refuses connections for half a minute
    /// afterwards, whatever its file says.
    Reset,
    /// The neighbor is asked for its routes once more (ROUTE-REFRESH). GoBGP never asks.
    Refresh,
}

/// What the three have in common.
pub(super) trait Dialect: fmt::Debug + Send + Sync {
    /// The process that speaks BGP.
    fn speaker(&self) -> &Program;
    /// The other processes, which end after it.
    fn others(&self) -> Vec<&Program>;
    fn routes(&self, family: Family) -> Result<Vec<Route>>;
    fn sessions(&self) -> Result<Vec<Session>>;
    fn clear(&self, neighbor: IpAddr, how: Clear) -> Result<()>;
    /// Shuts a neighbor's session down, or allows it again.
    fn enable(&self, neighbor: IpAddr, enabled: bool) -> Result<()>;
    /// Goes from one configuration to another; sessions that are in both stay.
    fn reload(&self, old: &RouterConfig, new: &RouterConfig) -> Result<()>;
}

/// A daemon on a router. Ends when dropped.
#[derive(Debug)]
pub struct Daemon {
    software: Software,
    config: RouterConfig,
    dialect: Box<dyn Dialect>,
}

impl Daemon {
    pub(super) fn start(software: Software, router: &Router, config: &RouterConfig) -> Result<Self> {
        let site = Site::new(&router.machine, &router.dir)?;
        let dialect: Result<Box<dyn Dialect>> = match software {
            Software::Frr => frr::start(site, config).map(|daemon| Box::new(daemon) as _),
            Software::Bird => bird::start(site, config).map(|daemon| Box::new(daemon) as _),
            Software::Gobgp => gobgp::start(site, config).map(|daemon| Box::new(daemon) as _),
        };
        let dialect = dialect.with_context(|| format!("start {software} on {}", router.machine.name))?;
        Ok(Self { software, config: config.clone(), dialect })
    }

    /// Whose daemon it is.
    #[must_use]
    pub fn software(&self) -> Software {
        self.software
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &RouterConfig {
        &self.config
    }

    /// The process that speaks BGP: its memory, its processor time, its log.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.dialect.speaker()
    }

    /// Every BGP route in its table, each neighbor's, in the order of prefixes and neighbors.
    ///
    /// # Errors
    /// When it does not answer in time, or not as it should.
    pub fn routes(&self, family: Family) -> Result<Vec<Route>> {
        let mut routes = self.dialect.routes(family)?;
        routes.sort_by_key(|route| (route.prefix, route.from));
        Ok(routes)
    }

    /// The routes to a prefix, one for each neighbor that announces it.
    ///
    /// # Errors
    /// As [`Daemon::routes`].
    pub fn routes_to(&self, prefix: Prefix) -> Result<Vec<Route>> {
        let mut routes = self.routes(prefix.family())?;
        routes.retain(|route| route.prefix == prefix);
        Ok(routes)
    }

    /// The prefixes that any neighbor announces.
    ///
    /// # Errors
    /// As [`Daemon::routes`].
    pub fn learned(&self, family: Family) -> Result<BTreeSet<Prefix>> {
        let routes = self.routes(family)?.into_iter();
        Ok(routes.filter(|route| route.from.is_some()).map(|route| route.prefix).collect())
    }

    /// Its sessions, in the order of neighbors.
    ///
    /// # Errors
    /// When it does not answer in time, or not as it should.
    pub fn sessions(&self) -> Result<Vec<Session>> {
        let mut sessions = self.dialect.sessions()?;
        sessions.sort_by_key(|session| session.neighbor);
        Ok(sessions)
    }

    /// Its session with a neighbor; `None` when it knows of none, as of those in a range that never connected.
    ///
    /// # Errors
    /// As [`Daemon::sessions`].
    pub fn session(&self, neighbor: IpAddr) -> Result<Option<Session>> {
        Ok(self.sessions()?.into_iter().find(|session| session.neighbor == neighbor))
    }

    /// How many prefixes of a family a neighbor announces.
    ///
    /// # Errors
    /// As [`Daemon::sessions`].
    pub fn prefixes_received(&self, neighbor: IpAddr, family: Family) -> Result<usize> {
        let session = self.session(neighbor)?;
        Ok(session.and_then(|session| session.received.get(&family).copied()).unwrap_or(0))
    }

    /// Clears the session with a neighbor.
    ///
    /// # Errors
    /// When it refuses, or cannot do that.
    pub fn clear(&self, neighbor: IpAddr, how: Clear) -> Result<()> {
        self.dialect.clear(neighbor, how)
    }

    /// Shuts the session with a neighbor down.
    ///
    /// # Errors
    /// When it refuses.
    pub fn disable(&self, neighbor: IpAddr) -> Result<()> {
        self.dialect.enable(neighbor, false)
    }

    /// Ends [`Daemon::disable`].
    ///
    /// # Errors
    /// When it refuses.
    pub fn enable(&self, neighbor: IpAddr) -> Result<()> {
        self.dialect.enable(neighbor, true)
    }

    /// Gives it another configuration. Sessions that are the same in both stay. AS number, identifier
    /// and port cannot change.
    ///
    /// # Errors
    /// When it refuses.
    pub fn reload(&mut self, config: &RouterConfig) -> Result<()> {
        self.dialect.reload(&self.config, config)?;
        self.config = config.clone();
        Ok(())
    }

    /// Stops it from doing anything, without it noticing: the neighbor of a hung router.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> Result<()> {
        self.dialect.speaker().signal(Signal::SIGSTOP)
    }

    /// Ends [`Daemon::pause`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> Result<()> {
        self.dialect.speaker().signal(Signal::SIGCONT)
    }

    /// Asks it to end, as an administrator would; its neighbors hear of it, and the kernel's routes go with it.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(self) -> Result<()> {
        self.dialect.speaker().terminate(PATIENCE)?;
        for other in self.dialect.others() {
            other.terminate(PATIENCE)?;
        }
        Ok(())
    }

    /// Kills it: its neighbors hear nothing but the end of the connection, and the kernel keeps its routes.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(self) -> Result<()> {
        self.dialect.speaker().kill()?;
        for other in self.dialect.others() {
            other.kill()?;
        }
        Ok(())
    }
}
