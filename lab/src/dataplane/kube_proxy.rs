//! The task that keeps every node's rules current.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Api, Client};
use tokio::task::JoinSet;

use super::{frontend, rules};
use crate::cluster::mirror::Mirror;
use crate::namespace::Namespace;
use crate::tool;
use crate::topology::Switch;

/// How often a node that could not be programmed is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// A node as the data path sees it.
#[derive(Clone, Debug)]
pub struct ProxyNode {
    /// The Node's name.
    pub name: String,
    /// Its network.
    pub namespace: Namespace,
}

/// Programs the nodes until it is dropped. A node that is cut off keeps its old
/// rules until it is healed, as it would with a kube-proxy of its own.
pub async fn run(client: Client, nodes: Vec<ProxyNode>, switch: Switch) {
    let mut services = Mirror::<Service>::start(Api::all(client.clone()));
    let mut slices = Mirror::<EndpointSlice>::start(Api::all(client));
    services.ready().await;
    slices.ready().await;
    let mut programmed: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let frontends = frontend::join(&services.all(), &slices.all());
        let mut pending = false;
        let mut writes = JoinSet::new();
        let cut: BTreeSet<String> = switch.cut_off();
        for node in &nodes {
            let text = rules::render(&frontends, &node.name);
            if programmed.get(&node.name) == Some(&text) {
                continue;
            }
            if cut.contains(&node.name) {
                pending = true;
                continue;
            }
            let node = node.clone();
            writes.spawn_blocking(move || -> (String, Result<String>) {
                (node.name, tool::nft(&node.namespace, &text).map(|()| text))
            });
        }
        while let Some(write) = writes.join_next().await {
            match write {
                Ok((node, Ok(text))) => drop(programmed.insert(node, text)),
                Ok((node, Err(error))) => {
                    tracing::error!(node, "data path not programmed: {error:#}");
                    pending = true;
                }
                // The lab is ending.
                Err(_) => return,
            }
        }
        tokio::select! {
            () = services.changed() => {}
            () = slices.changed() => {}
            () = tokio::time::sleep(RETRY), if pending => {}
        }
    }
}
