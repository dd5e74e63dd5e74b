//! The watches, merged into two streams: Services, and what says what they may have.

use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use herald_compiler::object;
use herald_crds::{IPAddressPool, L2Advertisement, border};
use herald_runtime::watch::{Change, changes, readable_changes};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PartialObjectMeta;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};

use super::{LeanService, SeenService};
use crate::compile::{SeenAdvertisement, SeenPool};

/// A change of something that is watched.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Of Services of type LoadBalancer.
    Service(Change<SeenService>),
    /// Of pools in Herald's namespace.
    Pool(Change<SeenPool>),
    /// Of layer-2 advertisements in Herald's namespace.
    L2Advertisement(Change<SeenAdvertisement>),
    /// Of namespaces.
    Namespace(Change<object::Namespace>),
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
    let pools = Api::<DeserializeGuard<IPAddressPool>>::namespaced(client.clone(), namespace);
    let pools = readable_changes(pools, everything(), |pool| SeenPool::of(&pool));
    let advertisements = Api::<DeserializeGuard<L2Advertisement>>::namespaced(client.clone(), namespace);
    let advertisements = readable_changes(advertisements, everything(), |one| SeenAdvertisement::of(&one));
    let namespaces = Api::<PartialObjectMeta<Namespace>>::all(client.clone());
    let namespaces = changes(namespaces, everything(), |namespace: PartialObjectMeta<Namespace>| {
        border::namespace(namespace.meta())
    });
    stream::select_all([
        pools.map(Observed::Pool).boxed(),
        advertisements.map(Observed::L2Advertisement).boxed(),
        namespaces.map(Observed::Namespace).boxed(),
    ])
    .boxed()
}
