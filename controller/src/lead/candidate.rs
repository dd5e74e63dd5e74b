//! The task that does what the elector decides.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use herald_runtime::clock::{Monotonic, wall_clock};
use herald_runtime::shutdown::Shutdown;
use herald_runtime::watch::{Change, changes};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::sync::watch;

use super::elector::{Action, Elector, Failure, Timing};
use super::lease::{Record, SeenLease, lease};
use super::term::{Leadership, Term};

/// Name of the Lease.
pub const LEASE: &str = "herald-controller";
/// How long giving the Lease back may take at the end.
const GIVE_BACK: Duration = Duration::from_secs(2);

/// A replica that would lead.
pub struct Candidate {
    leases: Api<Lease>,
    elector: Elector,
    clock: Monotonic,
    term: watch::Sender<Option<Term>>,
    /// How long a request may take before its outcome counts as unknown.
    patience: Duration,
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate").field("elector", &self.elector).finish_non_exhaustive()
    }
}

impl Candidate {
    /// One under the name `me`, which nobody else may have, and the gate that it turns.
    #[must_use]
    pub fn new(client: Client, namespace: &str, me: String, timing: Timing) -> (Self, Leadership) {
        let clock = Monotonic::start();
        let (term, follow) = watch::channel(None);
        let leadership = Leadership::followed(follow, clock);
        let candidate = Self {
            leases: Api::namespaced(client, namespace),
            elector: Elector::new(me, timing),
            clock,
            term,
            patience: timing.renew / 2,
        };
        (candidate, leadership)
    }

    /// Takes and keeps the Lease as long as it can, until the end is asked for; then gives it back.
    pub async fn run(mut self, mut end: Shutdown) {
        // The watch tells at once that the Lease was given back. It is not relied on: without it, attempts find out.
        let only = watcher::Config::default().fields(&format!("metadata.name={LEASE}"));
        let mut seen = changes(self.leases.clone(), only, SeenLease::of).boxed();
        while !end.is_requested() {
            let action = self.elector.act(self.clock.now(), wall_clock());
            self.publish();
            match action {
                Action::Wait(until) => tokio::select! {
                    () = end.requested() => break,
                    Some(change) = seen.next() => self.observe(change),
                    () = tokio::time::sleep_until(self.clock.instant(until)) => {}
                },
                Action::Look => {
                    let request = look(self.leases.clone(), self.patience);
                    let found = self.meanwhile(&mut seen, request).await;
                    self.elector.looked(found, self.clock.now());
                }
                Action::Write { record, version } => {
                    let begun = self.clock.now();
                    let request = write(self.leases.clone(), self.patience, record, version);
                    let outcome = self.meanwhile(&mut seen, request).await;
                    self.elector.wrote(outcome, begun, self.clock.now());
                }
            }
        }
        self.give_back().await;
    }

    /// Awaits a request. What the watch says is heard meanwhile, too: whoever lost the Lease must know at once.
    async fn meanwhile<T>(&mut self, seen: &mut Seen, request: impl Future<Output = T>) -> T {
        let mut request = std::pin::pin!(request);
        loop {
            tokio::select! {
                done = &mut request => return done,
                Some(change) = seen.next() => {
                    self.observe(change);
                    self.publish();
                }
            }
        }
    }

    fn observe(&mut self, change: Change<SeenLease>) {
        let now = self.clock.now();
        match change {
            Change::Reset(mut all) => self.elector.observe(all.pop(), now),
            Change::Applied(lease) => self.elector.observe(Some(lease), now),
            Change::Deleted(_) => self.elector.observe(None, now),
            Change::Broken(_) => {}
        }
    }

    /// Turns the gate, if it is to be turned.
    fn publish(&self) {
        let term = self.elector.term(self.clock.now()).cloned();
        let epoch = |term: &Option<Term>| term.as_ref().map(|term| term.epoch.clone());
        self.term.send_if_modified(|published| {
            if epoch(published) != epoch(&term) {
                match &term {
                    Some(Term { epoch, .. }) => tracing::info!(%epoch, "leading"),
                    None => tracing::info!(holder = self.elector.holder(), "no longer leading"),
                }
            }
            let changed = *published != term;
            *published = term;
            changed
        });
    }

    /// Gives the Lease back, so that another may lead at once.
    async fn give_back(&mut self) {
        let given_back = self.elector.give_back(wall_clock());
        self.publish();
        let Some((record, version)) = given_back else { return };
        match write(self.leases.clone(), GIVE_BACK, record, Some(version)).await {
            Ok(_) => tracing::info!("the Lease is given back"),
            Err(_) => tracing::warn!("the Lease could not be given back: another controller leads when it runs out"),
        }
    }
}

/// What the watch says about the Lease.
type Seen = BoxStream<'static, Change<SeenLease>>;

/// Reads the Lease; `None` if it can't be read now.
async fn look(leases: Api<Lease>, patience: Duration) -> Option<Option<SeenLease>> {
    match tokio::time::timeout(patience, leases.get_opt(LEASE)).await {
        Ok(Ok(lease)) => Some(lease.map(SeenLease::of)),
        Ok(Err(error)) => {
            tracing::warn!("the Lease {LEASE:?} can't be read{}: {error}", hint(&error));
            None
        }
        Err(_) => None,
    }
}

async fn write(
    leases: Api<Lease>,
    patience: Duration,
    record: Record,
    version: Option<String>,
) -> Result<SeenLease, Failure> {
    let lease = lease(LEASE, &record, version.as_deref());
    let params = PostParams::default();
    let request = async {
        match version {
            Some(_) => leases.replace(LEASE, &params, &lease).await,
            None => leases.create(&params, &lease).await,
        }
    };
    match tokio::time::timeout(patience, request).await {
        Ok(Ok(lease)) => Ok(SeenLease::of(lease)),
        // Another was faster, or it was deleted.
        Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => Err(Failure::Conflict),
        Ok(Err(error)) => {
            tracing::warn!("the Lease {LEASE:?} can't be written{}: {error}", hint(&error));
            Err(Failure::Unknown)
        }
        Err(_) => Err(Failure::Unknown),
    }
}

fn hint(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::Api(status) if status.code == 403 => " (check the RBAC objects of the installation)",
        _ => "",
    }
}
