//! Discovery document by document.

use serde_json::{Value, json};

use super::{Group, Groups, foreign_kind};
use crate::registry::{Resource, Version};

/// `/`
pub(super) fn paths(groups: &Groups) -> Value {
    let mut paths: Vec<String> = ["/api", "/api/v1", "/apis", "/apis/"].map(str::to_owned).to_vec();
    for group in groups.0.iter().filter(|group| !group.name.is_empty()) {
        paths.push(format!("/apis/{}", group.name));
        paths.extend(group.versions().iter().map(|version| format!("/apis/{}/{version}", group.name)));
    }
    let rest = ["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/readyz", "/version"];
    paths.extend(rest.map(str::to_owned));
    paths.sort_unstable();
    json!({"paths": paths})
}

/// `/api`
pub(super) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
    })
}

/// `/apis`
pub(super) fn groups(groups: &Groups) -> Value {
    let groups: Vec<Value> = groups.named().iter().map(describe).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`
pub(super) fn group(groups: &Groups, name: &str) -> Option<Value> {
    let mut document = describe(groups.get(name).filter(|group| !group.name.is_empty())?);
    document["kind"] = "APIGroup".into();
    document["apiVersion"] = "v1".into();
    Some(document)
}

fn describe(group: &Group) -> Value {
    let entry = |version: &String| json!({"groupVersion": group.group_version(version), "version": version});
    let versions: Vec<Value> = group.versions().iter().map(entry).collect();
    let preferred = versions.first().cloned().unwrap_or_default();
    json!({"name": group.name, "versions": versions, "preferredVersion": preferred})
}

/// `/api/v1`, `/apis/GROUP/VERSION`
pub(super) fn resources(groups: &Groups, group: &str, version: &str) -> Option<Value> {
    let group = groups.get(group)?;
    let mut resources: Vec<Value> = Vec::new();
    for (resource, served) in group.resources_in(version) {
        resources.push(entry(resource));
        resources.extend(subresources(resource, served));
    }
    if resources.is_empty() {
        return None;
    }
    let mut document =
        json!({"kind": "APIResourceList", "groupVersion": group.group_version(version), "resources": resources});
    // The core group's document is older than the convention that it says its own version.
    if !group.name.is_empty() {
        document["apiVersion"] = "v1".into();
    }
    Some(document)
}

fn entry(resource: &Resource) -> Value {
    let mut out = json!({
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        out["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        out["categories"] = json!(resource.categories);
    }
    out
}

fn subresources<'a>(resource: &'a Resource, version: &'a Version) -> impl Iterator<Item = Value> + 'a {
    version.subresources.iter().map(|subresource| {
        let kind = if subresource.kind.is_empty() { &resource.kind } else { &subresource.kind };
        let mut out = json!({
            "name": format!("{}/{}", resource.plural, subresource.name), "singularName": "",
            "namespaced": resource.namespaced, "kind": kind, "verbs": subresource.verbs,
        });
        if let Some((group, version)) = foreign_kind(kind) {
            out["group"] = group.into();
            out["version"] = version.into();
        }
        out
    })
}
