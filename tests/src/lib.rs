//! End-to-end suites, run in the lab.
//!
//! Every test has a cluster of its own, with Herald's real programs in it, and
//! takes its turn on the machine: probes every 2 ms do not go together with
//! another lab's. What a test claims, it claims from the wire: ARP frames at
//! the switch, answers at a client.
//!
//! The programs must be built before (`make test` does it); the tests need
//! root and say so.

pub mod bgp;
pub mod crowd;
pub mod layer2;
pub mod witness;

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use herald_lab::cluster::pods::{self, WebPod};
use herald_lab::cluster::{Cluster, Options, installed};
use herald_lab::lock::Lock;
use herald_lab::probe::NeighborProbe;
use herald_lab::topology::{Machine, require_root};
use herald_lab::wire::Capture;
use herald_lab::{clock, scene};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::{Api, Client};

/// How long a test waits for something that should take milliseconds; longer than the Lease of a controller that was killed
/// lasts.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// How long an owner must stay the same to count as settled.
pub const CALM: Duration = Duration::from_millis(500);

/// How long a test waits for its turn on the machine.
const TURN: Duration = Duration::from_secs(900);

/// A cluster with Herald, and what is looked at in it.
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Stage {
    /// All ARP frames at the switch, since the start.
    pub capture: Capture,
    /// The cluster.
    pub cluster: Cluster,
    _turn: Lock,
}

impl Stage {
    /// A cluster of three nodes and two clients, without pods.
    ///
    /// # Errors
    /// Without root, or when a part does not come up.
    pub async fn empty() -> Result<Self> {
        Self::with(Options::default()).await
    }

    /// A cluster of another kind, without pods.
    ///
    /// # Errors
    /// As [`Stage::empty`].
    pub async fn with(options: Options) -> Result<Self> {
        require_root()?;
        let turn = tokio::task::spawn_blocking(|| Lock::turn(TURN)).await??;
        let cluster = Cluster::start(options).await?;
        let capture = Capture::start(cluster.topology().switch())?;
        Ok(Self { capture, cluster, _turn: turn })
    }

    /// A cluster with a pod `web-<n>` on every node, labelled as the tutorials'
    /// Service selects them.
    ///
    /// # Errors
    /// As [`Stage::empty`].
    pub async fn with_pods() -> Result<Self> {
        let stage = Self::empty().await?;
        for number in 1..=stage.cluster.topology().nodes().len() {
            stage.add_pod(&format!("web-{number}"), &format!("node{number}")).await?;
        }
        Ok(stage)
    }

    /// Starts a web pod that serves for a minute after its deletion.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn add_pod(&self, name: &str, node: &str) -> Result<()> {
        let web = WebPod { name, namespace: "default", app: "web", node, grace: 60 };
        pods::start(&self.client(), &web).await.map(drop)
    }

    /// Applies the tutorials' pool, advertisement and Service, and waits for
    /// the address.
    ///
    /// # Errors
    /// When the Service gets none.
    pub async fn first_steps(&self) -> Result<Ipv4Addr> {
        self.cluster.apply(installed::FIRST_STEPS).await?;
        self.address_of("web-lb").await
    }

    /// Waits for a Service's address.
    ///
    /// # Errors
    /// When it gets none.
    pub async fn address_of(&self, service: &str) -> Result<Ipv4Addr> {
        Ok(scene::allocated(&self.client(), "default", service, PATIENCE).await?.address)
    }

    /// Applies a manifest that must be accepted.
    ///
    /// # Errors
    /// The server's own message.
    pub async fn apply(&self, yaml: &str) -> Result<()> {
        self.cluster.apply(yaml).await.map(drop)
    }

    /// Applies a manifest that must be refused, and returns what the server
    /// says, with all causes.
    ///
    /// # Errors
    /// When it is accepted.
    pub async fn refused(&self, yaml: &str) -> Result<String> {
        match self.cluster.apply(yaml).await {
            Ok(_) => bail!("this should have been refused:\n{yaml}"),
            Err(error) => Ok(format!("{error:#}")),
        }
    }

    /// The client that users browse from.
    ///
    /// # Errors
    /// When the lab has none.
    pub fn user(&self) -> Result<&Machine> {
        self.cluster.client_machine(0)
    }

    /// Starts asking for an address by ARP, from the second client, and waits
    /// for the first answer.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn ask(&self, address: Ipv4Addr) -> Result<NeighborProbe> {
        let from = clock::now();
        let probe = NeighborProbe::start(self.cluster.client_machine(1)?, address)?;
        probe.wait_for(from, PATIENCE, |_| true)?;
        Ok(probe)
    }

    /// The node that has owned the asked-for address for [`CALM`].
    ///
    /// # Errors
    /// When the address does not come to rest.
    pub async fn settled(&self, probe: &NeighborProbe) -> Result<String> {
        scene::settled(self.cluster.topology(), probe, CALM, PATIENCE).await
    }

    /// Fails unless nobody answers a new client's ARP for `quiet`.
    ///
    /// # Errors
    /// When somebody does, or keeps doing so.
    pub async fn silent(&self, probe: &NeighborProbe, quiet: Duration) -> Result<()> {
        let deadline = clock::now() + PATIENCE;
        loop {
            let since = clock::now();
            tokio::time::sleep(quiet).await;
            match probe.record().first_answer(since) {
                None => return Ok(()),
                Some(answer) if clock::now() >= deadline => bail!("{} still answers", answer.mac),
                Some(_) => {}
            }
        }
    }

    /// The administrator's client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.cluster.client()
    }

    /// The Services of the namespace `default`.
    #[must_use]
    pub fn services(&self) -> Api<Service> {
        Api::default_namespaced(self.client())
    }

    /// Waits until a Service of the namespace `default` has a condition of this type with this reason, and returns
    /// its message.
    ///
    /// # Errors
    /// When it never does; the error lists what it says.
    pub async fn says(&self, service: &str, type_: &str, reason: &str) -> Result<String> {
        let mut said = Vec::new();
        eventually(&format!("{service} says {type_}: {reason}"), async || {
            let conditions = self.services().get(service).await?.status.and_then(|status| status.conditions);
            said = conditions.unwrap_or_default();
            let found = said.iter().find(|one| one.type_ == type_ && one.reason == reason);
            Ok(found.map(|one| one.message.clone()))
        })
        .await
        .with_context(|| format!("it says {said:?}"))
    }

    /// Waits for an Event about an object, with this reason.
    ///
    /// # Errors
    /// When there is none; the error lists those there are.
    pub async fn event(&self, namespace: &str, about: &str, reason: &str) -> Result<String> {
        let api: Api<Event> = Api::namespaced(self.client(), namespace);
        let mut seen = Vec::new();
        eventually(&format!("an Event {reason} about {about}"), async || {
            seen.clear();
            for event in api.list(&Default::default()).await?.items {
                let regarding = event.regarding.and_then(|regarding| regarding.name).unwrap_or_default();
                let note = event.note.unwrap_or_default();
                if regarding == about && event.reason.as_deref() == Some(reason) {
                    return Ok(Some(note));
                }
                seen.push(format!("{regarding}: {}: {note}", event.reason.unwrap_or_default()));
            }
            Ok(None)
        })
        .await
        .with_context(|| format!("Events: {seen:?}"))
    }
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// When there is none within [`PATIENCE`], or asking fails.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = clock::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if clock::now() >= deadline {
            bail!("{what}: not within {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
