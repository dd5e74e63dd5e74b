//! An API server of plain values.

use std::collections::BTreeMap;

use herald_compiler::object;
use herald_ipam::ServiceKey;
use serde_json::{Value, json};

use crate::allocate::{AnnouncedWrite, ServiceWrite, StateWrite, StatusWrite, Written};
use crate::compile::{SeenPool, SeenStatus};
use crate::watch::{SeenService, SeenState};

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

/// What users and controllers have written.
#[derive(Default)]
pub(super) struct Server {
    pub(super) services: BTreeMap<ServiceKey, SeenService>,
    pub(super) pools: Vec<SeenPool>,
    /// ConfigurationState `controller`.
    pub(super) state: Option<SeenState>,
    /// The last resourceVersion.
    pub(super) version: u64,
}

impl Server {
    /// Creates a Service `NAMESPACE/NAME` of type LoadBalancer with these annotations and this spec beside the usual.
    pub(super) fn store(&mut self, namespace: &str, name: &str, annotations: Value, spec: Value) -> ServiceKey {
        self.version += 1;
        let mut service = json!({
            "metadata": {
                "namespace": namespace, "name": name, "uid": format!("uid-{}", self.version),
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

    /// Creates `shop/NAME`.
    pub(super) fn store_in_shop(&mut self, name: &str) -> ServiceKey {
        self.store("shop", name, json!({}), json!({}))
    }

    /// Changes a Service; no controller sees it yet.
    pub(super) fn change(&mut self, key: &ServiceKey, edit: impl FnOnce(&mut SeenService)) {
        self.version += 1;
        let service = self.services.get_mut(key).unwrap();
        edit(service);
        service.resource_version = self.version.to_string();
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
        service.reallocate &= !write.change.reallocated;
        if let Some(epoch) = &write.change.epoch {
            service.has_epoch = epoch.is_some();
        }
        Written::Stands(Box::new(service.clone()))
    }

    /// What the server does with a write of the condition `metallb.io/Announced`.
    pub(super) fn announce(&mut self, write: &AnnouncedWrite) -> Written {
        let Some(service) = self.services.get_mut(&write.key) else { return Written::Gone };
        if service.resource_version != write.resource_version {
            return Written::Conflict;
        }
        self.version += 1;
        service.resource_version = self.version.to_string();
        service.announced = write.change.as_ref().map(|change| change.condition.clone());
        Written::Stands(Box::new(service.clone()))
    }

    /// Writes ConfigurationState as a merge patch would.
    pub(super) fn state(&mut self, write: &StateWrite) -> SeenState {
        let before = self.state.take().unwrap_or_default();
        let patch = crate::write::state_patch(&write.outlook, &before.conditions);
        let state = SeenState {
            labelled: true,
            result: patch["status"]["result"].as_str().map(str::to_owned),
            summary: patch["status"]["errorSummary"].as_str().map(str::to_owned),
            conditions: serde_json::from_value(patch["status"]["conditions"].clone()).unwrap(),
        };
        self.state = Some(state.clone());
        state
    }

    /// Writes a pool's status.
    pub(super) fn status(&mut self, write: &StatusWrite) -> SeenStatus {
        let conditions = herald_crds::border::conditions(&write.verdict, &write.before, Default::default());
        let status = SeenStatus { counters: write.counters, conditions };
        for pool in self.pools.iter_mut().filter(|pool| pool.object.meta.name == write.verdict.name) {
            pool.status = status.clone();
        }
        status
    }
}
