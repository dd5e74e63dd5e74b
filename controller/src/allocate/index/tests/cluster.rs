//! An API server of plain values, with a controller's index in front of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use herald_compiler::object;
use herald_ipam::ServiceKey;
use herald_runtime::events::Notice;
use herald_runtime::watch::Change;
use serde_json::{Value, json};

use super::super::Index;
use crate::allocate::{Done, Fetched, Job, ServiceWrite, Written};
use crate::compile::{Counters, SeenPool, SeenStatus};
use crate::watch::SeenService;

/// A pool as a user would write it, not reported on yet.
pub(super) fn pool(name: &str, addresses: &[&str]) -> SeenPool {
    let object = object::IpAddressPool {
        meta: object::ObjectMeta { name: name.into(), uid: name.into(), generation: 1, ..Default::default() },
        addresses: addresses.iter().map(ToString::to_string).collect(),
        auto_assign: true,
        ..Default::default()
    };
    SeenPool { object, status: SeenStatus::default() }
}

/// The services of a cluster, and the index of a controller that watches it.
pub(super) struct Cluster {
    pub(super) index: Index,
    pub(super) services: BTreeMap<ServiceKey, SeenService>,
    pub(super) pools: Vec<SeenPool>,
    pub(super) notices: Vec<Notice>,
    /// Service writes that were sent.
    pub(super) writes: Vec<ServiceWrite>,
    pub(super) now: Duration,
    version: u64,
}

impl Cluster {
    /// A controller that has listed an empty cluster with these pools.
    pub(super) fn new(pools: Vec<SeenPool>) -> Self {
        let mut cluster = Self {
            index: Index::new(None, "metallb-system".into()),
            services: BTreeMap::new(),
            pools,
            notices: Vec::new(),
            writes: Vec::new(),
            now: Duration::ZERO,
            version: 0,
        };
        cluster.restart();
        cluster
    }

    /// A new controller, which lists everything.
    pub(super) fn restart(&mut self) {
        self.index = Index::new(None, "metallb-system".into());
        self.index.pools(Change::Reset(self.pools.clone()), self.now);
        self.index.namespaces(Change::Reset(vec![]), self.now);
        self.index.services(Change::Reset(self.services.values().cloned().collect()), self.now);
    }

    pub(super) fn set_pools(&mut self, pools: Vec<SeenPool>) {
        self.pools = pools;
        self.index.pools(Change::Reset(self.pools.clone()), self.now);
    }

    /// Creates a Service `shop/NAME` of type LoadBalancer.
    pub(super) fn create(&mut self, name: &str) -> ServiceKey {
        self.create_with(name, json!({}), json!({}))
    }

    /// Creates one with these annotations and this spec beside the usual.
    pub(super) fn create_with(&mut self, name: &str, annotations: Value, spec: Value) -> ServiceKey {
        let key = self.store(name, annotations, spec);
        self.show(&key);
        key
    }

