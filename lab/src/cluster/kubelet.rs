//! Makes Pod objects real: one task for all nodes, standing in for scheduler
//! and kubelets.
//!
//! ```text
//!  Pod created ─► bound to a node ─► namespace and server started ─► status Running, Ready
//!  Pod deleting ─► (served until its grace is over) ─► server killed ─► object gone
//! ```
//!
//! Every Pod runs the lab's own server ([`crate::pod`]), whatever image it
//! names. Those in the host's network it leaves alone ([`super::daemon_set`]).
//! A finalizer keeps the object while the Pod terminates, so that its endpoint
//! is seen as terminating. Status is written once; a test may change it
//! afterwards, for example to make a Pod unready.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client};
use serde_json::json;

use super::mirror::Mirror;
use crate::program::{Invocation, Program};
use crate::topology::PodNetwork;
use crate::{Namespace, clock, place};

/// Keeps a Pod object until its server has ended.
pub const FINALIZER: &str = "lab.herald/kubelet";

/// The port a Pod listens on when its spec names none.
const DEFAULT_PORT: u16 = 80;

/// How often a Pod that is terminating, or could not be started, is looked at.
const TICK: Duration = Duration::from_millis(50);

/// How long a Pod's server may take to start.
const READINESS: Duration = Duration::from_secs(5);

/// A Pod that runs.
#[derive(Debug)]
struct Running {
    node: u8,
    slot: u8,
    program: Program,
    /// When its grace is over, once it terminates.
    ends: Option<Instant>,
}

/// The task's state.
struct Kubelet {
    client: Client,
    network: PodNetwork,
    logs: PathBuf,
    /// By UID, so that a Pod created again under its name is another one.
    running: BTreeMap<String, Running>,
}

/// Runs Pods until it is dropped; they end with it.
pub async fn run(client: Client, network: PodNetwork, logs: PathBuf) {
    let mut pods = Mirror::<Pod>::start(Api::all(client.clone()));
    pods.ready().await;
    let mut kubelet = Kubelet { client, network, logs, running: BTreeMap::new() };
    loop {
        let pending = kubelet.sync(&pods.all()).await;
        tokio::select! {
            () = pods.changed() => {}
            () = tokio::time::sleep(TICK), if pending => {}
        }
    }
}

impl Kubelet {
    /// Brings what runs in line with the objects; true when it must be called
    /// again soon.
    async fn sync(&mut self, pods: &[Arc<Pod>]) -> bool {
        let mut pending = false;
        for pod in pods {
            match self.sync_pod(pod).await {
                Ok(again) => pending |= again,
                Err(error) => {
                    let name = pod.metadata.name.as_deref().unwrap_or_default();
                    tracing::warn!(pod = name, "pod not in order: {error:#}");
                    pending = true;
                }
            }
        }
        let gone: Vec<_> = self
            .running
            .keys()
            .filter(|uid| !pods.iter().any(|pod| pod.metadata.uid.as_ref() == Some(uid)))
            .cloned()
            .collect();
        for uid in gone {
            if let Err(error) = self.stop(&uid) {
                tracing::warn!("pod not ended: {error:#}");
            }
        }
        pending
    }

    async fn sync_pod(&mut self, pod: &Pod) -> Result<bool> {
        if pod.spec.as_ref().is_some_and(|spec| spec.host_network == Some(true)) {
            // Herald's own, which the cluster starts and ends.
            return Ok(false);
        }
        let uid = pod.metadata.uid.clone().context("a Pod without a uid")?;
        if pod.metadata.deletion_timestamp.is_some() {
            return self.end(pod, &uid).await;
        }
        let node_name = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        if node_name.is_empty() {
            self.bind(pod).await?;
            return Ok(false);
        }
        if !self.running.contains_key(&uid) {
            self.start(pod, uid, node_name.to_owned()).await?;
        }
        Ok(false)
    }

    /// Binds a Pod to the node with the fewest.
    async fn bind(&self, pod: &Pod) -> Result<()> {
        let load = |number: u8| self.running.values().filter(|running| running.node == number).count();
        let (_, node) =
            (1..).zip(self.network.nodes()).min_by_key(|(number, _)| load(*number)).context("the lab has no nodes")?;
        let patch = json!({ "spec": { "nodeName": node } });
        self.patch(pod, &Patch::Merge(&patch)).await
    }

