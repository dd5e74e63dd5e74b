//! The border between API objects and the pure crates.
//!
//! One way, what users wrote becomes plain values of [`herald_compiler::object`]; nothing is
//! judged here, so it can't fail. The other way, the compiler's verdicts become
//! `status.conditions`.

mod bgp;
mod conditions;
#[cfg(test)]
mod tests;

pub use bgp::{bfd_profile, bgp_advertisement, bgp_peer, community};
pub use conditions::{conditions, conditions_differ};

use herald_compiler::object;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    IPAddressPool, IPAddressPoolSpec, L2Advertisement, L2AdvertisementSpec, L2Extension, LabelSelector,
    LabelSelectorRequirement, PoolExtension, PreferredNodeSelector, ServiceAllocation,
};

/// A pool as the compiler takes it.
#[must_use]
pub fn pool(from: &IPAddressPool) -> object::IpAddressPool {
    let IPAddressPoolSpec { addresses, auto_assign, avoid_buggy_ips, service_allocation, herald } = &from.spec;
    object::IpAddressPool {
        meta: meta(&from.metadata),
        addresses: addresses.clone(),
        auto_assign: *auto_assign,
        avoid_buggy_ips: *avoid_buggy_ips,
        service_allocation: service_allocation.as_ref().map(allocation),
        max_per_namespace: herald.as_ref().and_then(|PoolExtension { max_per_namespace }| *max_per_namespace),
    }
}

fn allocation(from: &ServiceAllocation) -> object::ServiceAllocation {
    let ServiceAllocation { priority, namespaces, namespace_selectors, service_selectors } = from;
    object::ServiceAllocation {
        priority: *priority,
        namespaces: namespaces.clone(),
        namespace_selectors: selectors(namespace_selectors),
        service_selectors: selectors(service_selectors),
    }
}

/// A layer-2 advertisement as the compiler takes it.
#[must_use]
pub fn l2_advertisement(from: &L2Advertisement) -> object::L2Advertisement {
    let L2AdvertisementSpec {
        ip_address_pools,
        ip_address_pool_selectors,
        node_selectors,
        interfaces,
        service_selectors,
        preferred_node_selectors,
        herald,
    } = &from.spec;
    object::L2Advertisement {
        meta: meta(&from.metadata),
        ip_address_pools: ip_address_pools.clone(),
        ip_address_pool_selectors: selectors(ip_address_pool_selectors),
        node_selectors: selectors(node_selectors),
        interfaces: interfaces.clone(),
        service_selectors: selectors(service_selectors),
        preferred_node_selectors: preferred_node_selectors.iter().map(preference).collect(),
        failback: herald.as_ref().and_then(|L2Extension { failback }| *failback),
    }
}

fn preference(from: &PreferredNodeSelector) -> object::PreferredNodeSelector {
    let PreferredNodeSelector { weight, preference } = from;
    object::PreferredNodeSelector { weight: *weight, preference: selector(preference) }
}

/// A namespace as the compiler takes it, from its metadata.
#[must_use]
pub fn namespace(from: &ObjectMeta) -> object::Namespace {
    object::Namespace { name: from.name.clone().unwrap_or_default(), labels: from.labels.clone().unwrap_or_default() }
}

/// Metadata as the compiler takes it. An object without creation time counts as the oldest; the
/// API server always sets one.
#[must_use]
pub fn meta(from: &ObjectMeta) -> object::ObjectMeta {
    object::ObjectMeta {
        name: from.name.clone().unwrap_or_default(),
        uid: from.uid.clone().unwrap_or_default(),
        created: from.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second()),
        generation: from.generation.unwrap_or_default(),
        labels: from.labels.clone().unwrap_or_default(),
    }
}

fn selectors(from: &[LabelSelector]) -> Vec<object::LabelSelector> {
    from.iter().map(selector).collect()
}

/// A label selector as the compiler takes it.
#[must_use]
pub fn selector(from: &LabelSelector) -> object::LabelSelector {
    let LabelSelector { match_labels, match_expressions } = from;
    object::LabelSelector {
        match_labels: match_labels.clone(),
        match_expressions: match_expressions.iter().map(requirement).collect(),
    }
}

fn requirement(from: &LabelSelectorRequirement) -> object::LabelSelectorRequirement {
    let LabelSelectorRequirement { key, operator, values } = from;
    object::LabelSelectorRequirement { key: key.clone(), operator: operator.clone(), values: values.clone() }
}

/// A number of addresses as a status counter, which is int64.
#[must_use]
pub fn counter(addresses: u128) -> i64 {
    i64::try_from(addresses).unwrap_or(i64::MAX)
}
