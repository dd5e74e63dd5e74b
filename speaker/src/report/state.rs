//! ConfigurationState `speaker-<node>`: what this speaker makes of the configuration, and of its surroundings.
//!
//! | condition | False when |
//! | --- | --- |
//! | `configReconcilerValid` | an object is left out (MetalLB's type and reasons) |
//! | `MembershipHealthy` | no other speaker answers although other nodes are ready |
//! | `ServiceBGPStatusComplete` | Services have none because there are too many (`--service-bgp-status=auto`) |
//!
//! Written when it is not what the object says, at most once a second; an API server that is away is tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use herald_crds::{ConfigurationState, ConfigurationStateFields};
use herald_runtime::clock::wall_clock;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::watch as latest;

use super::BGP_STATUS_LIMIT;
use super::object::{OwnNode, label_value};
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

    fn conditions(&self, crowded: bool, before: &[Condition], now: Timestamp) -> Vec<Condition> {
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
        let (complete, told) = match crowded {
            false => (("True", "Complete"), "no Service lacks a ServiceBGPStatus for want of room".to_owned()),
            true => (
                ("False", "TooManyObjects"),
                format!(
                    "there are {BGP_STATUS_LIMIT} ServiceBGPStatus objects, with which --service-bgp-status=auto makes no \
                     more: some Services announced from here have none. Routes do not depend on it. Give the speakers \
                     --service-bgp-status=on for all, or off for none"
                ),
            ),
        };
        let all = [
            valid,
            ("MembershipHealthy", healthy.0, healthy.1, met),
            ("ServiceBGPStatusComplete", complete.0, complete.1, told),
        ];
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

/// What it is made of.
#[derive(Debug)]
pub struct Beside {
    /// What the speaker makes of the configuration and its surroundings.
    pub standpoint: latest::Receiver<Option<Standpoint>>,
    /// Whether Services have no ServiceBGPStatus because there are too many.
    pub crowded: latest::Receiver<bool>,
}

impl Beside {
    /// Waits for something new; false at the end.
    async fn changed(&mut self) -> bool {
        let Self { standpoint, crowded } = self;
        tokio::select! {
            standpoint = standpoint.changed() => standpoint.is_ok(),
            // It ends a little earlier, which is no news.
            Ok(()) = crowded.changed() => true,
        }
    }
}

/// Writes it until the speaker ends.
pub async fn run(
    client: Client,
    namespace: String,
    node: String,
    my_node: latest::Receiver<Option<NodeSeen>>,
    mut said: Beside,
) {
    let name = format!("speaker-{node}");
    let node = OwnNode { name: node, seen: my_node };
    let writer = Writer { states: Api::namespaced(client, &namespace), name, node };
    while said.changed().await {
        loop {
            let Some(wanted) = said.standpoint.borrow_and_update().clone() else { break };
            let crowded = *said.crowded.borrow_and_update();
            let written = tokio::time::timeout(RETRY, writer.write(&wanted, crowded)).await;
            match written {
                Ok(Ok(())) => break,
                Ok(Err(error)) => tracing::debug!("ConfigurationState not written, will try again: {error}"),
                Err(_) => {}
            }
            tokio::time::sleep(RETRY).await;
            if said.standpoint.has_changed().is_err() {
                return;
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

struct Writer {
    states: Api<ConfigurationState>,
    name: String,
    node: OwnNode,
}

impl Writer {
    async fn write(&self, wanted: &Standpoint, crowded: bool) -> kube::Result<()> {
        let found = match self.states.get_opt(&self.name).await? {
            Some(found) => found,
            None => self.states.create(&PostParams::default(), &self.new_object()).await?,
        };
        let status = found.status.unwrap_or_default();
        let conditions = wanted.conditions(crowded, &status.conditions, wall_clock());
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
            ("metallb.io/node-name".to_owned(), label_value(&self.node.name)),
        ]));
        state.metadata.owner_references = self.node.owner();
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_change_with_the_status_only_and_texts_are_bounded() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let good = Standpoint::default().conditions(false, &[], at(10));
        assert!(good.iter().all(|one| one.status == "True"));
        let refused = (0..100).map(|number| format!("L2Advertisement {number}: {}", "x".repeat(5000)));
        let bad = Standpoint::new(refused, None);
        let conditions = bad.conditions(true, &good, at(20));
        assert!(conditions[0].message.len() < 32_768, "Kubernetes refuses longer ones");
        assert_eq!((conditions[0].last_transition_time.0, conditions[1].last_transition_time.0), (at(20), at(10)));
        assert_eq!(bad.patch(&conditions)["status"]["result"], "Invalid");
        assert!(conditions[2].status == "False" && conditions[2].message.contains("--service-bgp-status=on"));
        let lonely = Standpoint::new([], Some("nobody".into())).conditions(false, &good, at(30));
        assert_eq!((lonely[1].status.as_str(), lonely[1].message.as_str()), ("False", "nobody"));
    }
}
