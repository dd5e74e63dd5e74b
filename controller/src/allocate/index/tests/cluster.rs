//! A controller's index in front of an API server of plain values.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use herald_ipam::ServiceKey;
use herald_runtime::events::Notice;
use herald_runtime::watch::Change;
use serde_json::{Value, json};

use super::super::Index;
use super::server::Server;
use crate::allocate::{Done, Fetched, Job, ServiceWrite};
use crate::compile::{Counters, SeenPool};

/// The services of a cluster, and the index of a controller that watches it.
pub(super) struct Cluster {
    pub(super) server: Server,
    pub(super) index: Index,
    pub(super) notices: Vec<Notice>,
    /// Service writes that were sent.
    pub(super) writes: Vec<ServiceWrite>,
    pub(super) now: Duration,
}

impl Deref for Cluster {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

impl Cluster {
    /// A controller that has listed an empty cluster with these pools.
    pub(super) fn new(pools: Vec<SeenPool>) -> Self {
        let mut cluster = Self {
            server: Server { pools, ..Server::default() },
            index: Index::new(None, "metallb-system".into()),
            notices: Vec::new(),
            writes: Vec::new(),
            now: Duration::ZERO,
        };
        cluster.restart();
        cluster
    }

    /// A new controller, which lists everything.
    pub(super) fn restart(&mut self) {
        self.index = Index::new(None, "metallb-system".into());
        self.index.pools(Change::Reset(self.server.pools.clone()), self.now);
        self.index.namespaces(Change::Reset(vec![]), self.now);
        self.index.services(Change::Reset(self.server.services.values().cloned().collect()), self.now);
    }

    pub(super) fn set_pools(&mut self, pools: Vec<SeenPool>) {
        self.pools = pools;
        self.index.pools(Change::Reset(self.server.pools.clone()), self.now);
    }

    /// Creates a Service `shop/NAME` of type LoadBalancer.
    pub(super) fn create(&mut self, name: &str) -> ServiceKey {
        self.create_with(name, json!({}), json!({}))
    }

    /// Creates one with these annotations and this spec beside the usual.
    pub(super) fn create_with(&mut self, name: &str, annotations: Value, spec: Value) -> ServiceKey {
        let key = self.server.store("shop", name, annotations, spec);
        self.show(&key);
        key
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
            Job::Announced(write) => {
                let outcome = self.server.announce(&write);
                Done::Announced { write, outcome }
            }
            Job::State(write) => Done::State { written: Some(self.server.state(&write)) },
            Job::Status(write) => {
                let status = self.server.status(&write);
                Done::Status { kind: write.verdict.kind, name: write.verdict.name, written: Some(status) }
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
