//! The watches, merged into two streams: Services, and what says what they may have.

use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use herald_compiler::object;
use herald_crds::{
    BFDProfile, BGPAdvertisement, BGPPeer, BGPSessionState, Community, IPAddressPool, L2Advertisement,
    ServiceBGPStatus, ServiceL2Status, border,
};
use herald_runtime::watch::{Change, changes, readable_changes};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PartialObjectMeta;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};

use super::{LeanService, SeenReport, SeenService, SeenSession, SeenState, names};
use crate::compile::{SeenAdvertisement, SeenBgpAdvertisement, SeenCommunity, SeenPeer, SeenPool};

/// A change of something that is watched.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Of Services of type LoadBalancer.
    Service(Change<SeenService>),
    /// Of pools in Herald's namespace.
    Pool(Change<SeenPool>),
    /// Of layer-2 advertisements in Herald's namespace.
    L2Advertisement(Change<SeenAdvertisement>),
    /// Of BGP peers in Herald's namespace.
    BgpPeer(Change<SeenPeer>),
    /// Of BGP advertisements in Herald's namespace.
    BgpAdvertisement(Change<SeenBgpAdvertisement>),
    /// Of Community objects in Herald's namespace.
    Community(Change<SeenCommunity>),
    /// Of BFD profiles in Herald's namespace.
    BfdProfile(Change<object::BfdProfile>),
    /// Of namespaces.
    Namespace(Change<object::Namespace>),
    /// Of what speakers say about layer 2.
    L2Status(Change<SeenReport>),
    /// Of what they say about routes.
    BgpStatus(Change<SeenReport>),
    /// Of what they say about sessions.
    Session(Change<SeenSession>),
    /// Of our ConfigurationState.
    State(Change<SeenState>),
}

impl Observed {
    /// The kind that changed.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Service(_) => "Service",
            Self::Pool(_) => "IPAddressPool",
            Self::L2Advertisement(_) => "L2Advertisement",
            Self::BgpPeer(_) => "BGPPeer",
            Self::BgpAdvertisement(_) => "BGPAdvertisement",
            Self::Community(_) => "Community",
            Self::BfdProfile(_) => "BFDProfile",
            Self::Namespace(_) => "Namespace",
            Self::L2Status(_) => "ServiceL2Status",
            Self::BgpStatus(_) => "ServiceBGPStatus",
            Self::Session(_) => "BGPSessionState",
            Self::State(_) => "ConfigurationState",
        }
    }

    /// Whether it is something that users want: what is decided rests on it. The others are what programs say.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        match self {
            Self::Service(_)
            | Self::Pool(_)
            | Self::L2Advertisement(_)
            | Self::BgpPeer(_)
            | Self::BgpAdvertisement(_)
            | Self::Community(_)
            | Self::BfdProfile(_)
            | Self::Namespace(_) => true,
            Self::L2Status(_) | Self::BgpStatus(_) | Self::Session(_) | Self::State(_) => false,
        }
    }

    /// Why it can't be watched just now; `None`: it can.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        fn why<T>(change: &Change<T>) -> Option<&str> {
            match change {
                Change::Broken(why) => Some(why),
                _ => None,
            }
        }
        match self {
            Self::Service(change) => why(change),
            Self::Pool(change) => why(change),
            Self::L2Advertisement(change) => why(change),
            Self::BgpPeer(change) => why(change),
            Self::BgpAdvertisement(change) => why(change),
            Self::Community(change) => why(change),
            Self::BfdProfile(change) => why(change),
            Self::Namespace(change) => why(change),
            Self::L2Status(change) | Self::BgpStatus(change) => why(change),
            Self::Session(change) => why(change),
            Self::State(change) => why(change),
        }
    }
}

/// The Services of type LoadBalancer.
#[must_use]
pub fn services(client: &Client) -> BoxStream<'static, Observed> {
    // A Service that changes its type leaves this selection, which is a deletion to us: the server
    // sends nothing about the many Services of other types.
    let load_balancers = watcher::Config::default().fields("spec.type=LoadBalancer");
    let services = changes(Api::<LeanService>::all(client.clone()), load_balancers, SeenService::of);
    services.map(Observed::Service).boxed()
}

/// The configuration objects of `namespace`, and all namespaces.
#[must_use]
pub fn configuration(client: &Client, namespace: &str) -> BoxStream<'static, Observed> {
    let everything = watcher::Config::default;
    let pools = readable_changes(client, namespace, everything(), |pool: IPAddressPool| SeenPool::of(&pool));
    let advertisements =
        readable_changes(client, namespace, everything(), |one: L2Advertisement| SeenAdvertisement::of(&one));
    let peers = readable_changes(client, namespace, everything(), |peer: BGPPeer| SeenPeer::of(&peer));
    let bgp = readable_changes(client, namespace, everything(), |one: BGPAdvertisement| SeenBgpAdvertisement::of(&one));
    let communities = readable_changes(client, namespace, everything(), |one: Community| SeenCommunity::of(&one));
    let profiles =
        readable_changes(client, namespace, everything(), |profile: BFDProfile| border::bfd_profile(&profile));
    let namespaces = Api::<PartialObjectMeta<Namespace>>::all(client.clone());
    let namespaces = changes(namespaces, everything(), |namespace: PartialObjectMeta<Namespace>| {
        border::namespace(namespace.meta())
    });
    let statuses = Api::<DeserializeGuard<ServiceL2Status>>::namespaced(client.clone(), namespace);
    let statuses = changes(statuses, everything(), SeenReport::of_l2);
    let routes = Api::<DeserializeGuard<ServiceBGPStatus>>::namespaced(client.clone(), namespace);
    let routes = changes(routes, everything(), SeenReport::of_bgp);
    let sessions = Api::<DeserializeGuard<BGPSessionState>>::namespaced(client.clone(), namespace);
    let sessions = changes(sessions, everything(), SeenSession::of);
    let ours = everything().fields(&format!("metadata.name={}", names::CONTROLLER));
    let states = readable_changes(client, namespace, ours, SeenState::of);
    stream::select_all([
        pools.map(Observed::Pool).boxed(),
        advertisements.map(Observed::L2Advertisement).boxed(),
        peers.map(Observed::BgpPeer).boxed(),
        bgp.map(Observed::BgpAdvertisement).boxed(),
        communities.map(Observed::Community).boxed(),
        profiles.map(Observed::BfdProfile).boxed(),
        namespaces.map(Observed::Namespace).boxed(),
        statuses.map(Observed::L2Status).boxed(),
        routes.map(Observed::BgpStatus).boxed(),
        sessions.map(Observed::Session).boxed(),
        states.map(Observed::State).boxed(),
    ])
    .boxed()
}
