//! Events about Services.

use std::net::IpAddr;

use herald_runtime::events::{Notice, Severity};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::watch::service::ServiceKey;

/// How a Service is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Layer2,
    Bgp,
}

/// MetalLB's Event, word for word: dashboards and tests find the owner by it.
pub(super) fn node_assigned(service: &ServiceKey, uid: String, node: &str, protocol: Protocol) -> Notice {
    let protocol = match protocol {
        Protocol::Layer2 => "layer2",
        Protocol::Bgp => "bgp",
    };
    Notice {
        about: about(service, uid),
        severity: Severity::Normal,
        reason: "nodeAssigned",
        action: "Announce",
        note: format!("announcing from node {node:?} with protocol {protocol:?}"),
    }
}

/// The pool has been gone for too long.
pub(super) fn address_orphaned(
    service: &ServiceKey,
    uid: String,
    node: &str,
    addresses: &[IpAddr],
    pool: Option<&str>,
) -> Notice {
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    let gone = match pool {
        Some(pool) => format!("pool {pool:?} is gone"),
        None => "the pool it came from is not known".to_owned(),
    };
    let note = format!(
        "no longer announcing {} from node {node:?}: {gone} and no other contains it. The Service keeps it, nobody else \
         gets it. Create an IPAddressPool that contains it, or let the Service have another address: set annotation \
         metallb.io/reallocate",
        addresses.join(", "),
    );
    Notice {
        about: about(service, uid),
        severity: Severity::Warning,
        reason: "AddressOrphaned",
        action: "Withdraw",
        note,
    }
}

/// Another machine has an address of the Service.
pub(super) fn address_conflict(service: &ServiceKey, uid: String, conflict: &str) -> Notice {
    Notice {
        about: about(service, uid),
        severity: Severity::Warning,
        reason: "AddressConflict",
        action: "Announce",
        note: conflict.to_owned(),
    }
}

fn about(service: &ServiceKey, uid: String) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Service".to_owned()),
        namespace: Some(service.namespace().to_owned()),
        name: Some(service.name().to_owned()),
        uid: Some(uid),
        ..ObjectReference::default()
    }
}
