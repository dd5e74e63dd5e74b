//! A Service as the allocator sees it.

use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::Family;
use herald_compiler::object::Labels;

use crate::{InvalidWish, ServiceKey, Terms, Wish};

/// `spec.ipFamilyPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// One family; also when absent.
    #[default]
    SingleStack,
    /// Two families where the cluster has them.
    PreferDualStack,
    /// Two families or nothing.
    RequireDualStack,
}

/// A Service that should have an address, with the addresses its status shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRequest {
    /// Its name.
    pub key: ServiceKey,
    /// Its labels, for pools with serviceSelectors.
    pub labels: Labels,
    /// The families of `spec.clusterIPs`, primary first: at most one of each.
    pub families: Vec<Family>,
    /// What is to happen when only one family can be had.
    pub policy: FamilyPolicy,
    /// Requested addresses and pool, or why the request can't be understood.
    pub wish: Result<Wish, InvalidWish>,
    /// On which terms it shares an address.
    pub terms: Terms,
    /// The addresses in its status, in their order. Host names are left out.
    pub shown: Vec<IpAddr>,
    /// The pool its addresses came from, as recorded on it (`metallb.io/ip-allocated-from-pool`).
    pub recorded_pool: Option<Arc<str>>,
}
