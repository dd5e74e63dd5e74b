//! The rules, one by one. `tests/model.rs` holds the allocator to its promises under random sequences.

mod keeping;
mod pools;
mod quota;
mod reallocate;
mod settled;
mod sharing;
mod stack;

use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::object::{IpAddressPool, LabelSelector, Namespace, ObjectMeta, Objects, ServiceAllocation};
use herald_compiler::{Config, Family, compile};

use super::Allocator;
use crate::{Cause, Decision, FamilyPolicy, Port, Protocol, ServiceKey, ServiceRequest, Terms, Wish, wish};

/// A pool as a user would write it.
pub(super) fn pool(name: &str, addresses: &[&str]) -> IpAddressPool {
    IpAddressPool {
        meta: ObjectMeta { name: name.into(), uid: name.into(), ..ObjectMeta::default() },
        addresses: addresses.iter().map(ToString::to_string).collect(),
        auto_assign: true,
        ..IpAddressPool::default()
    }
}

pub(super) fn config(pools: Vec<IpAddressPool>) -> Arc<Config> {
    let namespaces = ["shop", "bank"].map(|name| Namespace { name: name.into(), labels: labels(&[("team", name)]) });
    compile(&Objects { pools, namespaces: namespaces.into(), ..Objects::default() }).config
}

pub(super) fn allocator(pools: Vec<IpAddressPool>) -> Allocator {
    let mut allocator = Allocator::new();
    allocator.set_config(config(pools));
    allocator
}

/// A Service `shop/NAME` of one IPv4 family that wants anything.
pub(super) fn service(name: &str) -> ServiceRequest {
    ServiceRequest {
        key: ServiceKey::new("shop", name),
        labels: labels(&[("app", name)]),
        families: vec![Family::V4],
        policy: FamilyPolicy::SingleStack,
        wish: Ok(Wish::default()),
        terms: Terms::new(None, "", [tcp(80)]),
        shown: Vec::new(),
        recorded_pool: None,
    }
}

pub(super) fn dual(name: &str, policy: FamilyPolicy) -> ServiceRequest {
    ServiceRequest { families: vec![Family::V4, Family::V6], policy, ..service(name) }
}

pub(super) fn asking(request: ServiceRequest, addresses: &str) -> ServiceRequest {
    let addresses = wish::addresses(Some(addresses), None);
    ServiceRequest { wish: addresses.map(|addresses| Wish { addresses, pool: None }), ..request }
}

pub(super) fn from_pool(request: ServiceRequest, pool: &str) -> ServiceRequest {
    ServiceRequest { wish: Ok(Wish { addresses: Vec::new(), pool: Some(pool.into()) }), ..request }
}

pub(super) fn sharing(request: ServiceRequest, key: &str, port: u16) -> ServiceRequest {
    ServiceRequest { terms: Terms::new(Some(key), "", [tcp(port)]), ..request }
}

pub(super) fn tcp(number: u16) -> Port {
    Port { protocol: Protocol::Tcp, number }
}

pub(super) fn labels(all: &[(&str, &str)]) -> herald_compiler::object::Labels {
    all.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

pub(super) fn pinned(mut pool: IpAddressPool, priority: i64, namespaces: &[&str]) -> IpAddressPool {
    let namespaces = namespaces.iter().map(ToString::to_string).collect();
    pool.service_allocation = Some(ServiceAllocation { priority, namespaces, ..ServiceAllocation::default() });
    pool
}

pub(super) fn selector(key: &str, value: &str) -> LabelSelector {
    LabelSelector { match_labels: labels(&[(key, value)]), ..LabelSelector::default() }
}

pub(super) fn ips(text: &str) -> Vec<IpAddr> {
    text.split_whitespace().map(|item| item.parse().unwrap()).collect()
}

/// What was decided, in one line: `keep …`, `assign … (why)` or `pending …`.
pub(super) fn told(decision: &Decision) -> String {
    let list = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match decision {
        Decision::Keep { holding, .. } => format!("keep {}", list(&holding.addresses)),
        Decision::Assign { holding, cause, .. } => {
            let why = match cause {
                Cause::New => "new",
                Cause::Restored => "restored",
                Cause::AdditionalFamily(_) => "additional",
                Cause::OtherAddresses => "other addresses",
                Cause::OtherPool => "other pool",
                Cause::OtherFamilies => "other families",
                Cause::Reallocated => "reallocated",
                Cause::Sharing(_) => "sharing",
            };
            format!("assign {} ({why})", list(&holding.addresses))
        }
        Decision::Pending { refusal, .. } => format!("pending {refusal}"),
    }
}

/// Decides, and writes the decision into the request as the API server would show it.
pub(super) fn apply(allocator: &mut Allocator, request: &mut ServiceRequest) -> String {
    let decision = allocator.decide(request);
    assert_eq!(allocator.decide(request), decision, "deciding again must say the same");
    match &decision {
        Decision::Keep { holding, .. } | Decision::Assign { holding, .. } => {
            request.shown.clone_from(&holding.addresses);
            request.recorded_pool.clone_from(&holding.pool);
        }
        Decision::Pending { .. } => {
            request.shown.clear();
            request.recorded_pool = None;
        }
    }
    let after = allocator.decide(request);
    assert_eq!(after.addresses(), decision.addresses(), "a written decision must stand");
    assert!(!matches!(after, Decision::Assign { .. }), "a written decision must not be written again");
    told(&decision)
}

/// Decides for a Service called `name` that wants anything.
pub(super) fn give(allocator: &mut Allocator, name: &str) -> String {
    apply(allocator, &mut service(name))
}
