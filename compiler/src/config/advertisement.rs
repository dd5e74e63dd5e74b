//! What a BGPAdvertisement means.

use std::collections::BTreeSet;

use crate::address::Family;
use crate::bgp::Attributes;
use crate::object::Labels;
use crate::selector::{Selector, matches_any_or_empty};

/// A BGP advertisement that is used: its verdict may still say that some of it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BgpAdvertisement {
    /// Name.
    pub name: String,
    /// Creation time in seconds since the Unix epoch. See [`seniority`](Self::seniority).
    pub created: i64,
    /// Names of the pools it covers: names and selectors resolved, "all" spelled out.
    pub pools: BTreeSet<String>,
    /// Pools it names that do not exist. They mean nothing until they do.
    pub unknown_pools: BTreeSet<String>,
    /// Nodes that announce; empty means all.
    pub node_selectors: Vec<Selector>,
    /// Services it applies to; empty means all. Only with host routes.
    pub service_selectors: Vec<Selector>,
    /// Names of the peers it is for, whether they exist or not; `None` means all. Never empty.
    pub peers: Option<BTreeSet<String>>,
    /// Those of `peers` that do not exist. They mean nothing until they do.
    pub unknown_peers: BTreeSet<String>,
    /// Length of IPv4 prefixes, 1 to 32.
    pub length_v4: u8,
    /// Length of IPv6 prefixes, 1 to 128.
    pub length_v6: u8,
    /// What is said of the routes, names of communities resolved.
    pub attributes: Attributes,
    /// Announce aggregates also where a node can't serve every address in use below
    /// (`herald.aggregateAlways`).
    pub aggregate_always: bool,
}

impl BgpAdvertisement {
    /// Length of the prefixes that addresses of this family are announced as; see [`wanted`](crate::bgp::wanted) for
    /// the exceptions.
    #[must_use]
    pub fn length(&self, family: Family) -> u8 {
        match family {
            Family::V4 => self.length_v4,
            Family::V6 => self.length_v6,
        }
    }

    /// True if it is for the peer called `name`.
    #[must_use]
    pub fn announces_to(&self, name: &str) -> bool {
        self.peers.as_ref().is_none_or(|peers| peers.contains(name))
    }

    /// True if it applies to a Service with these labels.
    #[must_use]
    pub fn selects_service(&self, service_labels: &Labels) -> bool {
        matches_any_or_empty(&self.service_selectors, service_labels)
    }

    /// True if a node with these labels announces under it.
    #[must_use]
    pub fn selects_node(&self, node_labels: &Labels) -> bool {
        matches_any_or_empty(&self.node_selectors, node_labels)
    }

    /// Of two advertisements that disagree the one that sorts first decides: the older, then by name.
    #[must_use]
    pub fn seniority(&self) -> (i64, &str) {
        (self.created, &self.name)
    }
}
