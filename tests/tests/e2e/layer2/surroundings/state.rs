//! ConfigurationState: what a speaker makes of the configuration, and whether it meets the others.

use std::time::Duration;

use anyhow::{Result, ensure};
use herald_crds::{ConfigurationState, L2Advertisement};
use herald_lab::clock;
use herald_lab::cluster::{SYSTEM_NAMESPACE, programs};
use herald_tests::{PATIENCE, Stage, eventually};
use kube::Api;
use kube::api::DeleteParams;

/// Passes every rule for one field, and yet means nothing.
const TWICE: &str = "
{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: twice, namespace: metallb-system},
 spec: {nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}}
";

/// How long a speaker waits for an answer before it says that there is none, and some.
const HALF_A_MINUTE: Duration = Duration::from_secs(35);

/// The result, and the status and message of a condition.
async fn state(stage: &Stage, node: &str, condition: &str) -> Result<Option<(String, String, String)>> {
    let api: Api<ConfigurationState> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    let status = api.get_opt(&format!("speaker-{node}")).await?.and_then(|state| state.status);
    Ok(status.and_then(|status| {
        let condition = status.conditions.into_iter().find(|one| one.type_ == condition)?;
        Some((status.result?, condition.status, condition.message))
    }))
}

/// Waits until every speaker says so.
async fn all_say(stage: &Stage, result: &str, about: &str) -> Result<()> {
    for node in ["node1", "node2", "node3"] {
        eventually(&format!("{node} calls the configuration {result}"), async || {
            let said = state(stage, node, "configReconcilerValid").await?;
            let wanted = if result == "Valid" { "True" } else { "False" };
            let fits = |(is, status, text): &(String, String, String)| {
                is == result && status == wanted && text.contains(about)
            };
            Ok(said.filter(fits).map(drop))
        })
        .await?;
    }
    Ok(())
}

/// An object that can't be used is named by every speaker, until it is gone.
pub(super) async fn a_bad_object(stage: &Stage) -> Result<()> {
    all_say(stage, "Valid", "").await?;
    stage.apply(TWICE).await?;
    all_say(stage, "Invalid", "twice").await?;
    let api: Api<L2Advertisement> = Api::namespaced(stage.client(), SYSTEM_NAMESPACE);
    api.delete("twice", &DeleteParams::default()).await?;
    all_say(stage, "Valid", "").await
}

/// The third node's speaker has heard nobody for a while, though their nodes are ready.
pub(super) async fn nobody_answers(stage: &Stage) -> Result<()> {
    let lab = stage.cluster.topology();
    let alone = |node: &str| programs::metric(&lab.node(node)?.namespace, "herald_membership_alone");
    let healthy = async |node| state(stage, node, "MembershipHealthy").await;
    let deadline = clock::now() + HALF_A_MINUTE;
    let said = loop {
        match healthy("node3").await? {
            Some((_, status, said)) if status == "False" => break said,
            _ => ensure!(clock::now() < deadline, "it does not say so"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    ensure!(said.contains("UDP 7946") && said.contains("2 other nodes"), "{said}");
    ensure!(alone("node3")? == 1.0, "the metric says so too");
    for node in ["node1", "node2"] {
        let said = healthy(node).await?;
        ensure!(said.as_ref().is_some_and(|(_, status, _)| status == "True"), "{node} meets the other: {said:?}");
        ensure!(alone(node)? == 0.0, "and its metric says so");
    }

    lab.switch().unmute_membership("node3")?;
    let healed = clock::now();
    eventually("it meets them again", async || {
        Ok(healthy("node3").await?.filter(|(_, status, _)| status == "True").map(drop))
    })
    .await?;
    ensure!(clock::now() - healed < PATIENCE / 2, "soon");
    ensure!(alone("node3")? == 0.0, "and the metric says so");
    Ok(())
}
