//! Where addresses move: a cluster with one Service.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use herald_lab::clock;
use herald_lab::cluster::pods::{self, WebPod};
use herald_lab::cluster::{Cluster, Options};
use herald_lab::lock::Lock;
use herald_lab::topology::{Size, require_root};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use serde::{Deserialize, Serialize};

use super::ground::Ground;
use crate::{PATIENCE, TURN};

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Family {
    /// ARP.
    IPv4,
    /// Neighbour discovery.
    IPv6,
}

impl Family {
    /// As a Service's `ipFamilies` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Family::IPv4 => "IPv4",
            Family::IPv6 => "IPv6",
        }
    }
}

/// What an arena is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How many nodes.
    pub nodes: u8,
    /// The address's family.
    pub family: Family,
    /// Everything else.
    pub options: Options,
}

impl Setup {
    /// So many nodes and an address of this family, and nothing else that is special.
    #[must_use]
    pub fn new(nodes: u8, family: Family) -> Self {
        Self { nodes, family, options: Options::default() }
    }
}

/// The Service and its pool; `Local`, so that a node needs an endpoint of its own.
fn manifest(family: Family) -> String {
    let family = family.name();
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {{name: arena, namespace: metallb-system}}, \
         spec: {{addresses: [192.168.1.240-192.168.1.250, 'fd00:1::240-fd00:1::250']}}}}\n---\n\
         {{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {{name: arena, namespace: metallb-system}}, \
         spec: {{ipAddressPools: [arena]}}}}\n---\n\
         {{apiVersion: v1, kind: Service, metadata: {{name: arena}}, spec: {{type: LoadBalancer, \
         externalTrafficPolicy: Local, ipFamilyPolicy: SingleStack, ipFamilies: [{family}], \
         selector: {{app.kubernetes.io/name: arena}}, ports: [{{port: 80}}]}}}}"
    )
}

/// A cluster, a pod `web-<n>` on every node, and a Service with one address,
/// announced by one of the nodes.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Arena {
    /// The cluster.
    pub cluster: Cluster,
    /// The Service's address.
    pub address: IpAddr,
    _turn: Option<Lock>,
}

impl Arena {
    /// Waits for its turn on the machine and makes an arena.
    ///
    /// # Errors
    /// Without root, or when a part does not come up.
    pub async fn in_turn(setup: Setup) -> Result<Self> {
        require_root()?;
        let turn = tokio::task::spawn_blocking(|| Lock::turn(TURN)).await??;
        Ok(Self { _turn: Some(turn), ..Self::set_up(setup).await? })
    }

    /// Makes an arena for somebody who has the turn.
    ///
    /// # Errors
    /// As [`Arena::in_turn`].
    pub async fn set_up(setup: Setup) -> Result<Self> {
        let Setup { nodes, family, options } = setup;
        let size = Size { nodes, clients: Ground::CLIENTS };
        let cluster = Cluster::start(Options { size, ..options }).await?;
        let mut arena = Self { cluster, address: IpAddr::from([0, 0, 0, 0]), _turn: None };
        let names: Vec<_> = arena.cluster.topology().nodes().iter().map(|node| node.name.clone()).collect();
        try_join_all(names.iter().map(|node| arena.start_pod(node))).await?;
        arena.cluster.apply(&manifest(family)).await?;
        arena.address = arena.allocated().await?;
        arena.ground().owner().await.context("the new Service's address has no owner")?;
        Ok(arena)
    }

    /// Starts the node's pod.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_pod(&self, node: &str) -> Result<()> {
        let name = pod_of(node);
        let web = WebPod { name: &name, namespace: "default", app: "arena", node, grace: 60 };
        pods::start(&self.cluster.client(), &web).await.map(drop)
    }

    /// What a watch needs of it.
    #[must_use]
    pub fn ground(&self) -> Ground<'_> {
        Ground { topology: self.cluster.topology(), address: self.address }
    }

    /// The names of the nodes.
    pub fn nodes(&self) -> impl Iterator<Item = String> + use<'_> {
        self.cluster.topology().nodes().iter().map(|node| node.name.clone())
    }

    async fn allocated(&self) -> Result<IpAddr> {
        let services: Api<Service> = Api::default_namespaced(self.cluster.client());
        let deadline = clock::now() + PATIENCE;
        loop {
            let status = services.get("arena").await?.status;
            let ingress = status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
            if let Some(address) = ingress.iter().find_map(|entry| entry.ip.as_ref()?.parse().ok()) {
                return Ok(address);
            }
            if clock::now() >= deadline {
                bail!("the Service has no address after {PATIENCE:?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The name of a node's pod.
pub(super) fn pod_of(node: &str) -> String {
    node.replace("node", "web-")
}
