//! Node objects for the lab's nodes, as a kubelet would register them.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::topology::Machine;

/// Creates the Node object of a machine, ready and with its InternalIP.
///
/// # Errors
/// The server's own message.
pub async fn register(client: &Client, machine: &Machine) -> Result<Node> {
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
    let status = json!({ "status": {
        "addresses": [
            { "type": "InternalIP", "address": machine.station.v4() },
            { "type": "Hostname", "address": machine.name },
        ],
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
