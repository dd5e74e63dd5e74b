//! Node objects for the lab's nodes, as a kubelet would register them.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::topology::Machine;

/// Which InternalIPs a Node has, the one that is to be used first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InternalIps {
    /// IPv4, then IPv6.
    #[default]
    DualStack,
    /// IPv6 alone.
    Ipv6Only,
}

impl InternalIps {
    /// A machine's.
    #[must_use]
    pub fn of(self, machine: &Machine) -> Vec<IpAddr> {
        let (v4, v6) = (machine.station.v4().into(), machine.station.v6().into());
        match self {
            InternalIps::DualStack => vec![v4, v6],
            InternalIps::Ipv6Only => vec![v6],
        }
    }
}

/// Creates the Node object of a machine, ready and with its InternalIPs.
///
/// # Errors
/// The server's own message.
pub async fn register(client: &Client, machine: &Machine, internal: InternalIps) -> Result<Node> {
    let api: Api<Node> = Api::all(client.clone());
    let node: Node = serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": machine.name,
            "labels": {
                "kubernetes.io/hostname": machine.name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
        },
        "spec": {},
    }))?;
    api.create(&PostParams::default(), &node).await.with_context(|| format!("create Node {}", machine.name))?;
    let internal = internal.of(machine).into_iter();
    let mut addresses: Vec<_> = internal.map(|ip| json!({ "type": "InternalIP", "address": ip })).collect();
    addresses.push(json!({ "type": "Hostname", "address": machine.name }));
    let status = json!({ "status": {
        "addresses": addresses,
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "part of the lab",
        }],
        "nodeInfo": {
            "kubeletVersion": "v1.33.0-lab", "kubeProxyVersion": "", "machineID": "", "systemUUID": "",
            "bootID": "", "kernelVersion": "", "osImage": "network namespace",
            "containerRuntimeVersion": "herald-lab://1", "operatingSystem": "linux", "architecture": "amd64",
        },
    }});
    api.patch_status(&machine.name, &PatchParams::default(), &Patch::Merge(&status))
        .await
        .with_context(|| format!("set the status of Node {}", machine.name))
}
