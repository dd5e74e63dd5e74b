//! One of each daemon, in one cluster: what is asked of one is asked of all, at the price of one start.
//!
//! ```text
//!  router1 FRR ────┐
//!  router2 BIRD ───┼── node1, node2, node3
//!  router3 GoBGP ──┘
//! ```

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use herald_lab::clock;
use herald_lab::prefix::{Family, Prefix};
use herald_lab::router::{Daemon, Neighbor, Route, RouterConfig, Session, Software};
use serde_json::Value;

use super::{Fabric, LOOK, announced_by, established, until};

/// A cluster with Herald and three routers, each of which runs another daemon.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Trio {
    /// The daemons, in the order of [`Software::ALL`]: that of the routers.
    pub daemons: Vec<Daemon>,
    /// The cluster.
    pub fabric: Fabric,
}

/// The number of the router that runs a daemon.
#[must_use]
pub fn number(software: Software) -> usize {
    match software {
        Software::Frr => 1,
        Software::Bird => 2,
        Software::Gobgp => 3,
    }
}

/// The name of the BGPPeer for a daemon over a transport: `frr-ipv4`.
#[must_use]
pub fn peer_name(software: Software, transport: Family) -> String {
    format!("{}-{}", software.to_string().to_lowercase(), transport.name())
}

impl Trio {
    /// A cluster of three nodes and a pod on each. Each router waits for every node over these transports; `tell` makes of
    /// the usual configuration what it is told.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn start(transports: &[Family], tell: impl Fn(Software, RouterConfig) -> RouterConfig) -> Result<Self> {
        let mut trio = Self { daemons: Vec::new(), fabric: Fabric::start(3).await? };
        trio.restart(transports, tell)?;
        Ok(trio)
    }

    /// Other daemons in place of those that run, and told other things.
    ///
    /// # Errors
    /// When one does not come up.
    pub fn restart(
        &mut self,
        transports: &[Family],
        tell: impl Fn(Software, RouterConfig) -> RouterConfig,
    ) -> Result<()> {
        for daemon in self.daemons.drain(..) {
            daemon.stop()?;
        }
        for software in Software::ALL {
            let number = number(software);
            let config = tell(software, self.fabric.config(number, transports, |neighbor| neighbor)?);
            self.daemons.push(self.fabric.router(number)?.start(software, &config)?);
        }
        Ok(())
    }

    /// One of the daemons.
    ///
    /// # Errors
    /// When it does not run.
    pub fn daemon(&self, software: Software) -> Result<&Daemon> {
        let found = self.daemons.iter().find(|daemon| daemon.software() == software);
        found.with_context(|| format!("{software} does not run"))
    }

    /// Applies a BGPPeer for each router, by the names of [`peer_name`]: `spec` holds what is not usual.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn peers(&self, transport: Family, spec: Value) -> Result<()> {
        for software in Software::ALL {
            self.peer(software, transport, spec.clone()).await?;
        }
        Ok(())
    }

    /// Applies the BGPPeer for one router.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn peer(&self, software: Software, transport: Family, mut spec: Value) -> Result<()> {
        if let Some(spec) = spec.as_object_mut() {
            // These routers come and go.
            spec.entry("connectTime").or_insert("1s".into());
        }
        self.fabric.peer(&peer_name(software, transport), number(software), transport, spec).await
    }

    /// Waits until every router has sessions with all nodes over this transport, and returns all.
    ///
    /// # Errors
    /// When one has not in time.
    pub async fn established(&self, transport: Family) -> Result<Vec<(&Daemon, Session)>> {
        let mut all = Vec::new();
        for daemon in &self.daemons {
            let sessions = established(daemon, &self.fabric.nodes(transport)).await?;
            all.extend(sessions.into_iter().map(|session| (daemon, session)));
        }
        Ok(all)
    }

    /// Waits until a prefix is announced to every router by exactly these neighbors, and returns all routes.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn announced_by(&self, prefix: Prefix, neighbors: &BTreeSet<IpAddr>) -> Result<Vec<(Software, Route)>> {
        let mut all = Vec::new();
        for daemon in &self.daemons {
            let routes = announced_by(daemon, prefix, neighbors).await?;
            all.extend(routes.into_iter().map(|route| (daemon.software(), route)));
        }
        Ok(all)
    }

    /// Waits until every router has a route to the prefix from each of so many neighbors, and each route is as `wanted`.
    ///
    /// # Errors
    /// When one has not in time.
    pub async fn until(
        &self,
        prefix: Prefix,
        neighbors: usize,
        what: &str,
        wanted: impl Fn(Software, &Route) -> bool,
    ) -> Result<()> {
        for daemon in &self.daemons {
            let software = daemon.software();
            until(daemon, prefix, what, |routes| {
                routes.len() == neighbors && routes.iter().all(|route| wanted(software, route))
            })
            .await?;
        }
        Ok(())
    }

    /// Fails if any router has a session with one of these neighbors at any time during `quiet`.
    ///
    /// # Errors
    /// When one has.
    pub async fn never_established(&self, neighbors: &[IpAddr], quiet: Duration) -> Result<()> {
        let deadline = clock::now() + quiet;
        while clock::now() < deadline {
            for daemon in &self.daemons {
                let sessions = daemon.sessions()?;
                let wrong = sessions.iter().find(|one| one.is_established() && neighbors.contains(&one.neighbor));
                if let Some(wrong) = wrong {
                    bail!("{} has a session that should not be: {wrong:#?}", daemon.software());
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Fails unless all these sessions are still the same.
    ///
    /// # Errors
    /// When one is not.
    pub fn same(&self, before: &[(&Daemon, Session)]) -> Result<()> {
        before.iter().try_for_each(|(daemon, session)| super::same(daemon, session))
    }
}

/// The same configuration with each neighbor made another by `change`.
#[must_use]
pub fn each_neighbor(mut config: RouterConfig, change: impl Fn(Neighbor) -> Neighbor) -> RouterConfig {
    config.neighbors = config.neighbors.into_iter().map(change).collect();
    config
}
