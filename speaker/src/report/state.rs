//! ConfigurationState `speaker-<node>`: what this speaker makes of the configuration, and of its surroundings.
//!
//! | condition | False when |
//! | --- | --- |
//! | `configReconcilerValid` | an object is left out (MetalLB's type and reasons) |
//! | `MembershipHealthy` | no other speaker answers although other nodes are ready |
//!
//! Written when it is not what the object says, at most once a second; an API server that is away is tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use herald_crds::{ConfigurationState, ConfigurationStateFields};
use herald_runtime::clock::wall_clock;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::watch as latest;

use crate::watch::node::NodeSeen;

/// Between two writes.
const PACE: Duration = Duration::from_secs(1);
/// Until a failed write is tried again, and how long one may take.
const RETRY: Duration = Duration::from_secs(5);
/// How many objects are named.
const LINES: usize = 20;
/// Characters said of each.
const LINE_MAX: usize = 400;

/// What there is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standpoint {
    /// A line for each object that is left out.
    pub refused: Vec<String>,
    /// Why this speaker meets no other, if it should.
    pub alone: Option<String>,
}

impl Standpoint {
    /// One line for each object, of bounded length and number.
    #[must_use]
    pub fn new(refused: impl IntoIterator<Item = String>, alone: Option<String>) -> Self {
        let mut all = refused.into_iter();
        let mut refused: Vec<_> = all.by_ref().take(LINES).map(|line| line.chars().take(LINE_MAX).collect()).collect();
        match all.count() {
            0 => {}
            more => refused.push(format!("and {more} objects more")),
        }
        Self { refused, alone }
    }

    fn conditions(&self, before: &[Condition], now: Timestamp) -> Vec<Condition> {
        let (valid, message) = match self.refused.is_empty() {
            true => (true, "every object is used".to_owned()),
            false => (false, format!("configuration error: {}", self.refused.join("\n"))),
        };
        let reason = if valid { "Reconciled" } else { "ConfigurationError" };
        let (healthy, met) = match &self.alone {
            None => (("True", "PeersAnswer"), "every speaker that answers is met, or there is no other".to_owned()),
            Some(why) => (("False", "NoPeerAnswers"), why.clone()),
        };
        let valid = ("configReconcilerValid", if valid { "True" } else { "False" }, reason, message);
        let all = [valid, ("MembershipHealthy", healthy.0, healthy.1, met)];
        let condition = |(kind, status, reason, message): (&str, &str, &str, String)| {
            let same = before.iter().find(|one| one.type_ == kind && one.status == status);
            Condition {
                type_: kind.to_owned(),
                status: status.to_owned(),
                reason: reason.to_owned(),
                message,
                last_transition_time: same.map_or(Time(now), |one| one.last_transition_time.clone()),
                observed_generation: None,
            }
        };
        all.map(condition).into()
    }

    fn patch(&self, conditions: &[Condition]) -> Value {
        let result = if self.refused.is_empty() { "Valid" } else { "Invalid" };
        let summary = (!self.refused.is_empty()).then(|| self.refused.join("\n"));
        json!({ "status": { "result": result, "errorSummary": summary, "conditions": conditions } })
    }
}

/// Writes it until the speaker ends.
pub async fn run(
    client: Client,
    namespace: String,
    node: String,
    my_node: latest::Receiver<Option<NodeSeen>>,
    mut standpoint: latest::Receiver<Option<Standpoint>>,
) {
    let writer = Writer { states: Api::namespaced(client, &namespace), name: format!("speaker-{node}"), node, my_node };
    while standpoint.changed().await.is_ok() {
        loop {
            let Some(wanted) = standpoint.borrow_and_update().clone() else { break };
            let written = tokio::time::timeout(RETRY, writer.write(&wanted)).await;
            match written {
                Ok(Ok(())) => break,
                Ok(Err(error)) => tracing::debug!("ConfigurationState not written, will try again: {error}"),
                Err(_) => {}
            }
            tokio::time::sleep(RETRY).await;
            if standpoint.has_changed().is_err() {
                return;
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

struct Writer {
    states: Api<ConfigurationState>,
    name: String,
    node: String,
    my_node: latest::Receiver<Option<NodeSeen>>,
}

impl Writer {
    async fn write(&self, wanted: &Standpoint) -> kube::Result<()> {
        let found = match self.states.get_opt(&self.name).await? {
            Some(found) => found,
            None => self.states.create(&PostParams::default(), &self.new_object()).await?,
        };
        let status = found.status.unwrap_or_default();
        let conditions = wanted.conditions(&status.conditions, wall_clock());
        if conditions == status.conditions && status.result.is_some() {
            return Ok(());
        }
        let patch = Patch::Merge(wanted.patch(&conditions));
        self.states.patch_status(&self.name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// The Node becomes the owner, so that a deleted Node leaves nothing behind.
    fn new_object(&self) -> ConfigurationState {
        let mut state = ConfigurationState::new(&self.name, ConfigurationStateFields {});
        state.metadata.labels = Some(BTreeMap::from([
            ("metallb.io/component-type".to_owned(), "speaker".to_owned()),
            ("metallb.io/node-name".to_owned(), super::status::label_value(&self.node)),
        ]));
        let node = self.my_node.borrow();
        state.metadata.owner_references = node.as_ref().filter(|node| !node.uid.is_empty()).map(|node| {
            vec![OwnerReference {
                api_version: "v1".to_owned(),
                kind: "Node".to_owned(),
                name: node.name.clone(),
                uid: node.uid.clone(),
                ..OwnerReference::default()
            }]
        });
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_change_with_the_status_only_and_texts_are_bounded() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let good = Standpoint::default().conditions(&[], at(10));
        assert!(good.iter().all(|one| one.status == "True"));
        let refused = (0..100).map(|number| format!("L2Advertisement {number}: {}", "x".repeat(5000)));
        let bad = Standpoint::new(refused, None);
        let conditions = bad.conditions(&good, at(20));
        assert!(conditions[0].message.len() < 32_768, "Kubernetes refuses longer ones");
        assert_eq!((conditions[0].last_transition_time.0, conditions[1].last_transition_time.0), (at(20), at(10)));
        assert_eq!(bad.patch(&conditions)["status"]["result"], "Invalid");
        let lonely = Standpoint::new([], Some("nobody".into())).conditions(&good, at(30));
        assert_eq!((lonely[1].status.as_str(), lonely[1].message.as_str()), ("False", "nobody"));
    }
}
