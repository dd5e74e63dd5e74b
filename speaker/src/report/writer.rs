//! Writing objects of a kind that this node alone writes about itself: one request for an object that is there, two for a
//! new one.

use std::fmt::Debug;
use std::marker::PhantomData;

use herald_runtime::clock::wall_clock;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, ObjectMeta};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ledger::Write;
use super::object::{LIMIT, OwnNode, ignore_not_found, is};

/// Objects in one page of a list.
const PAGE: u32 = 500;

/// A kind of objects about this node.
pub(super) trait Kind {
    /// The objects.
    type Object: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync;
    /// What an object is about.
    type Key: Debug + Send + Sync;
    /// What it says.
    type Said: Debug + Send + Sync;

    /// Name of the one object about `key`.
    fn name(node: &OwnNode, key: &Self::Key) -> String;
    /// An object without a status.
    fn new(node: &OwnNode, key: &Self::Key) -> Self::Object;
    /// The merge patch that makes any such object say this.
    fn patch(node: &str, key: &Self::Key, said: &Self::Said, now: Timestamp) -> Value;
    /// What an object is about, and what it says, if it says anything.
    fn read(object: Self::Object) -> Option<(Self::Key, Option<Self::Said>)>;
}

/// What is found at the start: what objects are about, and what they say.
pub(super) type Found<K> = Vec<(<K as Kind>::Key, Option<<K as Kind>::Said>)>;

/// Writes objects of one kind.
#[derive(Debug)]
pub(super) struct Writer<K: Kind> {
    /// Of no particular kind: for each of its own, the machinery of requests would be a hundred kilobytes of code more.
    objects: Api<DynamicObject>,
    node: OwnNode,
    kind: PhantomData<K>,
}

impl<K: Kind> Writer<K> {
    pub(super) fn new(client: Client, namespace: &str, node: OwnNode) -> Self {
        let kind = ApiResource::erase::<K::Object>(&());
        Self { objects: Api::namespaced_with(client, namespace, &kind), node, kind: PhantomData }
    }

    /// What the API holds of this node's; `None` if it can't be asked now.
    pub(super) async fn list(&self) -> Option<Found<K>> {
        self.limited("can't be listed", self.pages()).await
    }

    /// How many objects of the kind there are, of all nodes; `None` if it can't be asked now.
    pub(super) async fn count(&self) -> Option<usize> {
        let list = self
            .limited("can't be counted", async { self.objects.list_metadata(&ListParams::default().limit(1)).await });
        let list = list.await?;
        let more = list.metadata.remaining_item_count.unwrap_or_default();
        Some(list.items.len().saturating_add(usize::try_from(more).unwrap_or(usize::MAX)))
    }

    /// Writes; false if it has to be tried again. `exists`: as far as is known, there is an object.
    pub(super) async fn write(&self, write: &Write<K::Key, K::Said>, exists: bool) -> bool {
        let done = async {
            match write {
                Write::Set(key, said) => self.set(key, said, exists).await,
                Write::Remove(key) => {
                    let name = K::name(&self.node, key);
                    ignore_not_found(self.objects.delete(&name, &DeleteParams::default()).await)
                }
            }
        };
        self.limited("not written", done).await.is_some()
    }

    /// Removes all that are about this node.
    pub(super) async fn clear(&self) {
        let ours = ListParams::default().labels(&self.node.selector());
        let cleared = async { self.objects.delete_collection(&DeleteParams::default(), &ours).await.map(drop) };
        let _ = self.limited("not removed", cleared).await;
    }

    async fn pages(&self) -> kube::Result<Found<K>> {
        let mut found = Vec::new();
        let mut page = ListParams::default().labels(&self.node.selector()).limit(PAGE);
        loop {
            let list = self.objects.list(&page).await?;
            for object in list.items {
                let name = object.name_any();
                // Others may have written such objects before us (MetalLB has); theirs end with their owners.
                let Ok(object) = serde_json::to_value(object).and_then(serde_json::from_value) else { continue };
                found.extend(K::read(object).filter(|(key, _)| K::name(&self.node, key) == name));
            }
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    async fn set(&self, key: &K::Key, said: &K::Said, exists: bool) -> kube::Result<()> {
        let name = K::name(&self.node, key);
        let patch = Patch::Merge(K::patch(&self.node.name, key, said, wall_clock()));
        if exists {
            match self.objects.patch_status(&name, &PatchParams::default(), &patch).await {
                Err(error) if is(&error, "NotFound") => {}
                done => return done.map(drop),
            }
        }
        let mut object = K::new(&self.node, key);
        let ObjectMeta { name: named, owner_references, .. } = object.meta_mut();
        *named = Some(name.clone());
        *owner_references = self.node.owner();
        let object = serde_json::to_value(&object).and_then(serde_json::from_value);
        let object = object.map_err(kube::Error::SerdeError)?;
        match self.objects.create(&PostParams::default(), &object).await {
            Ok(_) => {}
            Err(error) if is(&error, "AlreadyExists") => {}
            Err(error) => return Err(error),
        }
        self.objects.patch_status(&name, &PatchParams::default(), &patch).await.map(drop)
    }

    async fn limited<T>(&self, what: &str, request: impl Future<Output = kube::Result<T>>) -> Option<T> {
        let kind = K::Object::kind(&());
        match tokio::time::timeout(LIMIT, request).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                tracing::debug!("{kind} objects: {what}, will try again: {error}");
                None
            }
            Err(_) => None,
        }
    }
}
