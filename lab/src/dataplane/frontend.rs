//! What the data path needs of a Service and its EndpointSlices.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// The label that ties an EndpointSlice to its Service.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Whether a node may send outside traffic on to other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficPolicy {
    /// To any endpoint, hiding the client's address.
    Cluster,
    /// To the node's own endpoints only, keeping the client's address.
    Local,
}

/// The transport protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        })
    }
}

/// One endpoint of one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// The node it runs on; empty if unknown.
    pub node: String,
    /// It wants new connections.
    pub ready: bool,
    /// It answers, whether or not it wants to.
    pub serving: bool,
    /// It is about to end.
    pub terminating: bool,
}

/// One port of one Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// `namespace/name:port`, for comments in the rules.
    pub name: String,
    /// The Service's addresses inside the cluster.
    pub cluster_ips: Vec<IpAddr>,
    /// The addresses its load balancer was given.
    pub external_ips: Vec<IpAddr>,
    /// The transport protocol.
    pub protocol: Protocol,
    /// The port on all those addresses.
    pub port: u16,
    /// What outside traffic may do.
    pub policy: TrafficPolicy,
    /// Who serves it, in either family.
    pub endpoints: Vec<Endpoint>,
}

/// Joins Services with their slices, in a stable order. What is not TCP or UDP
/// is left out.
#[must_use]
pub fn join(services: &[Arc<Service>], slices: &[Arc<EndpointSlice>]) -> Vec<Frontend> {
    let mut slices_of: BTreeMap<(&str, &str), Vec<&EndpointSlice>> = BTreeMap::new();
    for slice in slices {
        let labels = slice.metadata.labels.as_ref();
        let Some(service) = labels.and_then(|labels| labels.get(SERVICE_NAME)) else { continue };
        let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
        slices_of.entry((namespace, service)).or_default().push(slice);
    }
    let mut frontends = Vec::new();
    for service in services {
        let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let own = slices_of.get(&(namespace, name)).map_or(&[][..], Vec::as_slice);
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
        frontends.extend(ports.iter().filter_map(|port| frontend(service, port, own)));
    }
    frontends.sort_by(|a, b| a.name.cmp(&b.name));
    frontends
}

fn frontend(service: &Service, port: &ServicePort, slices: &[&EndpointSlice]) -> Option<Frontend> {
    let spec = service.spec.as_ref()?;
    let protocol = protocol(port.protocol.as_deref())?;
    let policy = match spec.external_traffic_policy.as_deref() {
        Some("Local") => TrafficPolicy::Local,
        _ => TrafficPolicy::Cluster,
    };
    let ingress = service
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref())
        .map_or(&[][..], Vec::as_slice);
    // `ipMode: Proxy` means that packets arrive with another destination.
    let external = ingress.iter().filter(|entry| entry.ip_mode.as_deref() != Some("Proxy"));
    let mut endpoints: Vec<_> = slices.iter().flat_map(|slice| endpoints(slice, port)).collect();
    endpoints.sort_by_key(|endpoint| endpoint.address);
    Some(Frontend {
        name: format!(
            "{}/{}:{}",
            service.metadata.namespace.as_deref().unwrap_or_default(),
            service.metadata.name.as_deref().unwrap_or_default(),
            port.port
        ),
        cluster_ips: addresses(spec.cluster_ips.iter().flatten().map(String::as_str)),
        external_ips: addresses(external.filter_map(|entry| entry.ip.as_deref())),
        protocol,
        port: u16::try_from(port.port).ok()?,
        policy,
        endpoints,
    })
}

fn endpoints(slice: &EndpointSlice, port: &ServicePort) -> Vec<Endpoint> {
    // A slice's port belongs to the Service's port of the same name.
    let wanted = port.name.as_deref().unwrap_or_default();
    let target = slice
        .ports
        .iter()
        .flatten()
        .find(|candidate| candidate.name.as_deref().unwrap_or_default() == wanted)
        .and_then(|candidate| u16::try_from(candidate.port?).ok());
    let Some(target) = target else { return Vec::new() };
    let mut found = Vec::new();
    for endpoint in &slice.endpoints {
        let conditions = endpoint.conditions.as_ref();
        // An absent `ready` means ready, and an absent `serving` the same as `ready`.
        let ready = conditions.and_then(|c| c.ready).unwrap_or(true);
        for address in addresses(endpoint.addresses.iter().map(String::as_str)) {
            found.push(Endpoint {
                address: SocketAddr::new(address, target),
                node: endpoint.node_name.clone().unwrap_or_default(),
                ready,
                serving: conditions.and_then(|c| c.serving).unwrap_or(ready),
                terminating: conditions.and_then(|c| c.terminating).unwrap_or(false),
            });
        }
    }
    found
}

fn protocol(name: Option<&str>) -> Option<Protocol> {
    match name {
        None | Some("TCP") => Some(Protocol::Tcp),
        Some("UDP") => Some(Protocol::Udp),
        Some(_) => None,
    }
}

fn addresses<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<IpAddr> {
    texts.filter_map(|text| text.parse().ok()).collect()
}
