//! Several controllers in one cluster, all on the control plane's machine.

use anyhow::{Context as _, Result};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::programs::{self, Launch, Ports};
use super::{Cluster, READINESS, SYSTEM_NAMESPACE};
use crate::program::Program;

/// The controller's program, ServiceAccount and Lease.
const CONTROLLER: &str = "herald-controller";

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The controller's number.
    pub replica: usize,
    /// Its name in the Lease: another one each time it is started.
    pub identity: String,
}

impl Cluster {
    /// Starts a controller on the control plane's machine, after ending the one
    /// with this number. The first, number 0, is started as the manifests do;
    /// the others have ports of their own.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn start_replica(&mut self, replica: usize) -> Result<()> {
        let launch = Launch {
            program: CONTROLLER,
            replica,
            capabilities: "",
            kubeconfig: self.kubeconfig_of(CONTROLLER),
            flags: self.options.controller_flags.clone(),
            logs: self.dir.clone(),
        };
        self.controllers.remove(&replica);
        self.controllers.insert(replica, launch.start(self.topology.control_plane())?);
        Ok(())
    }

    /// Waits until a controller is ready.
    ///
    /// # Errors
    /// When it ends or takes too long; with its last log lines.
    pub async fn replica_ready(&self, replica: usize) -> Result<()> {
        let ports = Ports::of_replica(replica)?;
        let namespace = &self.topology.control_plane().namespace;
        programs::ready(self.replica(replica)?, namespace, ports, READINESS).await
    }

    /// A controller's process.
    ///
    /// # Errors
    /// When it was not started.
    pub fn replica(&self, replica: usize) -> Result<&Program> {
        self.controllers.get(&replica).with_context(|| format!("controller {replica} was not started"))
    }

    /// The controller that has the Lease; `None` while nobody has it. One that
    /// was killed has it until its time is up.
    ///
    /// # Errors
    /// When the server can't be asked.
    pub async fn leader(&self) -> Result<Option<Leader>> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), SYSTEM_NAMESPACE);
        let lease = leases.get_opt(CONTROLLER).await.context("read the Lease")?;
        let Some(identity) = lease.and_then(|lease| lease.spec?.holder_identity) else { return Ok(None) };
        // It begins with the Pod's name and goes on with what no other start of it has.
        let pod = |replica: usize| programs::pod_name(CONTROLLER, self.topology.control_plane(), replica);
        let holds = |replica: &usize| identity.strip_prefix(&pod(*replica)).is_some_and(|rest| rest.starts_with('_'));
        let replica = self.controllers.keys().copied().find(holds);
        Ok(replica.map(|replica| Leader { replica, identity }))
    }
}
