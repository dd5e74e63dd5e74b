//! A cluster behind routers.
//!
//! ```text
//!  user1 ── router1 ──┬── node1  herald-speaker   AS 64512
//!           AS 64513  ├── node2  herald-speaker
//!  user2 ── router2 ──┴── node3  herald-speaker
//! ```
//!
//! A [`Fabric`] has a router or two on its nodes' network, each with a user
//! behind it. Which daemon they run, and what they and Herald are told of each
//! other, is for each test to say. What Herald announced is what a router's
//! own table shows ([`until`]), and what its user reaches.

pub mod trio;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use herald_lab::clock;
use herald_lab::cluster::Options;
use herald_lab::prefix::{Family, Prefix};
use herald_lab::router::{Daemon, Neighbor, Route, Router, RouterConfig, Session};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::{PATIENCE, Stage};

/// The cluster's AS number.
pub const CLUSTER: u32 = 64512;

/// The routers' AS number.
pub const ROUTERS: u32 = 64513;

/// How often a router is asked while something is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// A cluster with Herald, and routers.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Fabric {
    /// The routers, from number 1.
    pub routers: Vec<Router>,
    /// The cluster.
    pub stage: Stage,
}

impl Fabric {
    /// A cluster of three nodes and a pod on each, with so many routers.
    ///
    /// # Errors
    /// As [`Stage::empty`], and when a router cannot be added.
    pub async fn start(routers: u8) -> Result<Self> {
        Self::behind(Stage::with_pods().await?, routers)
    }

    /// A cluster of another kind, without pods.
    ///
    /// # Errors
    /// As [`Fabric::start`].
    pub async fn with(options: Options, routers: u8) -> Result<Self> {
        Self::behind(Stage::with(options).await?, routers)
    }

    fn behind(stage: Stage, routers: u8) -> Result<Self> {
        let attach = |number| Router::attach(stage.cluster.topology(), number);
        Ok(Self { routers: (1..=routers).map(attach).collect::<Result<_>>()?, stage })
    }

    /// The router with this number, from 1.
    ///
    /// # Errors
    /// When there is none.
    pub fn router(&self, number: usize) -> Result<&Router> {
        let router = number.checked_sub(1).and_then(|index| self.routers.get(index));
        router.with_context(|| format!("there is no router {number}"))
    }

    /// A node's address.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn node(&self, name: &str, family: Family) -> Result<IpAddr> {
        let station = self.stage.cluster.topology().node(name)?.station;
        Ok(match family {
            Family::V4 => station.v4().into(),
            Family::V6 => station.v6().into(),
        })
    }

    /// The addresses of all nodes.
    #[must_use]
    pub fn nodes(&self, family: Family) -> BTreeSet<IpAddr> {
        let stations = self.stage.cluster.topology().nodes().iter().map(|node| node.station);
        stations.map(|one| if family == Family::V4 { one.v4().into() } else { one.v6().into() }).collect()
    }

    /// A router's configuration: in AS [`ROUTERS`], waiting for every node of AS [`CLUSTER`] over these transports, each
    /// made by `neighbor` from the one that is usual.
    ///
    /// # Errors
    /// When there is no such router.
    pub fn config(
        &self,
        router: usize,
        transports: &[Family],
        neighbor: impl Fn(Neighbor) -> Neighbor,
    ) -> Result<RouterConfig> {
        let mut config = self.router(router)?.config(ROUTERS);
        let addresses = transports.iter().flat_map(|family| self.nodes(*family));
        config.neighbors = addresses.map(|address| neighbor(Neighbor::new(address, CLUSTER))).collect();
        Ok(config)
    }

    /// Applies a BGPPeer for a router: `spec` holds what is not usual, `null` takes away what is.
    ///
    /// # Errors
    /// When there is no such router; the server's own message.
    pub async fn peer(&self, name: &str, router: usize, transport: Family, spec: Value) -> Result<()> {
        let address = self.router(router)?.address(transport);
        let usual = json!({"myASN": CLUSTER, "peerASN": ROUTERS, "peerAddress": address});
        self.apply("metallb.io/v1beta2", "BGPPeer", name, &with(usual, spec)).await
    }

    /// Applies a BGPAdvertisement.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn advertisement(&self, name: &str, spec: Value) -> Result<()> {
        self.apply("metallb.io/v1beta1", "BGPAdvertisement", name, &spec).await
    }

    /// Applies an IPAddressPool.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn pool(&self, name: &str, addresses: &[&str]) -> Result<()> {
        self.apply("metallb.io/v1beta1", "IPAddressPool", name, &json!({"addresses": addresses})).await
    }

    /// Applies a Community object with these names, each with its `name` and `value`.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn communities(&self, name: &str, communities: Value) -> Result<()> {
        self.apply("metallb.io/v1beta1", "Community", name, &json!({"communities": communities})).await
    }

    /// Deletes an object of a kind of `metallb.io`.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn delete(&self, version: &str, kind: &str, name: &str) -> Result<()> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("metallb.io", version, kind));
        let api = Api::<DynamicObject>::namespaced_with(self.stage.client(), "metallb-system", &resource);
        api.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    async fn apply(&self, version: &str, kind: &str, name: &str, spec: &Value) -> Result<()> {
        let metadata = json!({"name": name, "namespace": "metallb-system"});
        let object = json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec});
        // JSON is YAML.
        self.stage.apply(&object.to_string()).await
    }
}

