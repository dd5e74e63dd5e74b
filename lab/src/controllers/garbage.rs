//! Deletes objects whose owners are all gone.
//!
//! ```text
//!  metadata watch of every kind ─► what is where, owned by whom
//!                                        │ no owner seen
//!                                        ▼
//!                     ask the server for each owner ─► all gone: delete
//! ```
//!
//! The question to the server is what makes it safe: a watch may show a new
//! object before its owner. Deletions with `propagationPolicy: Foreground` or
//! `Orphan` are not played.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PartialObjectMeta, Preconditions};
use kube::core::TypeMeta;
use kube::discovery::{Discovery, Scope, pinned_kind, verbs};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch_objects};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cluster::mirror::Mirror;

/// Kinds whose objects own nothing and are owned by nothing, but change often.
const IGNORED: &[&str] = &["events", "leases"];

/// How long to let a burst of changes settle.
const SETTLE: Duration = Duration::from_millis(20);

/// An object, as far as ownership goes.
#[derive(Clone, Debug)]
struct Thing {
    resource: ApiResource,
    namespace: Option<String>,
    name: String,
    owners: Vec<OwnerReference>,
}

/// A change seen by one of the watches.
struct Change {
    resource: ApiResource,
    event: Event<PartialObjectMeta<DynamicObject>>,
}

/// Collects garbage until it is dropped.
pub async fn run(client: Client) {
    let mut definitions = Mirror::<CustomResourceDefinition>::start(Api::all(client.clone()));
    definitions.ready().await;
    let (changes, mut inbox) = mpsc::channel(1024);
    let mut watches = JoinSet::new();
    let mut watched = BTreeSet::new();
    let mut things: BTreeMap<String, Thing> = BTreeMap::new();
    let mut new_kinds = true;
    loop {
        if new_kinds {
            match watch_new_kinds(&client, &mut watched, &mut watches, &changes).await {
                Ok(()) => new_kinds = false,
                Err(error) => tracing::warn!("kinds not discovered: {error:#}"),
            }
        }
        tokio::select! {
            () = definitions.changed() => {
                new_kinds = true;
                continue;
            }
            change = inbox.recv() => {
                let Some(change) = change else { return };
                note(&mut things, change);
            }
        }
        tokio::time::sleep(SETTLE).await;
        while let Ok(change) = inbox.try_recv() {
            note(&mut things, change);
        }
        let suspects: Vec<_> = things
            .iter()
            .filter(|(_, thing)| !thing.owners.is_empty())
            .filter(|(_, thing)| !thing.owners.iter().any(|owner| things.contains_key(&owner.uid)))
            .map(|(uid, thing)| (uid.clone(), thing.clone()))
            .collect();
        for (uid, thing) in suspects {
            if let Err(error) = collect(&client, &uid, &thing).await {
                tracing::warn!(kind = thing.resource.kind, name = thing.name, "garbage stays: {error:#}");
            }
        }
    }
}

/// Watches the metadata of every kind that is not watched yet.
async fn watch_new_kinds(
    client: &Client,
    watched: &mut BTreeSet<(String, String)>,
    watches: &mut JoinSet<()>,
    changes: &mpsc::Sender<Change>,
) -> Result<()> {
    let discovery = Discovery::new(client.clone()).run().await.context("discover kinds")?;
    for (resource, capabilities) in discovery.groups().flat_map(|group| group.recommended_resources()) {
        let fit = capabilities.supports_operation(verbs::WATCH)
            && capabilities.supports_operation(verbs::DELETE)
            && !IGNORED.contains(&resource.plural.as_str());
        if !fit || !watched.insert((resource.group.clone(), resource.plural.clone())) {
            continue;
        }
        let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), &resource);
        let changes = changes.clone();
        watches.spawn(async move {
            let events = watch_objects(api, watcher::Config::default()).default_backoff();
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                let Ok(event) = event else { continue };
                let change = Change { resource: resource.clone(), event };
                if changes.send(change).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

fn note(things: &mut BTreeMap<String, Thing>, change: Change) {
    let Change { resource, event } = change;
    match event {
        // A relist may have missed deletions: forget the kind, it comes again.
        Event::Init => things
            .retain(|_, thing| (&thing.resource.group, &thing.resource.plural) != (&resource.group, &resource.plural)),
        Event::InitDone => {}
        Event::InitApply(object) | Event::Apply(object) => {
            let Some(uid) = object.uid() else { return };
            let thing = Thing {
                resource,
                namespace: object.namespace(),
                name: object.name_any(),
                owners: object.owner_references().to_vec(),
            };
            things.insert(uid, thing);
        }
        Event::Delete(object) => {
            if let Some(uid) = object.uid() {
                things.remove(&uid);
            }
        }
    }
}

/// Deletes a thing if the server says that none of its owners exists.
async fn collect(client: &Client, uid: &str, thing: &Thing) -> Result<()> {
    for owner in &thing.owners {
        if exists(client, thing.namespace.as_deref(), owner).await? {
            return Ok(());
        }
    }
    let api: Api<DynamicObject> = match &thing.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &thing.resource),
        None => Api::all_with(client.clone(), &thing.resource),
    };
    let this_one = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    let params = DeleteParams { preconditions: Some(this_one), ..DeleteParams::default() };
    match api.delete(&thing.name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(error).context("delete"),
    }
}

/// Whether an owner exists, with that very uid.
async fn exists(client: &Client, namespace: Option<&str>, owner: &OwnerReference) -> Result<bool> {
    let types = TypeMeta { api_version: owner.api_version.clone(), kind: owner.kind.clone() };
    let gvk = (&types).try_into().context("read an owner reference")?;
    // A kind that is not served (any more) is no proof that its object is gone.
    let Ok((resource, capabilities)) = pinned_kind(client, &gvk).await else { return Ok(true) };
    let api: Api<DynamicObject> = match (capabilities.scope, namespace) {
        (Scope::Namespaced, Some(namespace)) => Api::namespaced_with(client.clone(), namespace, &resource),
        (Scope::Namespaced, None) => return Ok(true),
        (Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
    };
    let found = api.get_metadata_opt(&owner.name).await.context("look for an owner")?;
    Ok(found.is_some_and(|found| found.uid().as_deref() == Some(owner.uid.as_str())))
}
