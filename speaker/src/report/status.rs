//! ServiceL2Status objects: one per Service and node that announces it, under a name that follows from both.

use std::collections::BTreeMap;
use std::time::Duration;

use herald_crds::{InterfaceStatus, ServiceL2Status, ServiceL2StatusSpec, ServiceL2StatusStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::ledger::{Interfaces, Write};
use crate::watch::node::NodeSeen;
use crate::watch::service::ServiceKey;

const NODE: &str = "metallb.io/node";
const SERVICE_NAME: &str = "metallb.io/service-name";
const SERVICE_NAMESPACE: &str = "metallb.io/service-namespace";
/// How long one write may take, all its requests together.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest value of a label.
const LABEL_MAX: usize = 63;

/// Writes ServiceL2Status objects for one node.
#[derive(Debug)]
pub struct StatusWriter {
    statuses: Api<ServiceL2Status>,
    node: String,
    my_node: watch::Receiver<Option<NodeSeen>>,
}

impl StatusWriter {
    /// A writer for `node` into `namespace`; the Node object becomes the owner, so that a deleted Node leaves nothing
    /// behind.
    #[must_use]
    pub fn new(client: Client, namespace: &str, node: String, my_node: watch::Receiver<Option<NodeSeen>>) -> Self {
        Self { statuses: Api::namespaced(client, namespace), node, my_node }
    }

    /// What the API holds of this node's; `None` if it can't be asked now.
    pub(super) async fn list(&self) -> Option<Vec<(ServiceKey, Interfaces)>> {
        let ours = ListParams::default().labels(&format!("{NODE}={}", label_value(&self.node)));
        match tokio::time::timeout(LIMIT, self.statuses.list(&ours)).await {
            Ok(Ok(list)) => Some(list.items.iter().filter_map(read).collect()),
            Ok(Err(error)) => {
                tracing::debug!("ServiceL2Status objects can't be listed, will try again: {error}");
                None
            }
            Err(_) => None,
        }
    }

    /// Writes; false if it has to be tried again.
    pub(super) async fn write(&self, write: &Write) -> bool {
        let result = tokio::time::timeout(LIMIT, async {
            match write {
                Write::Set(service, interfaces) => self.set(service, interfaces).await,
                Write::Remove(service) => self.remove(service).await,
            }
        });
        match result.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::debug!(?write, "ServiceL2Status not written, will try again: {error}");
                false
            }
            Err(_) => false,
        }
    }

    async fn set(&self, service: &ServiceKey, interfaces: &Interfaces) -> kube::Result<()> {
        let name = self.name(service);
        let mut object = ServiceL2Status::new(&name, ServiceL2StatusSpec {});
        object.metadata.labels = Some(BTreeMap::from([
            (NODE.to_owned(), label_value(&self.node)),
            (SERVICE_NAME.to_owned(), service.name.clone()),
            (SERVICE_NAMESPACE.to_owned(), service.namespace.clone()),
        ]));
        object.metadata.owner_references = self.owner().map(|owner| vec![owner]);
        match self.statuses.create(&PostParams::default(), &object).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => return Err(error),
        }
        let status = ServiceL2StatusStatus {
            node: Some(self.node.clone()),
            service_name: Some(service.name.clone()),
            service_namespace: Some(service.namespace.clone()),
            interfaces: interfaces.iter().map(|name| InterfaceStatus { name: Some(name.clone()) }).collect(),
        };
        // `interfaces` is left out when empty; a merge patch has to say so to empty it.
        let mut patch = json!({ "status": status, "metadata": {} });
        if interfaces.is_empty() {
            patch["status"]["interfaces"] = json!([]);
        }
        self.statuses.patch_status(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        self.remove_others(service).await
    }

    /// A predecessor that died can't remove what it said.
    async fn remove_others(&self, service: &ServiceKey) -> kube::Result<()> {
        let of_service = format!("{SERVICE_NAME}={},{SERVICE_NAMESPACE}={}", service.name, service.namespace);
        let all = self.statuses.list_metadata(&ListParams::default().labels(&of_service)).await?;
        let mine = label_value(&self.node);
        for other in all.items.iter().filter(|other| other.labels().get(NODE) != Some(&mine)) {
            ignore_not_found(self.statuses.delete(&other.name_any(), &DeleteParams::default()).await)?;
        }
        Ok(())
    }

    async fn remove(&self, service: &ServiceKey) -> kube::Result<()> {
        ignore_not_found(self.statuses.delete(&self.name(service), &DeleteParams::default()).await)
    }

    /// The same Service on the same node has always the same object, also after a restart.
    fn name(&self, service: &ServiceKey) -> String {
        let digest = Sha256::digest(format!("{}/{}/{}", service.namespace, service.name, self.node));
        format!("l2-{}", hex(&digest))
    }

    fn owner(&self) -> Option<OwnerReference> {
        let node = self.my_node.borrow();
        let node = node.as_ref().filter(|node| !node.uid.is_empty())?;
        Some(OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: node.name.clone(),
            uid: node.uid.clone(),
            ..OwnerReference::default()
        })
    }
}

fn read(object: &ServiceL2Status) -> Option<(ServiceKey, Interfaces)> {
    let label = |name| object.labels().get(name).cloned();
    let service = ServiceKey { namespace: label(SERVICE_NAMESPACE)?, name: label(SERVICE_NAME)? };
    let interfaces = object.status.iter().flat_map(|status| &status.interfaces);
    Some((service, interfaces.filter_map(|interface| interface.name.clone()).collect()))
}

fn ignore_not_found<T>(result: kube::Result<T>) -> kube::Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop),
    }
}

/// A node's name as the value of a label, which may be shorter than a name.
fn label_value(name: &str) -> String {
    if name.len() <= LABEL_MAX {
        return name.to_owned();
    }
    let hash = hex(&Sha256::digest(name));
    let start: String = name.chars().take(LABEL_MAX - hash.len() - 1).collect();
    format!("{start}-{hash}")
}

/// The first eight bytes, in hexadecimal.
fn hex(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_node_names_still_make_labels() {
        assert_eq!(label_value("node-1"), "node-1");
        let long = "n".repeat(253);
        let value = label_value(&long);
        assert_eq!(value.len(), LABEL_MAX);
        assert_ne!(value, label_value(&"n".repeat(252)), "different nodes stay different");
    }
}
