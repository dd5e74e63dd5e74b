//! Many Services at once.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use herald_lab::clock;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinHandle;

/// Requests under way at a time: as many as the controller has.
pub const IN_FLIGHT: usize = 32;

/// How long a request is repeated while the server is away.
const PERSISTENCE: Duration = Duration::from_secs(60);

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// A group of Services `<prefix><number>` in one namespace. They have no node
/// ports, of which a cluster has fewer than three thousand, and select no pods.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// Their namespace.
    pub namespace: String,
    /// What their names begin with.
    pub prefix: String,
    /// Their `spec.loadBalancerClass`: Herald's are those without.
    pub class: Option<String>,
    /// The pool that they ask for.
    pub pool: Option<String>,
}

impl Crowd {
    /// Services that want any address.
    #[must_use]
    pub fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), prefix: "s".to_owned(), class: None, pool: None }
    }

    /// The same from another pool.
    #[must_use]
    pub fn from_pool(self, pool: &str) -> Self {
        Self { pool: Some(pool.to_owned()), ..self }
    }

    /// The same, but for somebody else than Herald to serve.
    #[must_use]
    pub fn of_class(self, class: &str) -> Self {
        Self { class: Some(class.to_owned()), ..self }
    }

    /// The name of the Service with this number.
    #[must_use]
    pub fn name(&self, number: usize) -> String {
        format!("{}{number}", self.prefix)
    }

    /// The Service with this number.
    ///
    /// # Errors
    /// Never, as long as the type is what it is.
    pub fn service(&self, number: usize) -> Result<Service> {
        let annotations = self.pool.iter().map(|pool| ("metallb.io/address-pool".to_owned(), json!(pool)));
        let annotations: serde_json::Map<_, _> = annotations.collect();
        serde_json::from_value(json!({
            "metadata": {"name": self.name(number), "namespace": self.namespace, "annotations": annotations},
            "spec": {
                "type": "LoadBalancer",
                "loadBalancerClass": self.class,
                "allocateLoadBalancerNodePorts": false,
                "ports": [{"port": 80}],
            },
        }))
        .context("make a Service")
    }

    /// Creates one.
    ///
    /// # Errors
    /// The server's own message; one that is away is asked again for a while.
    pub async fn create_one(&self, client: &Client, number: usize) -> Result<()> {
        let api: Api<Service> = Api::namespaced(client.clone(), &self.namespace);
        let service = self.service(number)?;
        let params = PostParams::default();
        let deadline = clock::now() + PERSISTENCE;
        loop {
            match api.create(&params, &service).await {
                Err(error) if is_away(&error, deadline) => tokio::time::sleep(PAUSE).await,
                // An answer was lost, or it is there already.
                Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => return Ok(()),
                created => {
                    let what = || format!("create Service {}/{}", self.namespace, self.name(number));
                    return created.map(drop).with_context(what);
                }
            }
        }
    }

    /// Creates many, [`IN_FLIGHT`] at a time, in any order.
    ///
    /// # Errors
    /// As [`Crowd::create_one`].
    pub async fn create(&self, client: &Client, numbers: impl IntoIterator<Item = usize>) -> Result<()> {
        let numbers = futures::stream::iter(numbers);
        let requests = numbers.map(|number| {
            let (crowd, client) = (self.clone(), client.clone());
            async move { crowd.create_one(&client, number).await }
        });
        requests.buffer_unordered(IN_FLIGHT).try_collect().await
    }

    /// Creates many while the test goes on.
    pub fn create_meanwhile(&self, client: &Client, numbers: Range<usize>) -> JoinHandle<Result<()>> {
        let (crowd, client) = (self.clone(), client.clone());
        tokio::spawn(async move { crowd.create(&client, numbers).await })
    }

    /// Deletes one.
    ///
    /// # Errors
    /// The server's own message; one that is away is asked again for a while.
    pub async fn delete_one(&self, client: &Client, number: usize) -> Result<()> {
        let api: Api<Service> = Api::namespaced(client.clone(), &self.namespace);
        let (name, params) = (self.name(number), DeleteParams::default());
        let deadline = clock::now() + PERSISTENCE;
        loop {
            match api.delete(&name, &params).await {
                Err(error) if is_away(&error, deadline) => tokio::time::sleep(PAUSE).await,
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
                deleted => {
                    return deleted.map(drop).with_context(|| format!("delete Service {}/{name}", self.namespace));
                }
            }
        }
    }
}

/// Creates a namespace, unless it is there.
///
/// # Errors
/// The server's own message.
pub async fn namespace(client: &Client, name: &str) -> Result<()> {
    let api: Api<Namespace> = Api::all(client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
    match api.create(&PostParams::default(), &namespace).await {
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
        created => created.map(drop).with_context(|| format!("create namespace {name}")),
    }
}

/// Deletes all Services of a namespace.
///
/// # Errors
/// The server's own message.
pub async fn clear(client: &Client, namespace: &str) -> Result<()> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let deleted = api.delete_collection(&DeleteParams::default(), &ListParams::default()).await;
    deleted.map(drop).with_context(|| format!("delete the Services in {namespace}"))
}

/// An IPAddressPool as YAML.
#[must_use]
pub fn pool(name: &str, addresses: &[&str], auto_assign: bool) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {{name: {name}, namespace: metallb-system}}, \
         spec: {{autoAssign: {auto_assign}, addresses: [\"{}\"]}}}}",
        addresses.join("\", \"")
    )
}

/// Whether the server did not answer, and may be asked again.
fn is_away(error: &kube::Error, deadline: Instant) -> bool {
    !matches!(error, kube::Error::Api(_)) && clock::now() < deadline
}
