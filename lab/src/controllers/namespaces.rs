//! Empties namespaces that are being deleted, and then lets them go.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Api, Client};

use crate::cluster::mirror::Mirror;

/// How often an unfinished deletion is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Finishes deletions until it is dropped.
pub async fn run(client: Client) {
    let mut namespaces = Mirror::<Namespace>::start(Api::all(client.clone()));
    namespaces.ready().await;
    loop {
        let mut unfinished = false;
        for namespace in namespaces.all() {
            if namespace.metadata.deletion_timestamp.is_none() {
                continue;
            }
            unfinished = true;
            if let Err(error) = finish(&client, &namespace).await {
                let name = namespace.metadata.name.as_deref().unwrap_or_default();
                tracing::warn!(namespace = name, "namespace not deleted: {error:#}");
            }
        }
        tokio::select! {
            () = namespaces.changed() => {}
            () = tokio::time::sleep(TICK), if unfinished => {}
        }
    }
}

async fn finish(client: &Client, namespace: &Namespace) -> Result<()> {
    let name = namespace.metadata.name.as_deref().context("a namespace without a name")?;
    if !empty(client, name).await? {
        return Ok(());
    }
    let mut done = namespace.clone();
    done.spec.get_or_insert_default().finalizers = None;
    let api: Api<Namespace> = Api::all(client.clone());
    match api.replace_subresource("finalize", name, &PostParams::default(), &done).await {
        Ok(_) => Ok(()),
        // Gone already, or changed meanwhile: the next look decides.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(error).context("finalize"),
    }
}

/// Deletes what is in the namespace; true when nothing was left.
async fn empty(client: &Client, name: &str) -> Result<bool> {
    let discovery = Discovery::new(client.clone()).run().await.context("discover kinds")?;
    let mut empty = true;
    for (resource, capabilities) in discovery.groups().flat_map(|group| group.recommended_resources()) {
        let contents = capabilities.scope == Scope::Namespaced
            && capabilities.supports_operation(verbs::LIST)
            && capabilities.supports_operation(verbs::DELETE_COLLECTION);
        if !contents {
            continue;
        }
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), name, &resource);
        let one = ListParams::default().limit(1);
        let left = api.list_metadata(&one).await.with_context(|| format!("list {}", resource.plural))?;
        if left.items.is_empty() {
            continue;
        }
        empty = false;
        api.delete_collection(&DeleteParams::default(), &ListParams::default())
            .await
            .with_context(|| format!("delete {}", resource.plural))?;
    }
    Ok(empty)
}