    async fn start(&mut self, pod: &Pod, uid: String, node_name: String) -> Result<()> {
        let name = pod.metadata.name.clone().context("a Pod without a name")?;
        let (node, _) = (1..)
            .zip(self.network.nodes())
            .find(|(_, node)| **node == node_name)
            .with_context(|| format!("the lab has no node {node_name:?}"))?;
        let taken: Vec<_> = self.running.values().filter(|running| running.node == node).map(|r| r.slot).collect();
        let slot = (1..=250).find(|slot| !taken.contains(slot)).context("the node is full")?;
        let (namespace, addresses) = self.network.add(node, slot)?;
        let port = port(pod);
        let port_text = port.to_string();
        let args = ["pod", "--name", &name, "--node", &node_name, "--port", &port_text];
        let program = Program::start(
            &namespace,
            &Invocation {
                name: name.clone(),
                program: place::program("herald-lab")?,
                args: args.map(Into::into).to_vec(),
                env: Vec::new(),
                log: self.logs.join(format!("pod-{name}.log")),
            },
        )?;
        self.running.insert(uid, Running { node, slot, program, ends: None });
        let finalizer = json!({ "metadata": { "finalizers": [FINALIZER] } });
        self.patch(pod, &Patch::Merge(&finalizer)).await?;
        listening(&namespace, addresses.v4, port).await?;
        let status = json!({ "status": {
            "phase": "Running",
            "podIP": addresses.v4,
            "podIPs": [{ "ip": addresses.v4 }, { "ip": addresses.v6 }],
            "containerStatuses": container_statuses(pod),
            "conditions": [
                { "type": "Ready", "status": "True" },
                { "type": "ContainersReady", "status": "True" },
                { "type": "PodScheduled", "status": "True" },
            ],
        }});
        self.api(pod).patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
        Ok(())
    }

    /// Ends a Pod whose grace is over; true while it is not.
    async fn end(&mut self, pod: &Pod, uid: &str) -> Result<bool> {
        if let Some(running) = self.running.get_mut(uid) {
            let grace = pod
                .metadata
                .deletion_grace_period_seconds
                .or_else(|| pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds));
            let grace = Duration::from_secs(u64::try_from(grace.unwrap_or(30)).unwrap_or(0));
            // A second deletion may shorten the grace, never lengthen it.
            let ends = clock::now() + grace;
            let ends = running.ends.filter(|before| *before < ends).unwrap_or(ends);
            running.ends = Some(ends);
            if clock::now() < ends {
                return Ok(true);
            }
            self.stop(uid)?;
        }
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        if pod.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER) {
            let none = json!({ "metadata": { "finalizers": null } });
            self.patch(pod, &Patch::Merge(&none)).await?;
        }
        // This Pod and no other that has its name by now.
        let this = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let at_once =
            DeleteParams { grace_period_seconds: Some(0), preconditions: Some(this), ..DeleteParams::default() };
        match self.api(pod).delete(name, &at_once).await {
            Ok(_) => Ok(false),
            // Without the finalizer it may be gone by itself.
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(false),
            Err(error) => Err(error).context("delete the Pod"),
        }
    }

    fn stop(&mut self, uid: &str) -> Result<()> {
        if let Some(running) = self.running.remove(uid) {
            running.program.kill()?;
            self.network.remove(running.node, running.slot)?;
        }
        Ok(())
    }

    async fn patch(&self, pod: &Pod, patch: &Patch<&serde_json::Value>) -> Result<()> {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        self.api(pod).patch(name, &PatchParams::default(), patch).await?;
        Ok(())
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Says of every container that it runs.
fn container_statuses(pod: &Pod) -> Vec<serde_json::Value> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let status = |container: &Container| {
        json!({
            "name": container.name, "image": container.image, "imageID": "", "restartCount": 0,
            "ready": true, "started": true, "state": { "running": {} },
        })
    };
    containers.map(status).collect()
}

/// Waits until the Pod's server accepts connections.
async fn listening(namespace: &Namespace, address: Ipv4Addr, port: u16) -> Result<()> {
    let target = SocketAddr::from((address, port));
    let deadline = clock::now() + READINESS;
    loop {
        let attempt = namespace.run(move || TcpStream::connect_timeout(&target, READINESS))?;
        match attempt {
            Ok(_) => return Ok(()),
            Err(error) if clock::now() >= deadline => {
                return Err(error).with_context(|| format!("the Pod does not listen on {target}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

/// The first port that the Pod's containers name.
fn port(pod: &Pod) -> u16 {
    pod.spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .flat_map(|container| container.ports.iter().flatten())
        .find_map(|port| u16::try_from(port.container_port).ok())
        .unwrap_or(DEFAULT_PORT)
}
