//! Pods and what makes them.

use serde_json::Value;

use super::{Printer, age, count, labels, list, plain, selector, text_or_none};
use crate::meta::{name, text};
use crate::table::Column;

pub(super) fn pods() -> Printer {
    let wide = ["IP", "Node", "Nominated Node", "Readiness Gates"];
    (plain(&["Name", "Ready", "Status", "Restarts", "Age"], &wide), |pod| {
        let statuses = list(pod, "/status/containerStatuses");
        let ready = statuses.iter().filter(|status| status.get("ready") == Some(&Value::Bool(true))).count();
        let restarts: i64 = statuses.iter().filter_map(|s| s.get("restartCount").and_then(Value::as_i64)).sum();
        vec![
            name(pod).into(),
            format!("{ready}/{}", list(pod, "/spec/containers").len()).into(),
            pod_status(pod),
            restarts.to_string().into(),
            age(pod),
            text_or_none(pod, "/status/podIP"),
            text_or_none(pod, "/spec/nodeName"),
            text_or_none(pod, "/status/nominatedNodeName"),
            "<none>".into(),
        ]
    })
}

/// The phase, or what a container is waiting for or ended with.
fn pod_status(pod: &Value) -> Value {
    let mut status = match text(pod, "/status/reason") {
        "" => text(pod, "/status/phase"),
        reason => reason,
    };
    for container in list(pod, "/status/containerStatuses").iter().rev() {
        for state in ["/state/waiting/reason", "/state/terminated/reason"] {
            if !text(container, state).is_empty() {
                status = text(container, state);
            }
        }
    }
    if !text(pod, "/metadata/deletionTimestamp").is_empty() {
        status = "Terminating";
    }
    status.into()
}

pub(super) fn deployments() -> Printer {
    let wide = ["Containers", "Images", "Selector"];
    (plain(&["Name", "Ready", "Up-to-date", "Available", "Age"], &wide), |deployment| {
        let ready = count(deployment, "/status/readyReplicas");
        vec![
            name(deployment).into(),
            format!("{ready}/{}", count(deployment, "/spec/replicas")).into(),
            count(deployment, "/status/updatedReplicas"),
            count(deployment, "/status/availableReplicas"),
            age(deployment),
            containers(deployment, "/name"),
            containers(deployment, "/image"),
            selector(deployment.pointer("/spec/selector")),
        ]
    })
}

pub(super) fn daemon_sets() -> Printer {
    let mut columns = plain(&["Name"], &[]);
    let numbers = ["Desired", "Current", "Ready", "Up-to-date", "Available"];
    columns.extend(numbers.map(|name| Column::of(name, "integer")));
    columns.extend(plain(&["Node Selector", "Age"], &["Containers", "Images", "Selector"]));
    (columns, |set| {
        vec![
            name(set).into(),
            count(set, "/status/desiredNumberScheduled"),
            count(set, "/status/currentNumberScheduled"),
            count(set, "/status/numberReady"),
            count(set, "/status/updatedNumberScheduled"),
            count(set, "/status/numberAvailable"),
            labels(set.pointer("/spec/template/spec/nodeSelector")),
            age(set),
            containers(set, "/name"),
            containers(set, "/image"),
            selector(set.pointer("/spec/selector")),
        ]
    })
}

fn containers(object: &Value, field: &str) -> Value {
    let containers = list(object, "/spec/template/spec/containers");
    containers.iter().map(|container| text(container, field)).collect::<Vec<_>>().join(",").into()
}
