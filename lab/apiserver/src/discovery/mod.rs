//! Discovery: which groups, versions and resources there are.
//!
//! Two forms of the same: documents per group and version, and the aggregated one that kubectl asks for first
//! (`Accept: …;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`), which has everything at once and an ETag.

mod aggregated;
mod health;
mod legacy;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use ::http::HeaderMap;
use ::http::header::{ACCEPT, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

use crate::api::Api;
use crate::crd::priority;
use crate::http::{Answer, Call};
use crate::registry::{Resource, Version};

/// Answers paths that ask what there is; `None` for others.
pub(crate) fn answer(api: &Api, call: &Call) -> Option<Answer> {
    let path = call.info.path.trim_end_matches('/');
    if let Some(answer) = health::answer(path, &call.query) {
        return Some(answer);
    }
    let aggregated = aggregated::version(call.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()));
    let groups = Groups::of(api);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (parts.as_slice(), aggregated) {
        ([], _) => Some(Answer::json(200, &legacy::paths(&groups))),
        (["api"], Some(version)) => Some(aggregated::answer(version, &groups.core(), &call.headers)),
        (["apis"], Some(version)) => Some(aggregated::answer(version, &groups.named(), &call.headers)),
        (["api"], None) => Some(Answer::json(200, &legacy::core_versions())),
        (["apis"], None) => Some(Answer::json(200, &legacy::groups(&groups))),
        (["api", version], _) => Some(found(legacy::resources(&groups, "", version))),
        (["apis", group], _) => Some(found(legacy::group(&groups, group))),
        (["apis", group, version], _) => Some(found(legacy::resources(&groups, group, version))),
        _ => None,
    }
}

fn found(document: Option<serde_json::Value>) -> Answer {
    document.map_or_else(Answer::page_not_found, |document| Answer::json(200, &document))
}

/// All that is served, by group.
#[derive(Debug)]
struct Groups(Vec<Group>);

#[derive(Debug, Clone)]
struct Group {
    /// Empty for core.
    name: String,
    resources: Vec<Arc<Resource>>,
}

/// The groups of a real server in its order; definitions' groups come after them, by name.
const ORDER: [&str; 10] = [
    "",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "rbac.authorization.k8s.io",
    "apiextensions.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "apiregistration.k8s.io",
];

impl Groups {
    fn of(api: &Api) -> Self {
        let mut by_name: BTreeMap<String, Vec<Arc<Resource>>> = BTreeMap::new();
        for resource in api.registry.all() {
            by_name.entry(resource.group.clone()).or_default().push(resource);
        }
        let mut groups: Vec<Group> = by_name.into_iter().map(|(name, resources)| Group { name, resources }).collect();
        let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
        groups.sort_by_key(|group| rank(&group.name));
        Self(groups)
    }

    fn get(&self, name: &str) -> Option<&Group> {
        self.0.iter().find(|group| group.name == name)
    }

    fn core(&self) -> Vec<Group> {
        self.get("").into_iter().cloned().collect()
    }

    fn named(&self) -> Vec<Group> {
        self.0.iter().filter(|group| !group.name.is_empty()).cloned().collect()
    }
}

impl Group {
    /// The versions that any resource of the group is served in, the preferred one first.
    fn versions(&self) -> Vec<String> {
        let mut versions: Vec<String> =
            self.resources.iter().flat_map(|resource| &resource.versions).map(|version| version.name.clone()).collect();
        versions.sort_by_cached_key(|version| Reverse(priority(version)));
        versions.dedup();
        versions
    }

    /// The resources of one version.
    fn resources_in<'a>(&'a self, version: &'a str) -> impl Iterator<Item = (&'a Resource, &'a Version)> {
        self.resources.iter().filter_map(move |resource| Some((&**resource, resource.version(version)?)))
    }

    /// `v1`, or `apps/v1`.
    fn group_version(&self, version: &str) -> String {
        if self.name.is_empty() { version.to_owned() } else { format!("{}/{version}", self.name) }
    }
}

/// The group and version of a subresource's kind, where they are not the resource's own.
fn foreign_kind(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "TokenRequest" => Some(("authentication.k8s.io", "v1")),
        "Scale" => Some(("autoscaling", "v1")),
        "Eviction" => Some(("policy", "v1")),
        _ => None,
    }
}

/// A quoted ETag of a document.
pub(crate) fn etag(document: &str) -> String {
    format!("\"{}\"", hash(document))
}

/// A hash of a document, in upper-case hexadecimal.
pub(crate) fn hash(document: &str) -> String {
    Sha256::digest(document.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Whether the client has this very document already.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|known| known.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests;
