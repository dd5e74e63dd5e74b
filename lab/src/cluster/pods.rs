//! Pods for tests and the demo: the objects; [`super::kubelet`] runs them.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

use crate::clock;

/// A Pod that serves HTTP and UDP echo on port 80.
#[derive(Clone, Debug)]
pub struct WebPod<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The value of its label `app.kubernetes.io/name`.
    pub app: &'a str,
    /// The node it runs on.
    pub node: &'a str,
    /// How long it serves after its deletion, in seconds.
    pub grace: u32,
}

/// Creates a Pod and waits until it is ready.
///
/// # Errors
/// The server's own message, or when it is not ready within 60 s.
pub async fn start(client: &Client, web: &WebPod<'_>) -> Result<Pod> {
    let api: Api<Pod> = Api::namespaced(client.clone(), web.namespace);
    let pod: Pod = serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": web.name, "labels": { "app.kubernetes.io/name": web.app } },
        "spec": {
            "nodeName": web.node,
            "terminationGracePeriodSeconds": web.grace,
            "containers": [{ "name": "web", "image": "herald-lab-pod", "ports": [{ "containerPort": 80 }] }],
        },
    }))?;
    api.create(&PostParams::default(), &pod).await.with_context(|| format!("create Pod {}", web.name))?;
    let deadline = clock::now() + Duration::from_secs(60);
    loop {
        let pod = api.get(web.name).await?;
        let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref());
        if conditions.unwrap_or_default().iter().any(|c| c.type_ == "Ready" && c.status == "True") {
            return Ok(pod);
        }
        if clock::now() >= deadline {
            bail!("Pod {} is not ready after 60 s", web.name);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
