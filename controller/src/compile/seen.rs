//! Configuration objects, reduced on arrival to what users wrote and what we said about it.

use herald_compiler::object::{self, ObjectMeta};
use herald_crds::{BGPAdvertisement, BGPPeer, Community, IPAddressPool, L2Advertisement, border};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// A configuration object as last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<T> {
    /// What the user wrote.
    pub object: T,
    /// What its status says.
    pub status: SeenStatus,
}

/// A pool as last seen.
pub type SeenPool = Seen<object::IpAddressPool>;
/// A layer-2 advertisement as last seen.
pub type SeenAdvertisement = Seen<object::L2Advertisement>;
/// A BGP peer as last seen.
pub type SeenPeer = Seen<object::BgpPeer>;
/// A BGP advertisement as last seen.
pub type SeenBgpAdvertisement = Seen<object::BgpAdvertisement>;
/// A Community object as last seen.
pub type SeenCommunity = Seen<object::Community>;

/// The status of a configuration object as last seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenStatus {
    /// The counters of a pool; `None` while its status has none, and for other kinds.
    pub counters: Option<Counters>,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// The four counters of a pool's status; numbers beyond int64 are its largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Distinct IPv4 addresses in use.
    pub assigned_v4: i64,
    /// Distinct IPv6 addresses in use.
    pub assigned_v6: i64,
    /// IPv4 addresses that could still be handed out.
    pub available_v4: i64,
    /// IPv6 addresses that could still be handed out.
    pub available_v6: i64,
}

impl SeenPool {
    /// Takes from a pool what matters.
    #[must_use]
    pub fn of(pool: &IPAddressPool) -> Self {
        let status = pool.status.as_ref();
        let counters = status.map(|status| Counters {
            assigned_v4: status.assigned_ipv4,
            assigned_v6: status.assigned_ipv6,
            available_v4: status.available_ipv4,
            available_v6: status.available_ipv6,
        });
        let conditions = status.map(|status| status.conditions.clone()).unwrap_or_default();
        Self { object: border::pool(pool), status: SeenStatus { counters, conditions } }
    }
}

/// What there is to take from an object that has conditions alone.
macro_rules! seen {
    ($seen:ty, $kind:ty, $border:path, $what:literal) => {
        impl $seen {
            #[doc = concat!("Takes from a ", $what, " what matters.")]
            #[must_use]
            pub fn of(from: &$kind) -> Self {
                let conditions = from.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
                Self { object: $border(from), status: SeenStatus { counters: None, conditions } }
            }
        }
    };
}

seen!(SeenAdvertisement, L2Advertisement, border::l2_advertisement, "layer-2 advertisement");
seen!(SeenPeer, BGPPeer, border::bgp_peer, "BGP peer");
seen!(SeenBgpAdvertisement, BGPAdvertisement, border::bgp_advertisement, "BGP advertisement");
seen!(SeenCommunity, Community, border::community, "Community object");

/// Something that users write and give a name.
pub(super) trait Named: Clone + PartialEq {
    /// Its metadata.
    fn meta(&self) -> &ObjectMeta;
}

macro_rules! named {
    ($($kind:ident),+) => {
        $(impl Named for object::$kind {
            fn meta(&self) -> &ObjectMeta {
                &self.meta
            }
        })+
    };
}

named!(IpAddressPool, L2Advertisement, BgpPeer, BgpAdvertisement, Community);
