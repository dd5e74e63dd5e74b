//! EndpointSlices from selectors.
//!
//! One slice per Service and family, which holds as long as no Service has more
//! than a thousand pods. Conditions follow the real controller: `serving` is the
//! Pod's readiness, `ready` is that and not terminating.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client, Resource as _};

use crate::cluster::mirror::Mirror;
use crate::dataplane::frontend::SERVICE_NAME;

/// The label and value by which the real controller marks its slices.
const MANAGED_BY: (&str, &str) = ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");

/// How soon a write that failed is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// Keeps the slices current until it is dropped.
pub async fn run(client: Client) {
    let mut services = Mirror::<Service>::start(Api::all(client.clone()));
    let mut pods = Mirror::<Pod>::start(Api::all(client.clone()));
    let mut slices = Mirror::<EndpointSlice>::start(Api::all(client.clone()));
    services.ready().await;
    pods.ready().await;
    slices.ready().await;
    loop {
        let failed = sync(&client, &services.all(), &pods.all(), &slices.all()).await;
        tokio::select! {
            () = services.changed() => {}
            () = pods.changed() => {}
            () = slices.changed() => {}
            () = tokio::time::sleep(RETRY), if failed => {}
        }
    }
}

/// Writes what differs; true when something could not be written.
async fn sync(client: &Client, services: &[Arc<Service>], pods: &[Arc<Pod>], slices: &[Arc<EndpointSlice>]) -> bool {
    let existing: BTreeMap<_, _> =
        slices.iter().filter(|slice| is_ours(slice)).map(|slice| (key(&slice.metadata), slice)).collect();
    let mut failed = false;
    let mut wanted = Vec::new();
    for service in services {
        for slice in desired(service, pods) {
            let key = key(&slice.metadata);
            let outcome = match existing.get(&key) {
                Some(current) if same(current, &slice) => Ok(()),
                Some(current) => replace(client, current, slice).await,
                None => create(client, slice).await,
            };
            wanted.push(key);
            failed |= report(outcome);
        }
    }
    for (key, _) in existing.iter().filter(|(key, _)| !wanted.contains(key)) {
        let api: Api<EndpointSlice> = Api::namespaced(client.clone(), &key.0);
        let deleted = api.delete(&key.1, &DeleteParams::default()).await;
        failed |= report(deleted.map(drop).map_err(Into::into));
    }
    failed
}

/// Says what went wrong, except what the next change settles by itself.
fn report(outcome: Result<()>) -> bool {
    let Err(error) = outcome else { return false };
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        _ => tracing::warn!("endpoint slice not written: {error:#}"),
    }
    true
}

async fn create(client: &Client, slice: EndpointSlice) -> Result<()> {
    let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &slice).await?;
    Ok(())
}

async fn replace(client: &Client, current: &EndpointSlice, slice: EndpointSlice) -> Result<()> {
    let (namespace, name) = key(&current.metadata);
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), &namespace);
    let next = EndpointSlice { metadata: current.metadata.clone(), ..slice };
    api.replace(&name, &PostParams::default(), &next).await?;
    Ok(())
}

/// The slices that a Service should have, one for each of its families; none without a selector.
fn desired(service: &Service, pods: &[Arc<Pod>]) -> Vec<EndpointSlice> {
    let families = service.spec.as_ref().and_then(|spec| spec.ip_families.as_deref()).unwrap_or_default();
    families.iter().filter_map(|family| desired_of_family(service, pods, family)).collect()
}

