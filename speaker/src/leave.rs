//! When the end is asked for: is it a restart, or does the speaker stop for good?
//!
//! A speaker that restarts asks the others to wait for it; its node goes on forwarding. One that stops for good hands
//! its addresses over first. Nobody tells a process which of the two it is, so it looks at what can be seen:
//!
//! | the end is for good when | known from |
//! | --- | --- |
//! | its node is excluded, being deleted, out of service, or shutting down | the Node, as last seen |
//! | its DaemonSet is gone, being deleted, or no longer selects the node | the API server, asked now |
//!
//! Otherwise, and when the API server does not answer within [`PATIENCE`], it is a restart: taken for one wrongly, an
//! address is without a speaker for as long as the grace time; its node forwards and a neighbour answers meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use herald_membership::Leave;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{NotUsed, Object};
use kube::discovery::ApiResource;
use kube::{Api, Client};
use serde::Deserialize;

use crate::watch::node::NodeSeen;

/// How long the API server may take to answer.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is needed to find out.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Ending {
    /// To ask.
    pub client: Client,
    /// Where the speakers run.
    pub namespace: String,
    /// This speaker's pod, if it is known.
    pub pod: Option<String>,
    /// How long the others shall wait; zero: every end is for good.
    pub grace: Duration,
    /// Nodes labelled to be excluded announce all the same.
    pub ignore_exclude: bool,
}

impl Ending {
    /// What kind of end this is, on this node.
    pub async fn ask(&self, node: Option<&NodeSeen>) -> Leave {
        let excluded = |node: &NodeSeen| node.excluded() && !self.ignore_exclude;
        let for_good = self.grace.is_zero() || node.is_some_and(|node| node.draining || excluded(node)) || {
            let asked = tokio::time::timeout(PATIENCE, self.daemon_set_has_left(node)).await;
            asked.unwrap_or(false)
        };
        let how = if for_good { Leave::Stop } else { Leave::Restart { grace: self.grace } };
        tracing::info!(?how, "the end is asked for");
        how
    }

    /// Whether what runs this speaker does not want it here any more; false if that can't be found out.
    async fn daemon_set_has_left(&self, node: Option<&NodeSeen>) -> bool {
        let Some(pod) = &self.pod else { return false };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let Ok(Some(pod)) = pods.get_metadata_opt(pod).await else { return false };
        let owners = pod.metadata.owner_references.unwrap_or_default();
        let Some(owner) = owners.into_iter().find(|owner| owner.kind == "DaemonSet") else { return false };
        let kind = ApiResource::erase::<DaemonSet>(&());
        let sets: Api<SelectingSet> = Api::namespaced_with(self.client.clone(), &self.namespace, &kind);
        match sets.get_opt(&owner.name).await {
            Ok(None) => true,
            Ok(Some(set)) => set.metadata.uid.as_ref() != Some(&owner.uid) || has_left(&set, node),
            Err(_) => false,
        }
    }
}

/// What is read of a DaemonSet. (The code that reads the rest, and of a pod everything, would be hundreds of kilobytes.)
type SelectingSet = Object<SetSpec, NotUsed>;

#[derive(Clone, Debug, Deserialize)]
struct SetSpec {
    template: Template,
}

#[derive(Clone, Debug, Deserialize)]
struct Template {
    spec: Option<TemplateSpec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateSpec {
    node_selector: Option<BTreeMap<String, String>>,
}

/// Whether a DaemonSet is being deleted or does not select the node by `nodeSelector`. (Of `nodeAffinity` the scheduler's
/// rules would be needed; a speaker that such a change removes is taken for one that restarts.)
fn has_left(set: &SelectingSet, node: Option<&NodeSeen>) -> bool {
    let selector = set.spec.template.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    let selects = |labels: &BTreeMap<String, String>| {
        selector.is_none_or(|selector| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
    };
    set.metadata.deletion_timestamp.is_some() || node.is_some_and(|node| !selects(&node.labels))
}
