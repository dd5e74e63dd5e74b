//! What all objects about this node have in common: a name that follows from what they are about, labels, an owner.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference, Time};
use k8s_openapi::jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::watch::node::NodeSeen;

pub(super) const NODE: &str = "metallb.io/node";
pub(super) const PEER: &str = "metallb.io/peer";
pub(super) const SERVICE_NAME: &str = "metallb.io/service-name";
pub(super) const SERVICE_NAMESPACE: &str = "metallb.io/service-namespace";

/// How long one write may take, all its requests together.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// The longest value of a label.
const LABEL_MAX: usize = 63;

/// The own node, as the API knows it.
#[derive(Debug, Clone)]
pub(super) struct OwnNode {
    pub(super) name: String,
    pub(super) seen: watch::Receiver<Option<NodeSeen>>,
}

impl OwnNode {
    /// The owner of what is written: a deleted Node leaves nothing behind.
    pub(super) fn owner(&self) -> Option<Vec<OwnerReference>> {
        let node = self.seen.borrow();
        let node = node.as_ref().filter(|node| !node.uid.is_empty())?;
        Some(vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: node.name.clone(),
            uid: node.uid.clone(),
            ..OwnerReference::default()
        }])
    }

    /// Selects what is about this node.
    pub(super) fn selector(&self) -> String {
        format!("{NODE}={}", label_value(&self.name))
    }

    /// The label of this node, and others.
    pub(super) fn labels<'a>(
        &self,
        others: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Option<BTreeMap<String, String>> {
        let others = others.into_iter().map(|(key, value)| (key.to_owned(), label_value(value)));
        Some(others.chain([(NODE.to_owned(), label_value(&self.name))]).collect())
    }

    /// The same thing on the same node has always the same object, also after a restart.
    pub(super) fn object_name(&self, prefix: &str, about: &str) -> String {
        format!("{prefix}-{}", hex(&Sha256::digest(format!("{about}/{}", self.name))))
    }
}

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: Time(now),
        observed_generation: None,
    }
}

/// Whether the server says so for this reason.
pub(super) fn is(error: &kube::Error, reason: &str) -> bool {
    matches!(error, kube::Error::Api(status) if status.reason == reason)
}

pub(super) fn ignore_not_found<T>(result: kube::Result<T>) -> kube::Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop),
    }
}

/// A name as the value of a label, which may be shorter than a name.
pub(super) fn label_value(name: &str) -> String {
    if name.len() <= LABEL_MAX {
        return name.to_owned();
    }
    let hash = hex(&Sha256::digest(name));
    let start: String = name.chars().take(LABEL_MAX - hash.len() - 1).collect();
    format!("{start}-{hash}")
}

/// The first eight bytes, in hexadecimal.
fn hex(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_node_names_still_make_labels() {
        assert_eq!(label_value("node-1"), "node-1");
        let long = "n".repeat(253);
        let value = label_value(&long);
        assert_eq!(value.len(), LABEL_MAX);
        assert_ne!(value, label_value(&"n".repeat(252)), "different nodes stay different");
    }
}
