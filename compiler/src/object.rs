//! The configuration objects as plain values: what users wrote, nothing interpreted yet.
//!
//! These mirror the `metallb.io` kinds field by field, with the defaults of the schema applied.
//! The border that makes them from API objects lives with the API types.

mod bgp;

pub use bgp::{BfdProfile, BfdSettings, BgpAdvertisement, BgpPeer, Community, CommunityAlias, Password};

use std::collections::BTreeMap;

/// Labels of an object, key to value.
pub type Labels = BTreeMap<String, String>;

/// Everything that [`compile`](crate::compile()) looks at. The order inside the lists is irrelevant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// All pools of Herald's namespace.
    pub pools: Vec<IpAddressPool>,
    /// All layer-2 advertisements of Herald's namespace.
    pub l2_advertisements: Vec<L2Advertisement>,
    /// All BGP peers of Herald's namespace.
    pub bgp_peers: Vec<BgpPeer>,
    /// All BGP advertisements of Herald's namespace.
    pub bgp_advertisements: Vec<BgpAdvertisement>,
    /// All Community objects of Herald's namespace.
    pub communities: Vec<Community>,
    /// All BFD profiles of Herald's namespace.
    pub bfd_profiles: Vec<BfdProfile>,
    /// All namespaces of the cluster, for `serviceAllocation.namespaceSelectors`.
    pub namespaces: Vec<Namespace>,
}

/// The part of an object's metadata that has a meaning here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Name, unique among the objects of one kind.
    pub name: String,
    /// UID, to tell a re-created object from its predecessor.
    pub uid: String,
    /// Creation time in seconds since the Unix epoch: of two overlapping pools the older one wins.
    pub created: i64,
    /// Generation of the spec that was read; verdicts carry it back as `observedGeneration`.
    pub generation: i64,
    /// Labels, for `ipAddressPoolSelectors`.
    pub labels: Labels,
}

/// `metallb.io/v1beta1 IPAddressPool`: addresses to hand out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpAddressPool {
    /// Name, age and labels.
    pub meta: ObjectMeta,
    /// CIDRs and `first-last` ranges as written; the order is the order of use.
    pub addresses: Vec<String>,
    /// False: used only when a Service asks for the pool or for an address in it.
    pub auto_assign: bool,
    /// Never hand out IPv4 addresses that end in .0 or .255.
    pub avoid_buggy_ips: bool,
    /// Which Services may use the pool; absent means all.
    pub service_allocation: Option<ServiceAllocation>,
    /// `spec.herald.maxPerNamespace`: how many of its addresses, for each family, the Services of one
    /// namespace may use; absent means all.
    pub max_per_namespace: Option<i64>,
}

/// `IPAddressPool.spec.serviceAllocation`: whom a pool serves, and how early it is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAllocation {
    /// The lowest positive number is tried first; zero and below count as unset, which is last.
    pub priority: i64,
    /// Namespaces by name.
    pub namespaces: Vec<String>,
    /// Namespaces by label, in addition to the names.
    pub namespace_selectors: Vec<LabelSelector>,
    /// Services by label; one match is enough.
    pub service_selectors: Vec<LabelSelector>,
}

/// `metallb.io/v1beta1 L2Advertisement`: which pools are answered for by ARP and NDP, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct L2Advertisement {
    /// Name and age.
    pub meta: ObjectMeta,
    /// Pools by name.
    pub ip_address_pools: Vec<String>,
    /// Pools by label, in addition to the names. Both empty: all pools.
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// Nodes that may announce; empty means all.
    pub node_selectors: Vec<LabelSelector>,
    /// Interfaces to answer on, by exact name; empty means all.
    pub interfaces: Vec<String>,
    /// Services it applies to; empty means all.
    pub service_selectors: Vec<LabelSelector>,
    /// Nodes to prefer in the election.
    pub preferred_node_selectors: Vec<PreferredNodeSelector>,
    /// `spec.herald.failback`: whether an address returns to the node that is first in the election; absent: yes.
    pub failback: Option<bool>,
}

/// One entry of `L2Advertisement.spec.preferredNodeSelectors`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreferredNodeSelector {
    /// 1 to 100, added to the score of each matching node.
    pub weight: i32,
    /// The nodes meant; an empty selector means every node.
    pub preference: LabelSelector,
}

/// A namespace of the cluster with its labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Name.
    pub name: String,
    /// Labels, for `namespaceSelectors`.
    pub labels: Labels,
}

/// `metav1.LabelSelector` as written. All terms must hold; an empty selector matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Keys with the value they must have.
    pub match_labels: Labels,
    /// Further terms.
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// One term of [`LabelSelector::match_expressions`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelectorRequirement {
    /// Label key.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`; anything else is reported by the compiler.
    pub operator: String,
    /// Values for `In` and `NotIn`; must be empty for the other two.
    pub values: Vec<String>,
}
