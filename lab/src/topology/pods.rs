//! The pods' networks: one namespace each, joined to its node by a veth pair.

use anyhow::{Context as _, Result};

use super::address::{self, PodAddresses};
use super::batch;
use crate::namespace::Namespace;
use crate::tool;

/// Adds pods to a lab and removes them. Owns nothing: a pod's network that is
/// not removed goes with the lab's [`Topology`](super::Topology).
#[derive(Clone, Debug)]
pub struct PodNetwork {
    id: String,
    nodes: Vec<String>,
    namespaces: Vec<String>,
}

impl PodNetwork {
    pub(super) fn new(id: String, nodes: Vec<String>, namespaces: Vec<String>) -> Self {
        Self { id, nodes, namespaces }
    }

    /// The nodes' names; the first is node number 1.
    #[must_use]
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// Makes a pod's network on the node with this number (from 1), and
    /// returns it with the pod's addresses. `slot` counts the node's pods.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn add(&self, node: u8, slot: u8) -> Result<(Namespace, PodAddresses)> {
        let made = self.make(node, slot);
        if made.is_err() {
            // Half a network would be in the way of the next attempt. It may not even be half.
            let _ = self.remove(node, slot);
        }
        made
    }

    fn make(&self, node: u8, slot: u8) -> Result<(Namespace, PodAddresses)> {
        let node_namespace = self.node_namespace(node)?;
        let name = self.namespace_name(node, slot);
        let pod = batch::PodPlan { node, slot, node_namespace, name: &name };
        tool::ip_batch(None, &pod.wire())?;
        let namespace = Namespace::enter(&name)?;
        namespace.run(|| batch::set_sysctls(batch::POD_SYSCTLS))??;
        tool::ip_batch(Some(node_namespace), &pod.node_side())?;
        tool::ip_batch(Some(&name), &pod.pod_side())?;
        Ok((namespace, address::pod(node, slot)))
    }

    /// Takes a pod's network away.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn remove(&self, node: u8, slot: u8) -> Result<()> {
        // The kernel takes a namespace apart later, and until then its end of the wire keeps the
        // node's; so the wire goes first.
        let wire = tool::ip_batch(Some(self.node_namespace(node)?), &[format!("link del pod{slot}")]);
        tool::ip_batch(None, &[format!("netns del {}", self.namespace_name(node, slot))])?;
        wire
    }

    fn node_namespace(&self, node: u8) -> Result<&str> {
        usize::from(node)
            .checked_sub(1)
            .and_then(|index| self.namespaces.get(index))
            .map(String::as_str)
            .with_context(|| format!("the lab has no node number {node}"))
    }

    fn namespace_name(&self, node: u8, slot: u8) -> String {
        batch::namespace_name(&self.id, &format!("pod-{node}-{slot}"))
    }
}
