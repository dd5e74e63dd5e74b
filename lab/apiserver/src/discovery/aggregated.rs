//! `APIGroupDiscoveryList`: everything in one document.

use ::http::HeaderMap;
use serde_json::{Value, json};

use super::{Group, etag, foreign_kind, is_known};
use crate::http::Answer;
use crate::registry::{Resource, Version};

/// Which version of the aggregated form the first alternative that can be given asks for; `None` if that is plain JSON.
pub(super) fn version<'a>(accept: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    for alternative in accept.flat_map(|value| value.split(',')) {
        let mut parts = alternative.split(';').map(str::trim);
        if !matches!(parts.next(), Some("application/json" | "*/*" | "application/*")) {
            continue;
        }
        let parameters: Vec<&str> = parts.filter(|part| !part.starts_with("q=")).collect();
        if parameters.is_empty() {
            return None;
        }
        let has = |parameter: &str| parameters.contains(&parameter);
        if has("g=apidiscovery.k8s.io") && has("as=APIGroupDiscoveryList") {
            if has("v=v2") {
                return Some("v2");
            }
            if has("v=v2beta1") {
                return Some("v2beta1");
            }
        }
    }
    None
}

pub(super) fn answer(version: &str, groups: &[Group], headers: &HeaderMap) -> Answer {
    let items: Vec<Value> = groups.iter().map(group).collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {},
        "items": items,
    });
    let tag = etag(&document.to_string());
    if is_known(headers, &tag) {
        return Answer::not_modified().header("etag", &tag);
    }
    let content_type = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    Answer::json(200, &document).header("content-type", &content_type).header("etag", &tag)
}

fn group(group: &Group) -> Value {
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    let versions: Vec<Value> = group
        .versions()
        .iter()
        .map(|version| {
            let resources: Vec<Value> =
                group.resources_in(version).map(|(resource, served)| self::resource(resource, served)).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    json!({"metadata": metadata, "versions": versions})
}

fn resource(resource: &Resource, version: &Version) -> Value {
    let mut out = json!({
        "resource": resource.plural,
        "responseKind": kind(resource, version, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        out["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        out["categories"] = json!(resource.categories);
    }
    if !version.subresources.is_empty() {
        let subresources: Vec<Value> = version
            .subresources
            .iter()
            .map(|subresource| {
                let name = if subresource.kind.is_empty() { &resource.kind } else { &subresource.kind };
                json!({
                    "subresource": subresource.name, "responseKind": kind(resource, version, name),
                    "verbs": subresource.verbs,
                })
            })
            .collect();
        out["subresources"] = subresources.into();
    }
    out
}

/// Built-in kinds leave group and version empty: they are those of the document.
fn kind(resource: &Resource, version: &Version, kind: &str) -> Value {
    if let Some((group, version)) = foreign_kind(kind) {
        return json!({"group": group, "version": version, "kind": kind});
    }
    match version.schema {
        Some(_) => json!({"group": resource.group, "version": version.name, "kind": kind}),
        None => json!({"group": "", "version": "", "kind": kind}),
    }
}
