//! Where the controller is measured: a control plane with one controller, and
//! a witness of every change of every Service.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::StreamExt as _;
use herald_lab::apiserver::{Handle, Profile};
use herald_lab::clock;
use herald_lab::cluster::{Cluster, Options, SYSTEM_NAMESPACE};
use herald_tests::crowd::{self, Crowd};
use herald_tests::witness::{Record, Witness};
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::task::AbortHandle;

/// How long anything here may take before the measurement is given up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The pool of everybody who asks for nothing.
const POOL: &str = "bench";

/// The controller's ServiceAccount, as the server calls it.
const USER: &str = "system:serviceaccount:metallb-system:herald-controller";

/// How long the controller must not have written to count as quiet: longer than it puts anything
/// off.
const QUIET: Duration = Duration::from_millis(1200);

/// A control plane with a controller.
pub struct Site {
    /// The cluster.
    pub cluster: Cluster,
    /// What all Services show, since when.
    pub witness: Witness,
    lease: LeaseWatch,
    /// Namespaces made here.
    namespaces: Mutex<BTreeSet<String>>,
}

impl Site {
    /// Starts everything. Writes are as fast as they can be.
    pub async fn set_up() -> Result<Self> {
        let cluster = Cluster::start(Options::control_plane()).await?;
        let client = cluster.client();
        let witness = Witness::start(client.clone(), PATIENCE).await?;
        cluster.apply(&crowd::pool(POOL, &["10.128.0.0/9"], true)).await?;
        let lease = LeaseWatch::start(client);
        let site = Self { cluster, witness, lease, namespaces: Mutex::default() };
        site.quiet().await;
        Ok(site)
    }

    /// The administrator's client.
    pub fn client(&self) -> Client {
        self.cluster.client()
    }

    /// The API server.
    pub fn server(&self) -> Result<&Handle> {
        self.cluster.control_plane().embedded()
    }

    /// Writes take as long as a real server's from now on, or no time at all.
    pub fn pace(&self, profile: Option<Profile>) -> Result<()> {
        self.server()?.set_profile(profile);
        Ok(())
    }

    /// A crowd in a namespace of its own.
    pub async fn crowd(&self, namespace: &str) -> Result<Crowd> {
        crowd::namespace(&self.client(), namespace).await?;
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).insert(namespace.to_owned());
        Ok(Crowd::new(namespace))
    }

    /// Creates Services and waits until they are seen.
    pub async fn create(&self, crowd: &Crowd, count: usize) -> Result<()> {
        crowd.create(&self.client(), 0..count).await?;
        self.witness.until("the new Services", PATIENCE, |record| (present(record, crowd) >= count).then_some(())).await
    }

    /// Deletes all Services as fast as can be, and starts the controller again: it would go on
    /// for minutes with Events about them.
    pub async fn clear(&mut self) -> Result<()> {
        self.pace(None)?;
        let namespaces = self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for namespace in namespaces {
            crowd::clear(&self.client(), &namespace).await?;
        }
        self.witness.until("no Services", PATIENCE, |record| record.is_empty().then_some(())).await?;
        self.restart_controller().await
    }

    /// Ends the controller in order, starts another, and waits until it leads and has nothing more
    /// to write.
    pub async fn restart_controller(&mut self) -> Result<()> {
        self.cluster.controller()?.terminate(PATIENCE)?;
        self.start_controller().await
    }

    /// Starts the controller, and waits until it leads and has nothing more to write.
    pub async fn start_controller(&mut self) -> Result<()> {
        let begun = clock::now();
        self.cluster.start_controller()?;
        self.cluster.controller_ready().await?;
        while self.lease_taken().is_none_or(|taken| taken < begun) {
            ensure!(clock::now() - begun < PATIENCE, "the controller does not take its Lease");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.quiet().await;
        Ok(())
    }

    /// Waits until the controller writes nothing any more, its Events included; a minute or two at
    /// most, as they are written one by one.
    pub async fn quiet(&self) {
        let deadline = clock::now() + PATIENCE;
        let mut writes = self.writes(|_| true);
        let mut since = clock::now();
        while clock::now() < deadline && clock::now() - since < QUIET {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = self.writes(|_| true);
            if now != writes {
                (writes, since) = (now, clock::now());
            }
        }
    }

    /// How many writes the controller has asked for, by resource, but for its Lease.
    pub fn writes(&self, wanted: impl Fn(&str) -> bool) -> u64 {
        let Ok(server) = self.server() else { return 0 };
        let by_controller = server.requests().into_iter().filter(|one| one.user == USER && one.are_writes());
        by_controller.filter(|one| one.resource != "leases" && wanted(&one.resource)).map(|one| one.count).sum()
    }

    /// When the Lease last changed hands.
    pub fn lease_taken(&self) -> Option<Instant> {
        *self.lease.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if, in all of this, an address was ever on two Services or has moved.
    pub fn verdict(&self) -> Result<()> {
        self.witness.verdict()
    }
}

/// How many of a crowd are there.
fn present(record: &Record, crowd: &Crowd) -> usize {
    record.of_namespace(&crowd.namespace).count()
}

/// Remembers when the controller's Lease changed hands.
struct LeaseWatch {
    taken: Arc<Mutex<Option<Instant>>>,
    task: AbortHandle,
}

impl LeaseWatch {
    fn start(client: Client) -> Self {
        let taken = Arc::new(Mutex::new(None));
        let task = tokio::spawn(follow(client, Arc::clone(&taken))).abort_handle();
        Self { taken, task }
    }
}

impl Drop for LeaseWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(client: Client, taken: Arc<Mutex<Option<Instant>>>) {
    let leases: Api<Lease> = Api::namespaced(client, SYSTEM_NAMESPACE);
    let events = watcher(leases, watcher::Config::default()).default_backoff().applied_objects();
    let mut events = std::pin::pin!(events);
    let mut holder = String::new();
    while let Some(event) = events.next().await {
        let Ok(lease) = event else { continue };
        let now_held_by = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
        if now_held_by != holder && !now_held_by.is_empty() {
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::now());
        }
        holder = now_held_by;
    }
}
