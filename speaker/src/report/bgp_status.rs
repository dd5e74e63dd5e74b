//! ServiceBGPStatus objects: one per Service and node from which a peer has its routes.

use std::collections::BTreeSet;
use std::sync::Arc;

use herald_crds::{ServiceBGPStatus, ServiceBGPStatusSpec, ServiceBGPStatusStatus};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::object::{OwnNode, SERVICE_NAME, SERVICE_NAMESPACE};
use super::routes::Peers;
use super::writer::Kind;
use crate::watch::service::ServiceKey;

/// ServiceBGPStatus objects.
#[derive(Debug)]
pub(super) enum Routes {}

impl Kind for Routes {
    type Object = ServiceBGPStatus;
    type Key = ServiceKey;
    type Said = Peers;

    fn name(node: &OwnNode, service: &ServiceKey) -> String {
        node.object_name("bgp", &format!("{}/{}", service.namespace(), service.name()))
    }

    fn new(node: &OwnNode, service: &ServiceKey) -> ServiceBGPStatus {
        let mut object = ServiceBGPStatus::new("", ServiceBGPStatusSpec {});
        let labels = [(SERVICE_NAME, service.name()), (SERVICE_NAMESPACE, service.namespace())];
        object.metadata.labels = node.labels(labels);
        object
    }

    fn patch(node: &str, service: &ServiceKey, peers: &Peers, _: Timestamp) -> Value {
        json!({ "status": ServiceBGPStatusStatus {
            node: Some(node.to_owned()),
            service_name: Some(service.name().to_owned()),
            service_namespace: Some(service.namespace().to_owned()),
            peers: peers.iter().cloned().collect(),
        } })
    }

    fn read(object: ServiceBGPStatus) -> Option<(ServiceKey, Option<Peers>)> {
        let label = |name| object.labels().get(name);
        let service = ServiceKey::new(label(SERVICE_NAMESPACE)?, label(SERVICE_NAME)?);
        let peers: Option<BTreeSet<String>> = object.status.map(|status| status.peers.into_iter().collect());
        Some((service, peers.filter(|peers| !peers.is_empty()).map(Arc::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_said() {
        let service = ServiceKey::new("shop", "web");
        let peers: Peers = Arc::new(["b", "a"].map(str::to_owned).into());
        let patch = Routes::patch("node", &service, &peers, Timestamp::UNIX_EPOCH);
        assert_eq!(patch["status"]["peers"], json!(["a", "b"]), "sorted, as in MetalLB");
        let labels = json!({SERVICE_NAME: "web", SERVICE_NAMESPACE: "shop"});
        let mut object = json!({"metadata": {"name": "x", "labels": labels}, "spec": {}, "status": patch["status"]});
        let read = |object: &Value| Routes::read(serde_json::from_value(object.clone()).unwrap());
        assert_eq!(read(&object), Some((service.clone(), Some(peers))));
        object.as_object_mut().unwrap().remove("status");
        assert_eq!(read(&object), Some((service, None)), "half made");
    }
}
