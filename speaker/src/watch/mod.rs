//! What the speaker sees of the cluster: objects, reduced on arrival to what is used.
//!
//! ```text
//!  Services ─────────┐                    (only type LoadBalancer, only our class)
//!  EndpointSlices ───┤
//!  Nodes ────────────┼──► Seen ──► decide
//!  IPAddressPools ───┤
//!  L2Advertisements ─┤
//!  kinds of BGP, Secrets ─┘
//! ```
//!
//! EndpointSlices are watched only once the Services are known, so that those of other Services can be thrown
//! away on arrival; when a Service enters the selection later, its slices are listed by name ([`list_slices`]).

pub mod endpoint_slice;
pub mod node;
pub mod secret;
pub mod service;

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::runtime::watcher::Config;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, mpsc};

use herald_compiler::object;
use herald_crds::border;
use herald_crds::{BFDProfile, BGPAdvertisement, BGPPeer, Community, IPAddressPool, L2Advertisement};
use herald_runtime::watch::{Change, changes, readable_changes};

use endpoint_slice::Slice;
use node::NodeSeen;
use secret::SecretSeen;
use service::{ServiceKey, ServiceSeen};

/// One thing seen.
#[derive(Debug)]
pub enum Seen {
    /// Services; those that are not for this speaker carry no content.
    Services(Change<(ServiceKey, Option<ServiceSeen>)>),
    /// EndpointSlices of every Service.
    Slices(Change<Slice>),
    /// All slices of one Service, asked for with [`list_slices`].
    SlicesOf(ServiceKey, Vec<Slice>),
    /// Nodes.
    Nodes(Change<NodeSeen>),
    /// Pools.
    Pools(Change<object::IpAddressPool>),
    /// Layer-2 advertisements.
    L2Advertisements(Change<object::L2Advertisement>),
    /// BGP advertisements.
    BgpAdvertisements(Change<object::BgpAdvertisement>),
    /// Routers.
    BgpPeers(Change<object::BgpPeer>),
    /// Names for communities.
    Communities(Change<object::Community>),
    /// BFD profiles.
    BfdProfiles(Change<object::BfdProfile>),
    /// The password in the Secret of this name, or what is wrong with it.
    Secret(String, SecretSeen),
}

impl Seen {
    /// Whether it says that a watch is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Services(change) => matches!(change, Change::Broken(_)),
            Self::Slices(change) => matches!(change, Change::Broken(_)),
            Self::SlicesOf(..) => false,
            Self::Nodes(change) => matches!(change, Change::Broken(_)),
            Self::Pools(change) => matches!(change, Change::Broken(_)),
            Self::L2Advertisements(change) => matches!(change, Change::Broken(_)),
            Self::BgpAdvertisements(change) => matches!(change, Change::Broken(_)),
            Self::BgpPeers(change) => matches!(change, Change::Broken(_)),
            Self::Communities(change) => matches!(change, Change::Broken(_)),
            Self::BfdProfiles(change) => matches!(change, Change::Broken(_)),
            Self::Secret(..) => false,
        }
    }
}

/// Watches everything but EndpointSlices, for ever.
pub fn start(client: &Client, namespace: &str, lb_class: Option<String>, to: &mpsc::Sender<Seen>) {
    let services: Api<Service> = Api::all(client.clone());
    let selection = Config::default().fields("spec.type=LoadBalancer");
    forward(
        changes(services, selection, move |service| service::reduce(&service, lb_class.as_deref())),
        Seen::Services,
        to,
    );
    let nodes: Api<Node> = Api::all(client.clone());
    forward(changes(nodes, Config::default(), |node| node::reduce(&node)), Seen::Nodes, to);
    forward(configured(client, namespace, |pool: IPAddressPool| border::pool(&pool)), Seen::Pools, to);
    let advertisements = configured(client, namespace, |one: L2Advertisement| border::l2_advertisement(&one));
    forward(advertisements, Seen::L2Advertisements, to);
    start_bgp(client, namespace, to);
}

/// Watches the kinds of BGP, for ever.
fn start_bgp(client: &Client, namespace: &str, to: &mpsc::Sender<Seen>) {
    let advertisements = configured(client, namespace, |one: BGPAdvertisement| border::bgp_advertisement(&one));
    forward(advertisements, Seen::BgpAdvertisements, to);
    forward(configured(client, namespace, |one: BGPPeer| border::bgp_peer(&one)), Seen::BgpPeers, to);
    forward(configured(client, namespace, |one: Community| border::community(&one)), Seen::Communities, to);
    forward(configured(client, namespace, |one: BFDProfile| border::bfd_profile(&one)), Seen::BfdProfiles, to);
}

/// All objects of a kind of the configuration.
fn configured<K, T>(
    client: &Client,
    namespace: &str,
    reduce: impl FnMut(K) -> T + Send + 'static,
) -> BoxStream<'static, Change<T>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + 'static,
    T: Clone + Send + 'static,
{
    readable_changes(client, namespace, Config::default(), reduce)
}

/// Watches EndpointSlices, for ever.
pub fn start_slices(client: &Client, to: &mpsc::Sender<Seen>) {
    let slices: Api<EndpointSlice> = Api::all(client.clone());
    forward(changes(slices, Config::default(), |slice| endpoint_slice::reduce(&slice)), Seen::Slices, to);
}

/// Lists under way at a time: each is a connection with buffers of its own.
const LISTS_AT_ONCE: usize = 8;

/// Lists the EndpointSlices of single Services.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Lists {
    client: Client,
    turns: Arc<Semaphore>,
}

impl Lists {
    /// Asks this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, turns: Arc::new(Semaphore::new(LISTS_AT_ONCE)) }
    }
}

/// Lists the EndpointSlices of one Service that has entered the selection, trying until it succeeds.
pub fn list_slices(lists: &Lists, service: ServiceKey, to: &mpsc::Sender<Seen>) {
    let Lists { client, turns } = lists.clone();
    let slices: Api<EndpointSlice> = Api::namespaced(client, service.namespace());
    let to = to.clone();
    tokio::spawn(async move {
        let ours = ListParams::default().labels(&format!("{}={}", endpoint_slice::SERVICE_NAME, service.name()));
        while !to.is_closed() {
            let Ok(turn) = turns.acquire().await else { return };
            match slices.list(&ours).await {
                Ok(list) => {
                    let found = list.items.iter().map(endpoint_slice::reduce).collect();
                    // A closed channel means that the speaker ends.
                    let _ = to.send(Seen::SlicesOf(service, found)).await;
                    return;
                }
                Err(error) => {
                    drop(turn);
                    tracing::warn!(%service, "its EndpointSlices can't be listed, will try again: {error}");
                    tokio::time::sleep(LIST_RETRY).await;
                }
            }
        }
    });
}

const LIST_RETRY: std::time::Duration = std::time::Duration::from_secs(1);

fn forward<T: Send + 'static>(
    changes: impl Stream<Item = Change<T>> + Send + 'static,
    wrap: fn(Change<T>) -> Seen,
    to: &mpsc::Sender<Seen>,
) {
    let to = to.clone();
    tokio::spawn(async move {
        let mut changes = std::pin::pin!(changes);
        while let Some(change) = changes.next().await {
            if to.send(wrap(change)).await.is_err() {
                return; // the speaker ends
            }
        }
    });
}