/// The slice of one family, `IPv4` or `IPv6`.
fn desired_of_family(service: &Service, pods: &[Arc<Pod>], family: &str) -> Option<EndpointSlice> {
    let spec = service.spec.as_ref()?;
    let selector = spec.selector.as_ref().filter(|selector| !selector.is_empty())?;
    if service.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let (namespace, name) = key(&service.metadata);
    let mut chosen: Vec<_> = pods
        .iter()
        .filter(|pod| pod.metadata.namespace.as_deref() == Some(namespace.as_str()))
        .filter(|pod| {
            let labels = pod.metadata.labels.as_ref();
            selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
        })
        .collect();
    chosen.sort_by_key(|pod| pod.metadata.name.clone());
    let ports = spec.ports.iter().flatten().map(|port| endpoint_port(port, &chosen)).collect();
    let labels = [(SERVICE_NAME, name.as_str()), MANAGED_BY];
    let owner = OwnerReference {
        api_version: Service::api_version(&()).into_owned(),
        kind: Service::kind(&()).into_owned(),
        name: name.clone(),
        uid: service.metadata.uid.clone()?,
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    Some(EndpointSlice {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{}", family.to_ascii_lowercase())),
            namespace: Some(namespace),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        address_type: family.to_owned(),
        ports: Some(ports),
        endpoints: chosen.iter().filter_map(|pod| endpoint(pod, family)).collect(),
    })
}

fn endpoint(pod: &Pod, family: &str) -> Option<Endpoint> {
    let status = pod.status.as_ref()?;
    let of_family = |address: &&str| address.contains(':') == (family == "IPv6");
    let mut addresses = status.pod_ips.iter().flatten().map(|address| address.ip.as_str());
    let address = addresses.find(of_family)?.to_owned();
    let serving =
        status.conditions.iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let terminating = pod.metadata.deletion_timestamp.is_some();
    Some(Endpoint {
        addresses: vec![address],
        conditions: Some(EndpointConditions {
            ready: Some(serving && !terminating),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        node_name: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        target_ref: Some(pod.object_ref(&())),
        ..Endpoint::default()
    })
}

fn endpoint_port(port: &ServicePort, pods: &[&Arc<Pod>]) -> EndpointPort {
    let target = match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => named_port(name, pods),
    };
    EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: target,
        protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
        app_protocol: port.app_protocol.clone(),
    }
}

/// The number behind a port's name. All pods of a Service in the lab agree.
fn named_port(name: &str, pods: &[&Arc<Pod>]) -> Option<i32> {
    pods.iter()
        .filter_map(|pod| pod.spec.as_ref())
        .flat_map(|spec| &spec.containers)
        .flat_map(|container| container.ports.iter().flatten())
        .find(|port| port.name.as_deref() == Some(name))
        .map(|port| port.container_port)
}

fn is_ours(slice: &EndpointSlice) -> bool {
    let labels = slice.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(MANAGED_BY.0)).is_some_and(|value| value == MANAGED_BY.1)
}

fn same(current: &EndpointSlice, wanted: &EndpointSlice) -> bool {
    let target = |slice: &EndpointSlice| -> Vec<_> {
        // The server may fill in more of a reference than we do.
        slice.endpoints.iter().map(|e| Endpoint { target_ref: None, ..e.clone() }).collect()
    };
    current.ports == wanted.ports && target(current) == target(wanted)
}

fn key(metadata: &ObjectMeta) -> (String, String) {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, ready: &str, deleting: bool) -> Arc<Pod> {
        let mut metadata = json!({"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}});
        if deleting {
            metadata["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        let pod = json!({
            "metadata": metadata,
            "spec": {"nodeName": "node1", "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"podIPs": [{"ip": "10.244.1.2"}, {"ip": "fd00:244:1::2"}], "conditions": [{"type": "Ready", "status": ready}]},
        });
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    fn service() -> Service {
        serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "default", "uid": "u"},
            "spec": {"ipFamilies": ["IPv4"], "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
        }))
        .unwrap()
    }

    #[test]
    fn conditions_follow_the_real_controller() {
        let pods = [pod("a", "True", false), pod("b", "True", true), pod("c", "False", false)];
        let [slice] = desired(&service(), &pods).try_into().unwrap();
        let conditions: Vec<_> = slice
            .endpoints
            .iter()
            .map(|endpoint| {
                let c = endpoint.conditions.clone().unwrap();
                (c.ready.unwrap(), c.serving.unwrap(), c.terminating.unwrap())
            })
            .collect();
        assert_eq!(conditions, [(true, true, false), (false, true, true), (false, false, false)]);
        assert_eq!(slice.ports.unwrap()[0].port, Some(8080), "the port's name is looked up");
    }

    #[test]
    fn each_family_has_a_slice_with_its_own_addresses() {
        let mut service = service();
        service.spec.as_mut().unwrap().ip_families = Some(vec!["IPv6".to_owned(), "IPv4".to_owned()]);
        let slices = desired(&service, &[pod("a", "True", false)]);
        let said: Vec<_> = slices
            .iter()
            .map(|slice| (slice.address_type.as_str(), slice.endpoints[0].addresses[0].as_str()))
            .collect();
        assert_eq!(said, [("IPv6", "fd00:244:1::2"), ("IPv4", "10.244.1.2")]);
        assert_ne!(slices[0].metadata.name, slices[1].metadata.name);
        assert_eq!(slices[0].ports, slices[1].ports);
    }

    #[test]
    fn no_selector_no_slice() {
        let mut service = service();
        service.spec.as_mut().unwrap().selector = None;
        assert_eq!(desired(&service, &[]), []);
    }
}
