//! A whole cluster: control plane, nodes, data path, and Herald on top.
//!
//! ```text
//!            host                 hl-…-cp                 hl-…-node<n>
//!  kubectl ─► 127.0.0.1:port ─► API server ◄─ 6443 ─── herald-speaker
//!                               herald-controller        pods, kube-proxy rules
//!  lab tasks (admin) ─────────►
//!    kube-proxy · kubelet · endpoint slices · garbage · namespaces
//! ```
//!
//! The API server and the lab's tasks run in the lab's own process; Herald's
//! two programs are real processes with the rights of their ServiceAccounts.

pub mod control_plane;
pub mod daemon_set;
pub mod files;
pub mod installed;
pub mod kubelet;
pub mod manifest;
pub mod mirror;
pub mod nodes;
pub mod pods;
pub mod programs;
mod replicas;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use tokio::task::JoinSet;

pub use control_plane::ControlPlane;
pub use nodes::InternalIps;
pub use programs::SYSTEM_NAMESPACE;
pub use replicas::Leader;

use crate::controllers;
use crate::dataplane::kube_proxy::{self, ProxyNode};
use crate::program::Program;
use crate::topology::{Machine, Size, Topology};
use programs::{Launch, Ports};

/// How long a program may take to be ready.
const READINESS: Duration = Duration::from_secs(30);

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Machines on the LAN.
    pub size: Size,
    /// Controllers, all on the control plane's machine.
    pub controllers: usize,
    /// Further flags of every controller.
    pub controller_flags: Vec<OsString>,
    /// Further flags of every speaker.
    pub speaker_flags: Vec<OsString>,
    /// The Nodes' InternalIPs.
    pub internal_ips: InternalIps,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: Size { nodes: 3, clients: 2 },
            controllers: 1,
            controller_flags: Vec::new(),
            speaker_flags: Vec::new(),
            internal_ips: InternalIps::default(),
        }
    }
}

impl Options {
    /// A control plane alone, for what only the controller does: no nodes, no
    /// clients, no data path.
    #[must_use]
    pub fn control_plane() -> Self {
        Self { size: Size { nodes: 0, clients: 0 }, ..Self::default() }
    }
}

/// A running cluster; everything ends when it is dropped. Fields are dropped
/// in the order they are written in: programs before what they talk to.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Cluster {
    speakers: BTreeMap<String, Program>,
    controllers: BTreeMap<usize, Program>,
    _tasks: JoinSet<()>,
    client: Client,
    control_plane: ControlPlane,
    options: Options,
    dir: PathBuf,
    topology: Topology,
}

impl Cluster {
    /// Starts a cluster with Herald running in it, ready.
    ///
    /// # Errors
    /// When a part cannot be started or does not become ready.
    pub async fn start(options: Options) -> Result<Self> {
        let mut cluster = Self::start_bare(options).await?;
        cluster.install().await?;
        let controllers = 0..cluster.options.controllers;
        for replica in controllers.clone() {
            cluster.start_replica(replica)?;
        }
        let nodes: Vec<_> = cluster.topology.nodes().iter().map(|node| node.name.clone()).collect();
        for node in &nodes {
            cluster.start_speaker(node)?;
        }
        for replica in controllers {
            cluster.replica_ready(replica).await?;
        }
        for node in &nodes {
            cluster.speaker_ready(node).await?;
        }
        Ok(cluster)
    }

    /// Starts a cluster without Herald: API server, nodes and data path.
    ///
    /// # Errors
    /// When a part cannot be started.
    pub async fn start_bare(options: Options) -> Result<Self> {
        let topology = Topology::create(options.size)?;
        let dir = files::make_dir(topology.id())?;
        let control_plane = ControlPlane::start(topology.control_plane(), &dir).await?;
        files::write_secret(&dir.join("kubeconfig"), &control_plane.admin_kubeconfig())?;
        let client = control_plane.admin().await?;
        for node in topology.nodes() {
            nodes::register(&client, node, options.internal_ips).await?;
        }
        let mut tasks = JoinSet::new();
        // Without nodes there are no pods, and nobody sends anything to them.
        if !topology.nodes().is_empty() {
            tasks.spawn(kube_proxy::run(client.clone(), proxy_nodes(&topology), topology.switch().clone()));
            tasks.spawn(kubelet::run(client.clone(), topology.pod_network(), dir.clone()));
            tasks.spawn(controllers::endpoint_slices::run(client.clone()));
        }
        tasks.spawn(controllers::garbage::run(client.clone()));
        tasks.spawn(controllers::namespaces::run(client.clone()));
        Ok(Self {
            speakers: BTreeMap::new(),
            controllers: BTreeMap::new(),
            _tasks: tasks,
            client,
            control_plane,
            options,
            dir,
            topology,
        })
    }

