//! What the API server knows: nodes, Services, endpoints. Speakers hear of it sooner or later.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use herald_compiler::object::{IpAddressPool, L2Advertisement, ObjectMeta};
use herald_speaker::watch::endpoint_slice::{EndpointState, Slice};
use herald_speaker::watch::node::{EXCLUDE, NodeSeen};
use herald_speaker::watch::service::{ServiceKey, ServiceSeen};

/// One LoadBalancer Service and where its pods are.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) local: bool,
    pub(crate) endpoints: BTreeMap<usize, EndpointState>,
}

/// What matters of a Node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Node {
    pub(crate) excluded: bool,
    pub(crate) cordoned: bool,
    /// Being deleted, out of service, or shutting down.
    pub(crate) draining: bool,
}

/// The whole truth. Its version grows with each change.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) version: u64,
    pub(crate) services: Vec<Service>,
    pub(crate) nodes: Vec<Node>,
    /// Whether addresses return to the first in the election.
    pub(crate) failback: bool,
}

pub(crate) fn name(node: usize) -> String {
    format!("node-{node:03}")
}

pub(crate) fn number(node: &str) -> usize {
    node.strip_prefix("node-").and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

/// Where a node's speaker is met.
pub(crate) fn address(node: usize) -> SocketAddr {
    let node = u16::try_from(node).unwrap_or(u16::MAX).to_be_bytes();
    SocketAddr::from(([10, 0, node[0], node[1]], 7946))
}

/// Which node that is.
pub(crate) fn node_at(ip: IpAddr) -> usize {
    match ip {
        IpAddr::V4(ip) => usize::from(u16::from_be_bytes([ip.octets()[2], ip.octets()[3]])),
        IpAddr::V6(_) => usize::MAX,
    }
}

/// The address of a Service.
pub(crate) fn service_ip(service: usize) -> IpAddr {
    IpAddr::from(Ipv4Addr::new(192, 168, 1, 10 + u8::try_from(service).unwrap_or(u8::MAX)))
}

pub(crate) fn service_key(service: usize) -> ServiceKey {
    ServiceKey::new("shop", &format!("web-{service}"))
}

impl Truth {
    pub(crate) fn node_seen(&self, node: usize) -> NodeSeen {
        let Node { excluded, cordoned, draining } = self.nodes[node];
        NodeSeen {
            name: name(node),
            uid: String::new(),
            labels: if excluded { [(EXCLUDE.to_owned(), String::new())].into() } else { BTreeMap::new() },
            network_unavailable: false,
            cordoned,
            draining,
            internal_ips: vec![address(node).ip()],
            ready: true,
        }
    }

    pub(crate) fn service_seen(&self, service: usize) -> (ServiceKey, Option<ServiceSeen>) {
        let seen = ServiceSeen {
            uid: String::new(),
            labels: BTreeMap::new(),
            addresses: vec![service_ip(service)],
            pool: Some("public".to_owned()),
            local: self.services[service].local,
            created: 0,
            sharing: None,
        };
        (service_key(service), Some(seen))
    }

    pub(crate) fn slice(&self, service: usize) -> Slice {
        let nodes = self.services[service].endpoints.iter().map(|(node, state)| (name(*node), *state)).collect();
        Slice { service: service_key(service), name: format!("web-{service}-1"), nodes }
    }
}

pub(crate) fn pool() -> IpAddressPool {
    IpAddressPool {
        meta: meta("public"),
        addresses: vec!["192.168.1.0/24".to_owned()],
        auto_assign: true,
        ..IpAddressPool::default()
    }
}

pub(crate) fn advertisement(failback: bool) -> L2Advertisement {
    let failback = (!failback).then_some(false);
    let ip_address_pools = vec!["public".to_owned()];
    L2Advertisement { meta: meta("l2"), ip_address_pools, failback, ..L2Advertisement::default() }
}

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: name.to_owned(), ..ObjectMeta::default() }
}
