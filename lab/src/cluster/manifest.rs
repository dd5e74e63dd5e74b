//! Applies manifests, as `kubectl apply --server-side` does.

use anyhow::{Context as _, Result};
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{GroupVersionKind, TypeMeta};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};
use serde::Deserialize as _;

/// The field manager of what the lab applies.
pub const FIELD_MANAGER: &str = "herald-lab";

/// Reads the objects of a YAML text with any number of documents.
///
/// # Errors
/// When the text is not YAML, or a document is no object.
pub fn read(yaml: &str) -> Result<Vec<DynamicObject>> {
    let mut objects = Vec::new();
    for document in serde_yaml::Deserializer::from_str(yaml) {
        let value = serde_json::Value::deserialize(document).context("read a manifest")?;
        if value.is_null() {
            continue;
        }
        objects.push(serde_json::from_value(value).context("a manifest is not an object")?);
    }
    Ok(objects)
}

/// Applies every object of a YAML text, in order, and returns them as the
/// server stored them.
///
/// # Errors
/// The server's own message, with the object it is about.
pub async fn apply(client: &Client, yaml: &str) -> Result<Vec<DynamicObject>> {
    let mut applied = Vec::new();
    for object in read(yaml)? {
        applied.push(apply_object(client, &object).await?);
    }
    Ok(applied)
}

/// Applies one object.
///
/// # Errors
/// The server's own message, with the object it is about.
pub async fn apply_object(client: &Client, object: &DynamicObject) -> Result<DynamicObject> {
    let name = object.metadata.name.as_deref().context("an object needs a name")?;
    let types = object.types.as_ref().context("an object needs apiVersion and kind")?;
    let api = api_for(client, types, object.metadata.namespace.as_deref()).await?;
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(name, &params, &Patch::Apply(object)).await.with_context(|| format!("apply {} {name}", types.kind))
}

/// The API for a kind, in the object's namespace or `default`.
///
/// # Errors
/// When the server has no such kind.
pub async fn api_for(client: &Client, types: &TypeMeta, namespace: Option<&str>) -> Result<Api<DynamicObject>> {
    let gvk = GroupVersionKind::try_from(types).context("read apiVersion and kind")?;
    let (resource, capabilities) =
        pinned_kind(client, &gvk).await.with_context(|| format!("look up {} {}", types.api_version, types.kind))?;
    Ok(match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace.unwrap_or("default"), &resource),
    })
}
