//! ServiceL2Status objects: one per Service and speaker that has something to say of it, under a name that follows from
//! both.

use std::collections::BTreeSet;

use herald_crds::{InterfaceStatus, ServiceL2Status, ServiceL2StatusSpec, ServiceL2StatusStatus};
use herald_runtime::clock::wall_clock;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ledger::Write;
use super::object::{
    LIMIT, NODE, OwnNode, SERVICE_NAME, SERVICE_NAMESPACE, condition, ignore_not_found, is, label_value,
};
use super::said::Said;
use crate::watch::service::ServiceKey;

/// The condition that says why nobody announces the Service.
const ANNOUNCED: &str = "Announced";
/// The condition that says which other machine claims an address.
const CONFLICT: &str = "AddressConflict";

/// Writes ServiceL2Status objects for one node.
#[derive(Debug)]
pub(super) struct L2StatusWriter {
    statuses: Api<ServiceL2Status>,
    node: OwnNode,
    fit: watch::Receiver<BTreeSet<String>>,
}

impl L2StatusWriter {
    /// `fit` are the nodes whose speakers can speak for themselves.
    pub(super) fn new(client: Client, namespace: &str, node: OwnNode, fit: watch::Receiver<BTreeSet<String>>) -> Self {
        Self { statuses: Api::namespaced(client, namespace), node, fit }
    }

    /// What the API holds of this node's; `None` if it can't be asked now.
    pub(super) async fn list(&self) -> Option<Vec<(ServiceKey, Option<Said>)>> {
        let ours = ListParams::default().labels(&self.node.selector());
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
    pub(super) async fn write(&self, write: &Write<ServiceKey, Said>) -> bool {
        let result = tokio::time::timeout(LIMIT, async {
            match write {
                Write::Set(service, said) => self.set(service, said).await,
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

    /// Removes all that are about this node.
    pub(super) async fn clear(&self) {
        let ours = ListParams::default().labels(&self.node.selector());
        if let Err(error) = self.statuses.delete_collection(&DeleteParams::default(), &ours).await {
            tracing::debug!("ServiceL2Status objects not removed: {error}");
        }
    }

    async fn set(&self, service: &ServiceKey, said: &Said) -> kube::Result<()> {
        let name = self.name(service);
        let mut object = ServiceL2Status::new(&name, ServiceL2StatusSpec {});
        let labels = [(SERVICE_NAME, service.name()), (SERVICE_NAMESPACE, service.namespace())];
        object.metadata.labels = self.node.labels(labels);
        object.metadata.owner_references = self.node.owner();
        match self.statuses.create(&PostParams::default(), &object).await {
            Ok(_) => {}
            Err(error) if is(&error, "AlreadyExists") => {}
            Err(error) => return Err(error),
        }
        let patch = patch(&self.node.name, service, said, wall_clock());
        self.statuses.patch_status(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        self.remove_unfit(service).await
    }

    /// Removes what speakers have said of the Service that are dead or cut off and can't do it themselves. The others
    /// do: if two removed each other's objects, nothing might be left in the end.
    async fn remove_unfit(&self, service: &ServiceKey) -> kube::Result<()> {
        let of_service = format!("{SERVICE_NAME}={},{SERVICE_NAMESPACE}={}", service.name(), service.namespace());
        let all = self.statuses.list_metadata(&ListParams::default().labels(&of_service)).await?;
        let mut fit: BTreeSet<String> = self.fit.borrow().iter().map(|node| label_value(node)).collect();
        fit.insert(label_value(&self.node.name));
        let unfit = |other: &&_| ResourceExt::labels(*other).get(NODE).is_none_or(|node| !fit.contains(node));
        for other in all.items.iter().filter(unfit) {
            ignore_not_found(self.statuses.delete(&other.name_any(), &DeleteParams::default()).await)?;
        }
        Ok(())
    }

    async fn remove(&self, service: &ServiceKey) -> kube::Result<()> {
        ignore_not_found(self.statuses.delete(&self.name(service), &DeleteParams::default()).await)
    }

    fn name(&self, service: &ServiceKey) -> String {
        self.node.object_name("l2", &format!("{}/{}", service.namespace(), service.name()))
    }
}

/// The merge patch that makes an object say this, whatever it said before.
fn patch(node: &str, service: &ServiceKey, said: &Said, now: Timestamp) -> Value {
    let mut status = ServiceL2StatusStatus {
        service_name: Some(service.name().to_owned()),
        service_namespace: Some(service.namespace().to_owned()),
        ..ServiceL2StatusStatus::default()
    };
    match said {
        Said::Announced { interfaces, conflict } => {
            status.node = Some(node.to_owned());
            status.interfaces = interfaces.iter().map(|name| InterfaceStatus { name: Some(name.clone()) }).collect();
            let conflict = conflict.as_deref().map(|message| condition(CONFLICT, "True", "ForeignClaim", message, now));
            status.conditions.extend(conflict);
        }
        Said::Unannounced { reason, message } => {
            status.conditions.push(condition(ANNOUNCED, "False", reason, message, now));
        }
    }
    let mut patch = json!({ "status": status, "metadata": {} });
    // What is not said is left out, and a merge patch would leave it as it was.
    for field in ["node", "interfaces", "conditions"] {
        if patch["status"].get(field).is_none() {
            patch["status"][field] = Value::Null;
        }
    }
    patch
}

fn read(object: &ServiceL2Status) -> Option<(ServiceKey, Option<Said>)> {
    let label = |name| object.labels().get(name);
    let service = ServiceKey::new(label(SERVICE_NAMESPACE)?, label(SERVICE_NAME)?);
    let status = object.status.clone().unwrap_or_default();
    let mut conditions = status.conditions.into_iter();
    let why = conditions.clone().find(|condition| condition.type_ == ANNOUNCED);
    let conflict = conditions.find(|condition| condition.type_ == CONFLICT).map(|condition| condition.message);
    let interfaces = status.interfaces.into_iter().filter_map(|interface| interface.name);
    let said = match (status.node, why) {
        (Some(_), _) => Some(Said::Announced { interfaces: interfaces.collect(), conflict }),
        (None, Some(why)) => Some(Said::Unannounced { reason: why.reason, message: why.message }),
        (None, None) => None,
    };
    Some((service, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_over_anything_reads_back_as_said() {
        let service = ServiceKey::new("shop", "web");
        let said = [
            Said::Announced { interfaces: BTreeSet::new(), conflict: None },
            Said::Announced { interfaces: BTreeSet::from(["eth0".to_owned()]), conflict: Some("who".into()) },
            Said::Unannounced { reason: "NoEligibleNode".into(), message: "why".into() },
        ];
        let mut status = json!({});
        for said in said.iter().chain(said.iter().rev()) {
            let patch = patch("a", &service, said, Timestamp::UNIX_EPOCH);
            for (field, value) in patch["status"].as_object().unwrap() {
                match value {
                    Value::Null => drop(status.as_object_mut().unwrap().remove(field)),
                    value => status[field] = value.clone(),
                }
            }
            let labels = json!({SERVICE_NAME: "web", SERVICE_NAMESPACE: "shop"});
            let object = json!({"metadata": {"name": "x", "labels": labels}, "spec": {}, "status": status});
            let object = serde_json::from_value(object).unwrap();
            assert_eq!(read(&object), Some((service.clone(), Some(said.clone()))));
        }
    }
}