    /// Creates one; the controller does not see it yet.
    pub(super) fn store(&mut self, name: &str, annotations: Value, spec: Value) -> ServiceKey {
        self.version += 1;
        let mut service = json!({
            "metadata": {
                "namespace": "shop", "name": name, "uid": format!("uid-{}", self.version),
                "resourceVersion": self.version.to_string(), "annotations": annotations,
                "creationTimestamp": "2024-01-01T00:00:00Z",
            },
            "spec": { "type": "LoadBalancer", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 80}] },
        });
        for (field, value) in spec.as_object().unwrap() {
            service["spec"][field] = value.clone();
        }
        let seen = SeenService::of(serde_json::from_value(service).unwrap());
        let key = seen.key().clone();
        self.services.insert(key.clone(), seen);
        key
    }

    /// Changes a Service; the controller does not see it yet.
    pub(super) fn change(&mut self, key: &ServiceKey, edit: impl FnOnce(&mut SeenService)) {
        self.version += 1;
        let service = self.services.get_mut(key).unwrap();
        edit(service);
        service.resource_version = self.version.to_string();
    }

    /// The controller sees how a Service stands.
    pub(super) fn show(&mut self, key: &ServiceKey) {
        let seen = self.services[key].clone();
        self.index.services(Change::Applied(seen), self.now);
    }

    /// Deletes a Service, or makes it leave the selection; the controller sees it.
    pub(super) fn remove(&mut self, key: &ServiceKey) {
        let seen = self.services.remove(key).unwrap();
        self.index.services(Change::Deleted(seen), self.now);
    }

    /// The next jobs.
    pub(super) fn jobs(&mut self) -> Vec<Job> {
        let jobs = self.index.jobs(100, self.now);
        for job in &jobs {
            if let Job::Write(write) = job {
                self.writes.push(write.clone());
            }
        }
        jobs
    }

    /// What the server does with a write.
    pub(super) fn serve(&mut self, write: &ServiceWrite) -> Written {
        let Some(service) = self.services.get_mut(&write.key) else { return Written::Gone };
        if service.resource_version != write.resource_version {
            return Written::Conflict;
        }
        self.version += 1;
        service.resource_version = self.version.to_string();
        if let Some(addresses) = &write.change.ingress {
            service.request.shown.clone_from(addresses);
        }
        if let Some(pool) = &write.change.pool {
            service.request.recorded_pool.clone_from(pool);
        }
        if let Some(change) = &write.change.condition {
            service.condition = Some(change.condition.clone());
        }
        Written::Stands(Box::new(service.clone()))
    }

    /// Does a job as a server without faults would.
    pub(super) fn perform(&mut self, job: Job) {
        let done = match job {
            Job::Write(write) => {
                let outcome = self.serve(&write);
                Done::Write { write, outcome }
            }
            Job::Fetch { ticket, key } => {
                let found = self.services.get(&key).cloned();
                let outcome = found.map_or(Fetched::Gone, |seen| Fetched::Found(Box::new(seen)));
                Done::Fetch { ticket, key, outcome }
            }
            Job::Unmark { key } => Done::Unmark { key, clean: true },
            Job::Status(write) => {
                let name = write.verdict.name.clone();
                let conditions = herald_crds::border::conditions(&write.verdict, &write.before, Default::default());
                let status = SeenStatus { counters: write.counters, conditions };
                for pool in self.pools.iter_mut().filter(|pool| pool.object.meta.name == name) {
                    pool.status = status.clone();
                }
                Done::Status { kind: write.verdict.kind, name, written: Some(status) }
            }
        };
        self.index.done(done, self.now);
    }

    /// Does all jobs until none is left. Returns how many Service writes there were.
    pub(super) fn settle(&mut self) -> usize {
        let before = self.writes.len();
        for _ in 0..1000 {
            let jobs = self.jobs();
            if jobs.is_empty() {
                self.notices.extend(self.index.take_notices());
                return self.writes.len() - before;
            }
            for job in jobs {
                self.perform(job);
            }
        }
        panic!("the controller finds no end")
    }

    /// The addresses in a Service's status.
    pub(super) fn shown(&self, key: &ServiceKey) -> String {
        let shown: Vec<_> = self.services[key].request.shown.iter().map(IpAddr::to_string).collect();
        shown.join(" ")
    }

    pub(super) fn condition(&self, key: &ServiceKey) -> (bool, String) {
        let condition = self.services[key].condition.clone().unwrap();
        (condition.status, format!("{}: {}", condition.reason, condition.message))
    }

    /// The Events since the last call, as `reason: note`.
    pub(super) fn events(&mut self) -> Vec<String> {
        self.notices.drain(..).map(|notice| format!("{}: {}", notice.reason, notice.note)).collect()
    }

    pub(super) fn counters(&self, pool: &str) -> Counters {
        let pool = self.pools.iter().find(|one| one.object.meta.name == pool).unwrap();
        pool.status.counters.unwrap()
    }
}
