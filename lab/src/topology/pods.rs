//! The pods' networks: one namespace each, joined to its node by a veth pair.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};

use super::{address, batch};
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
    /// returns it with the pod's address. `slot` counts the node's pods.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn add(&self, node: u8, slot: u8) -> Result<(Namespace, Ipv4Addr)> {
        let node_namespace = usize::from(node)
            .checked_sub(1)
            .and_then(|index| self.namespaces.get(index))
            .with_context(|| format!("the lab has no node number {node}"))?;
        let name = self.namespace_name(node, slot);
        let pod = batch::PodPlan { node, slot, node_namespace, name: &name };
        tool::ip_batch(None, &pod.wire())?;
        tool::ip_batch(Some(node_namespace), &pod.node_side())?;
        tool::ip_batch(Some(&name), &pod.pod_side())?;
        Ok((Namespace::enter(&name)?, address::pod(node, slot)))
    }

    /// Takes a pod's network away.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn remove(&self, node: u8, slot: u8) -> Result<()> {
        tool::ip_batch(None, &[format!("netns del {}", self.namespace_name(node, slot))])
    }

    fn namespace_name(&self, node: u8, slot: u8) -> String {
        batch::namespace_name(&self.id, &format!("pod-{node}-{slot}"))
    }
}
