//! Large pools and many Services, as plain values.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use herald_compiler::object::{IpAddressPool, Labels, ObjectMeta, Objects};
use herald_compiler::{Family, compile};
use herald_ipam::{Allocator, FamilyPolicy, Port, Protocol, ServiceKey, ServiceRequest, Terms, Wish};

/// One pool with both families, as large as they get.
const POOL: &[&str] = &["10.0.0.0/8", "fd00::/48"];

/// An allocator with the pool and nobody in it.
#[must_use]
pub fn allocator() -> Allocator {
    let pool = IpAddressPool {
        meta: ObjectMeta { name: "large".into(), uid: "large".into(), ..ObjectMeta::default() },
        addresses: POOL.iter().map(ToString::to_string).collect(),
        auto_assign: true,
        ..IpAddressPool::default()
    };
    let mut allocator = Allocator::new();
    allocator.set_config(compile(&Objects { pools: vec![pool], ..Objects::default() }).config);
    allocator
}

/// The Service with this number; every second one has an IPv6 address.
#[must_use]
pub fn service(number: usize, shown: Option<IpAddr>) -> ServiceRequest {
    let family = if number.is_multiple_of(2) { Family::V4 } else { Family::V6 };
    ServiceRequest {
        key: ServiceKey::new(format!("namespace-{}", number % 100), format!("service-{number}")),
        labels: Labels::new(),
        families: vec![family],
        policy: FamilyPolicy::SingleStack,
        wish: Ok(Wish::default()),
        terms: Terms::new(None, "", [Port { protocol: Protocol::Tcp, number: 80 }]),
        shown: shown.into_iter().collect(),
        recorded_pool: shown.map(|_| "large".into()),
    }
}

/// Decides a new Service and shows it what it got, as a write would.
///
/// # Errors
/// When it got nothing.
pub fn serve(allocator: &mut Allocator, number: usize) -> Result<IpAddr> {
    let decision = allocator.decide(&service(number, None));
    let address = *decision.addresses().first().with_context(|| format!("Service {number} got no address"))?;
    allocator.decide(&service(number, Some(address)));
    Ok(address)
}
