//! Sees every change of every Service, and holds each against the promises
//! that no test may break:
//!
//! - no address is on two Services, unless they share it
//! - no address that was ever shown moves, unless its own Service wishes it
//!
//! ```text
//!  API server ──watch──► Witness ──event──► Record ──► violations
//!                           ▲                  │
//!                           └── tests wait ────┘ who shows what, since when
//! ```
//!
//! The witness watches as an administrator would and takes nothing from Herald.
//! The server orders all changes of Services, so what it sees at one moment was
//! true at one moment. While the server is away it sees nothing, and afterwards
//! goes on where it was; after a forgotten history it compares what it knew
//! with what there is.

mod record;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::StreamExt as _;
use herald_lab::clock;
use k8s_openapi::api::core::v1::Service;
use kube::runtime::utils::Backoff;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::task::AbortHandle;

pub use record::{Record, Sight};

/// How often a server that is away is knocked at.
const KNOCK: Duration = Duration::from_millis(50);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A watch over all Services; ends when dropped.
#[derive(Debug)]
pub struct Witness {
    record: Arc<Mutex<Record>>,
    task: AbortHandle,
}

impl Witness {
    /// Starts watching, and returns once all Services that there are were seen.
    ///
    /// # Errors
    /// When the server does not list them within `patience`.
    pub async fn start(client: Client, patience: Duration) -> Result<Self> {
        let record = Arc::new(Mutex::new(Record::default()));
        let task = tokio::spawn(watch(client, Arc::clone(&record))).abort_handle();
        let witness = Self { record, task };
        witness.until("the list of Services", patience, |record| record.is_listed().then_some(())).await?;
        Ok(witness)
    }

    /// Asks the record.
    pub fn look<T>(&self, ask: impl FnOnce(&Record) -> T) -> T {
        ask(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the record has an answer.
    ///
    /// # Errors
    /// When it has none within `patience`.
    pub async fn until<T>(
        &self,
        what: &str,
        patience: Duration,
        mut ask: impl FnMut(&Record) -> Option<T>,
    ) -> Result<T> {
        let deadline = clock::now() + patience;
        loop {
            if let Some(answer) = self.look(&mut ask) {
                return Ok(answer);
            }
            if clock::now() >= deadline {
                bail!("{what}: not within {patience:?}; {}", self.look(Record::summary));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until `count` Services of a namespace are there and all of them
    /// show an address, and returns when the last of them got it.
    ///
    /// # Errors
    /// When that is not so within `patience`; with one that has none.
    pub async fn all_served(&self, namespace: &str, count: usize, patience: Duration) -> Result<Instant> {
        let what = format!("addresses for all {count} Services in {namespace}");
        self.until(&what, patience, |record| record.all_served(namespace, count)).await
    }

    /// Waits until one Service shows an address, and returns when it got it.
    ///
    /// # Errors
    /// When it has none within `patience`.
    pub async fn served(&self, namespace: &str, name: &str, patience: Duration) -> Result<Instant> {
        let what = format!("an address for {namespace}/{name}");
        self.until(&what, patience, |record| record.sight(namespace, name)?.shown_since).await
    }

    /// Waits until no Service has changed for `calm`.
    ///
    /// # Errors
    /// When they go on changing for `patience`.
    pub async fn quiet(&self, calm: Duration, patience: Duration) -> Result<()> {
        let mut last = (clock::now(), self.look(Record::events));
        let what = format!("no Service changed for {calm:?}");
        self.until(&what, patience, |record| {
            if record.events() != last.1 {
                last = (clock::now(), record.events());
            }
            (clock::now() - last.0 >= calm).then_some(())
        })
        .await
    }

    /// All addresses by Service, to be compared later.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, Vec<String>> {
        self.look(Record::addresses)
    }

    /// Fails if a promise was ever broken.
    ///
    /// # Errors
    /// With the first few violations.
    pub fn verdict(&self) -> Result<()> {
        let violations = self.look(|record| record.violations().to_vec());
        if violations.is_empty() {
            return Ok(());
        }
        let first: Vec<_> = violations.iter().take(10).map(String::as_str).collect();
        bail!("{} violations:\n{}", violations.len(), first.join("\n"))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(client: Client, record: Arc<Mutex<Record>>) {
    let services: Api<Service> = Api::all(client);
    let mut events = std::pin::pin!(watcher(services, watcher::Config::default()).backoff(Knock));
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        let now = clock::now();
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitApply(service)) => listed.push(service),
            Ok(watcher::Event::InitDone) => record.listed(std::mem::take(&mut listed), now),
            Ok(watcher::Event::Apply(service)) => record.applied(&service, now),
            Ok(watcher::Event::Delete(service)) => record.deleted(&service),
            // The server is away; the watch goes on by itself.
            Err(_) => {}
        }
    }
}

/// Always the same pause.
#[derive(Debug)]
struct Knock;

impl Iterator for Knock {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(KNOCK)
    }
}

impl Backoff for Knock {
    fn reset(&mut self) {}
}
