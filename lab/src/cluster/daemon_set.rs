//! The speakers' Pods, as their DaemonSet would have made them.
//!
//! The speakers are processes of the lab, whatever the API says of them, and most tests need no Pods. Those that
//! are about the end of a speaker do: it asks for its Pod, and the Pod's DaemonSet, to find out what kind of end that
//! is. The lab's kubelet leaves Pods in the host's network alone.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::kubelet::FINALIZER;
use super::{Cluster, SYSTEM_NAMESPACE, programs};
use crate::clock;

/// The DaemonSet's name.
pub const SPEAKERS: &str = "herald-speaker";

impl Cluster {
    /// Creates the Pod of a node's speaker. It stays until [`Cluster::end_speaker_pod`], also when it is deleted.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn add_speaker_pod(&self, node: &str) -> Result<()> {
        let sets: Api<DaemonSet> = Api::namespaced(self.client(), SYSTEM_NAMESPACE);
        let uid = sets.get(SPEAKERS).await?.metadata.uid;
        let pod: Pod = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.speaker_pod_name(node)?,
                "finalizers": [FINALIZER],
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "DaemonSet", "name": SPEAKERS, "uid": uid,
                    "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "nodeName": node,
                "hostNetwork": true,
                "containers": [{ "name": "speaker", "image": "herald-speaker" }],
            },
        }))?;
        self.speaker_pods().create(&PostParams::default(), &pod).await.context("create a speaker's Pod")?;
        Ok(())
    }

    /// Does what a kubelet does with a Pod that is deleted: waits until it is, asks the node's speaker to end, and
    /// lets the Pod go when it has.
    ///
    /// # Errors
    /// When nobody deletes the Pod, or the speaker does not end, within `patience` each.
    pub async fn end_speaker_pod(&self, node: &str, patience: Duration) -> Result<()> {
        let (pods, name) = (self.speaker_pods(), self.speaker_pod_name(node)?);
        let deadline = clock::now() + patience;
        while pods.get(&name).await?.metadata.deletion_timestamp.is_none() {
            if clock::now() >= deadline {
                bail!("nobody deletes Pod {name}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.speaker(node)?.terminate(patience)?;
        let none = json!({ "metadata": { "finalizers": null } });
        pods.patch(&name, &PatchParams::default(), &Patch::Merge(&none)).await?;
        match pods.delete(&name, &DeleteParams::default().grace_period(0)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error).context("let a speaker's Pod go"),
        }
    }

    /// The Pods in Herald's namespace.
    #[must_use]
    pub fn speaker_pods(&self) -> Api<Pod> {
        Api::namespaced(self.client(), SYSTEM_NAMESPACE)
    }

    /// The name of the Pod of a node's speaker.
    ///
    /// # Errors
    /// When the lab has no such node.
    pub fn speaker_pod_name(&self, node: &str) -> Result<String> {
        Ok(programs::pod_name("herald-speaker", self.topology().node(node)?, 0))
    }
}