/// An object with the fields of another in place of its own; `null` removes one.
fn with(mut object: Value, fields: Value) -> Value {
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
        for (name, value) in fields {
            if value.is_null() {
                object.remove(&name);
            } else {
                object.insert(name, value);
            }
        }
    }
    object
}

/// Waits until a router's routes to a prefix please `wanted`, and returns them.
///
/// # Errors
/// When they don't within [`PATIENCE`]; the error shows them, and the sessions.
pub async fn until(
    daemon: &Daemon,
    prefix: Prefix,
    what: &str,
    wanted: impl Fn(&[Route]) -> bool,
) -> Result<Vec<Route>> {
    let deadline = clock::now() + PATIENCE;
    loop {
        let routes = daemon.routes_to(prefix)?;
        if wanted(&routes) {
            return Ok(routes);
        }
        if clock::now() >= deadline {
            let sessions = daemon.sessions()?;
            bail!("{}: {what}: not within {PATIENCE:?}\n{prefix}: {routes:#?}\n{sessions:#?}", daemon.software());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until a prefix is announced to a router by exactly these neighbors, and returns their routes.
///
/// # Errors
/// As [`until`].
pub async fn announced_by(daemon: &Daemon, prefix: Prefix, neighbors: &BTreeSet<IpAddr>) -> Result<Vec<Route>> {
    let what = format!("announced by {neighbors:?} alone");
    until(daemon, prefix, &what, |routes| {
        routes.iter().filter_map(|route| route.from).collect::<BTreeSet<_>>() == *neighbors
    })
    .await
}

/// Waits until a router has sessions with all these neighbors, and returns them.
///
/// # Errors
/// When it has not within [`PATIENCE`]; the error shows all sessions.
pub async fn established(daemon: &Daemon, neighbors: &BTreeSet<IpAddr>) -> Result<Vec<Session>> {
    let deadline = clock::now() + PATIENCE;
    loop {
        let sessions = daemon.sessions()?;
        let of_them = |session: &&Session| session.is_established() && neighbors.contains(&session.neighbor);
        let up: Vec<_> = sessions.iter().filter(of_them).cloned().collect();
        if up.len() == neighbors.len() {
            return Ok(up);
        }
        if clock::now() >= deadline {
            bail!("{}: no sessions with all of {neighbors:?} within {PATIENCE:?}\n{sessions:#?}", daemon.software());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Fails if a router has a session with the neighbor at any time during `quiet`.
///
/// # Errors
/// When it has.
pub async fn never_established(daemon: &Daemon, neighbor: IpAddr, quiet: Duration) -> Result<()> {
    let deadline = clock::now() + quiet;
    while clock::now() < deadline {
        let session = daemon.session(neighbor)?;
        if let Some(session) = session.filter(Session::is_established) {
            bail!("{} has a session that should not be: {session:#?}", daemon.software());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// The same session is still there: what was done to other things did not touch it.
///
/// # Errors
/// When there is another one, or none.
pub fn same(daemon: &Daemon, before: &Session) -> Result<()> {
    match daemon.session(before.neighbor)? {
        Some(now) if now.since == before.since => Ok(()),
        now => bail!("{}: the session of {:?} is gone; now: {now:#?}", daemon.software(), before.since),
    }
}