    /// Applies Herald's definitions and rights, and writes the kubeconfigs and
    /// the membership key that its programs need.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn install(&self) -> Result<()> {
        for yaml in installed::MANIFESTS {
            manifest::apply(&self.client, yaml).await?;
        }
        for program in ["herald-controller", "herald-speaker"] {
            let kubeconfig = self.control_plane.service_account_kubeconfig(SYSTEM_NAMESPACE, program).await?;
            files::write_secret(&self.kubeconfig_of(program), &kubeconfig)?;
        }
        files::write_secret(&self.membership_keys().join("current"), &files::random_hex::<32>()?)
    }

    /// Starts the (first) controller on the control plane's machine.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn start_controller(&mut self) -> Result<()> {
        self.start_replica(0)
    }

    /// Starts a node's speaker, after ending the one that runs there.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn start_speaker(&mut self, node: &str) -> Result<()> {
        let machine = self.topology.node(node)?;
        let mut flags: Vec<OsString> =
            vec!["--node-name".into(), node.into(), "--membership-key-dir".into(), self.membership_keys().into()];
        flags.extend(self.options.speaker_flags.iter().cloned());
        let launch = Launch {
            program: "herald-speaker",
            replica: 0,
            capabilities: ",+net_raw",
            kubeconfig: self.kubeconfig_of("herald-speaker"),
            flags,
            logs: self.dir.clone(),
        };
        self.speakers.remove(node);
        self.speakers.insert(node.to_owned(), launch.start(machine)?);
        Ok(())
    }

    /// Changes the further flags of every speaker. Those that run go on with what they have.
    pub fn set_speaker_flags(&mut self, flags: Vec<OsString>) {
        self.options.speaker_flags = flags;
    }

    /// Waits until the (first) controller is ready.
    ///
    /// # Errors
    /// When it ends or takes too long; with its last log lines.
    pub async fn controller_ready(&self) -> Result<()> {
        self.replica_ready(0).await
    }

    /// Waits until a node's speaker is ready.
    ///
    /// # Errors
    /// When it ends or takes too long; with its last log lines.
    pub async fn speaker_ready(&self, node: &str) -> Result<()> {
        let namespace = &self.topology.node(node)?.namespace;
        programs::ready(self.speaker(node)?, namespace, Ports::default(), READINESS).await
    }

    /// The (first) controller's process.
    ///
    /// # Errors
    /// When it was not started.
    pub fn controller(&self) -> Result<&Program> {
        self.replica(0)
    }

    /// A node's speaker's process.
    ///
    /// # Errors
    /// When it was not started.
    pub fn speaker(&self, node: &str) -> Result<&Program> {
        self.speakers.get(node).with_context(|| format!("no speaker was started on {node}"))
    }

    /// All of Herald's processes, controllers first.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.controllers.values().chain(self.speakers.values())
    }

    /// The administrator's client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The control plane.
    #[must_use]
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The machines and their wires.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// A client machine by number, from 0.
    ///
    /// # Errors
    /// When the lab has fewer.
    pub fn client_machine(&self, index: usize) -> Result<&Machine> {
        self.topology.clients().get(index).with_context(|| format!("the lab has no client {index}"))
    }

    /// The folder with logs, keys and kubeconfigs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The administrator's kubeconfig file.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// The folder that stands for the mounted Secret with the membership key.
    #[must_use]
    pub fn membership_keys(&self) -> PathBuf {
        self.dir.join("membership-key")
    }

    /// Applies a manifest as the administrator.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn apply(&self, yaml: &str) -> Result<Vec<kube::api::DynamicObject>> {
        manifest::apply(&self.client, yaml).await
    }

    fn kubeconfig_of(&self, program: &str) -> PathBuf {
        self.dir.join(format!("{program}.kubeconfig"))
    }
}

fn proxy_nodes(topology: &Topology) -> Vec<ProxyNode> {
    let node = |machine: &Machine| ProxyNode { name: machine.name.clone(), namespace: machine.namespace.clone() };
    topology.nodes().iter().map(node).collect()
}
