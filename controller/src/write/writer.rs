//! Jobs done at the API server, each in a task of its own.

use std::time::Duration;

use herald_compiler::verdict::Kind;
use herald_crds::{BGPAdvertisement, BGPPeer, Community, ConfigurationState, IPAddressPool, L2Advertisement};
use herald_ipam::ServiceKey;
use herald_runtime::clock::wall_clock;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{ListParams, PartialObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

use super::patch;
use crate::allocate::{Done, Fetched, Job, ServiceWrite, StateWrite, StatusWrite, Written};
use crate::compile::{SeenAdvertisement, SeenBgpAdvertisement, SeenCommunity, SeenPeer, SeenPool, SeenStatus};
use crate::lead::{Epoch, Leadership};
use crate::watch::{LeanService, SeenService, SeenState, names};

/// Name under which the API server keeps track of our fields.
const MANAGER: &str = "herald-controller";
/// How long a request may take before its outcome counts as unknown.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Objects a page when everything has to be looked through.
const PAGE: u32 = 500;

/// Does jobs. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    namespace: String,
    leadership: Leadership,
    /// The term that is written for.
    epoch: Epoch,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// A request without an answer to rely on.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("{0}")]
    Answered(#[from] kube::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("not sent: another controller may be leading by now")]
    NotLeading,
}

impl RequestError {
    fn code(&self) -> Option<u16> {
        match self {
            Self::Answered(kube::Error::Api(status)) => Some(status.code),
            _ => None,
        }
    }
}

impl Writer {
    /// Writes with `client` while the term `epoch` of `leadership` lasts; configuration objects are those of
    /// `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: String, leadership: Leadership, epoch: Epoch) -> Self {
        Self { client, namespace, leadership, epoch }
    }

    /// Does a job.
    pub async fn run(&self, job: Job) -> Done {
        match job {
            Job::Write(write) => {
                let outcome = self.write(&write).await;
                Done::Write { write, outcome }
            }
            Job::Fetch { ticket, key } => {
                let outcome = self.fetch(&key).await;
                Done::Fetch { ticket, key, outcome }
            }
            Job::Unmark { key } => {
                let clean = self.unmark(&key).await;
                Done::Unmark { key, clean }
            }
            Job::Announced(write) => {
                let outcome = self.put(&write.key, patch::announced(&write, wall_clock())).await;
                Done::Announced { write, outcome }
            }
            Job::State(write) => Done::State { written: self.state(&write).await },
            Job::Status(write) => {
                let written = self.status(&write).await;
                Done::Status { kind: write.verdict.kind, name: write.verdict.name, written }
            }
        }
    }

    fn services(&self, key: &ServiceKey) -> Api<LeanService> {
        Api::namespaced(self.client.clone(), &key.namespace)
    }

    async fn write(&self, write: &ServiceWrite) -> Written {
        let ServiceWrite { key, resource_version, change, .. } = write;
        let outcome = self.put(key, patch::service(change, resource_version, wall_clock())).await;
        if let Written::Stands(_) = outcome {
            tracing::info!(service = %key, addresses = ?change.ingress, "status written");
        }
        outcome
    }

    /// Patches a Service's status.
    async fn put(&self, key: &ServiceKey, body: Value) -> Written {
        match self.patch_service(&self.services(key), key, body).await {
            Ok(service) => Written::Stands(Box::new(SeenService::of(service))),
            Err(error) => match error.code() {
                Some(409) => Written::Conflict,
                Some(404) => Written::Gone,
                code => {
                    let hint = if code == Some(403) { "; check the RBAC objects of the installation" } else { "" };
                    tracing::warn!(service = %key, "status not written: {error}{hint}");
                    Written::Unknown(error.to_string())
                }
            },
        }
    }

    async fn fetch(&self, key: &ServiceKey) -> Fetched {
        match limited(self.services(key).get_opt(&key.name)).await {
            Ok(Some(service)) => Fetched::Found(Box::new(SeenService::of(service))),
            Ok(None) => Fetched::Gone,
            Err(error) => {
                tracing::warn!(service = %key, "can't be read: {error}");
                Fetched::Unknown(error.to_string())
            }
        }
    }

    /// True if nothing is left to do.
    async fn unmark(&self, key: &ServiceKey) -> bool {
        let services = self.services(key);
        let service = match limited(services.get_opt(&key.name)).await {
            Ok(None) => return true,
            Ok(Some(service)) => SeenService::of(service),
            Err(error) => {
                tracing::warn!(service = %key, "can't be read: {error}");
                return false;
            }
        };
        if service.is_load_balancer || !service.is_marked() {
            return true;
        }
        match self.patch_service(&services, key, patch::unmark(&service.resource_version)).await {
            Ok(_) => {
                tracing::info!(service = %key, "is no LoadBalancer any more: our annotation is taken off");
                true
            }
            Err(error) if error.code() == Some(404) => true,
            Err(error) => {
                tracing::debug!(service = %key, "our annotation is still there: {error}");
                false
            }
        }
    }

    async fn state(&self, write: &StateWrite) -> Option<SeenState> {
        let states = Api::<ConfigurationState>::namespaced(self.client.clone(), &self.namespace);
        let result = self.patch_state(&states, write).await;
        result.inspect_err(|error| tracing::warn!("ConfigurationState not written: {error}")).ok()
    }

    async fn patch_state(
        &self,
        states: &Api<ConfigurationState>,
        StateWrite { outlook, before }: &StateWrite,
    ) -> Result<SeenState, RequestError> {
        match before {
            None => {
                let created = self.leading(states.create(&PostParams::default(), &patch::new_state())).await;
                match created {
                    // Somebody was faster.
                    Err(error) if error.code() == Some(409) => {}
                    created => drop(created?),
                }
            }
            Some(SeenState { labelled: false, .. }) => {
                let labels = json!({ "metadata": { "labels": { names::COMPONENT: names::CONTROLLER } } });
                self.leading(states.patch(names::CONTROLLER, &params(), &Patch::Merge(labels))).await?;
            }
            Some(_) => {}
        }
        let conditions = before.as_ref().map_or(&[][..], |before| &before.conditions);
        let body = patch::state(outlook, conditions, wall_clock());
        let state = self.leading(states.patch_status(names::CONTROLLER, &params(), &Patch::Merge(body))).await?;
        Ok(SeenState::of(state))
    }

    async fn status(&self, write: &StatusWrite) -> Option<SeenStatus> {
        let body = patch::status(write, wall_clock());
        let name = &write.verdict.name;
        let result = match write.verdict.kind {
            Kind::IpAddressPool => {
                self.patch_status(name, body).await.map(|pool: IPAddressPool| SeenPool::of(&pool).status)
            }
            Kind::L2Advertisement => {
                self.patch_status(name, body).await.map(|one: L2Advertisement| SeenAdvertisement::of(&one).status)
            }
            Kind::BgpAdvertisement => {
                self.patch_status(name, body).await.map(|one: BGPAdvertisement| SeenBgpAdvertisement::of(&one).status)
            }
            Kind::BgpPeer => self.patch_status(name, body).await.map(|peer: BGPPeer| SeenPeer::of(&peer).status),
            Kind::Community => self.patch_status(name, body).await.map(|one: Community| SeenCommunity::of(&one).status),
        };
        result
            .inspect_err(|error| {
                // An object that was deleted meanwhile needs no status.
                if error.code() != Some(404) {
                    tracing::warn!(kind = write.verdict.kind.as_str(), name, "status not written: {error}");
                }
            })
            .ok()
    }

    /// Patches a Service's status, if this controller still leads.
    async fn patch_service(
        &self,
        services: &Api<LeanService>,
        key: &ServiceKey,
        body: Value,
    ) -> Result<LeanService, RequestError> {
        self.still_leading()?;
        limited(services.patch_status(&key.name, &params(), &Patch::Strategic(body))).await
    }

    /// Patches the status of a configuration object, if this controller still leads.
    async fn patch_status<K>(&self, name: &str, body: Value) -> Result<K, RequestError>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
        K::DynamicType: Default,
    {
        self.still_leading()?;
        let api = Api::<K>::namespaced(self.client.clone(), &self.namespace);
        limited(api.patch_status(name, &params(), &Patch::Merge(body))).await
    }

    /// Makes a request, if this controller still leads.
    async fn leading<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, RequestError> {
        self.still_leading()?;
        limited(request).await
    }

    fn still_leading(&self) -> Result<(), RequestError> {
        if self.leadership.permits(&self.epoch) { Ok(()) } else { Err(RequestError::NotLeading) }
    }
}

/// Services that carry one of our annotations, whatever their type is. Those that are no LoadBalancers are
/// leftovers: their type was changed while no
/// controller looked. Reads metadata only, page by page.
///
/// # Errors
/// When a page can't be read.
pub async fn leftovers(client: &Client) -> Result<Vec<ServiceKey>, kube::Error> {
    let services: Api<PartialObjectMeta<LeanService>> = Api::all(client.clone());
    let marks = [names::FROM_POOL, names::EPOCH];
    let mut found = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = services.list_metadata(&page).await?;
        found.extend(
            list.items
                .iter()
                .filter(|service| marks.iter().any(|mark| service.annotations().contains_key(*mark)))
                .map(|service| ServiceKey::new(service.namespace().unwrap_or_default(), service.name_any())),
        );
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(found),
        }
    }
}

async fn limited<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, RequestError> {
    match tokio::time::timeout(TIMEOUT, request).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(RequestError::TimedOut),
    }
}

fn params() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}
