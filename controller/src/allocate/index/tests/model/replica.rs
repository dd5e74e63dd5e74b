//! A replica of the controller and its watches.

use std::collections::VecDeque;
use std::time::Duration;

use herald_compiler::object::Namespace;
use herald_runtime::watch::Change;

use super::super::super::Index;
use crate::compile::SeenPool;
use crate::lead::Epoch;
use crate::watch::SeenService;

pub(super) struct Replica {
    pub(super) index: Index,
    /// Which life this is: answers to requests of an earlier one go nowhere.
    pub(super) life: u64,
    /// It leads, and its index has been told.
    pub(super) leads: bool,
    /// What the watch of Services has not said yet.
    pub(super) services: VecDeque<Change<SeenService>>,
    /// What the watch of pools has not said yet.
    pub(super) pools: VecDeque<Vec<SeenPool>>,
    /// What the watch of namespaces has not said yet.
    pub(super) namespaces: VecDeque<Vec<Namespace>>,
}

impl Replica {
    /// One that starts and is about to be told these lists.
    pub(super) fn start(
        life: u64,
        services: Vec<SeenService>,
        pools: Vec<SeenPool>,
        namespaces: Vec<Namespace>,
    ) -> Self {
        let index = Index::new(None, "metallb-system".into());
        let (services, pools, namespaces) = ([Change::Reset(services)].into(), [pools].into(), [namespaces].into());
        Self { index, life, leads: false, services, pools, namespaces }
    }

    /// It leads from now on; what its new watch lists is `services`.
    pub(super) fn lead(&mut self, epoch: Epoch, services: Vec<SeenService>) {
        self.index.begin_term(epoch);
        self.services = [Change::Reset(services)].into();
        self.leads = true;
    }

    /// Its watches say the next thing, that of Services last. False if there is nothing to say.
    pub(super) fn hear(&mut self, now: Duration) -> bool {
        if let Some(namespaces) = self.namespaces.pop_front() {
            self.index.namespaces(Change::Reset(namespaces), now);
        } else if let Some(pools) = self.pools.pop_front() {
            self.index.pools(Change::Reset(pools), now);
        } else if let Some(change) = self.services.pop_front() {
            self.index.services(change, now);
        } else {
            return false;
        }
        true
    }

    /// The next two things that the watch of Services says come in the other order, if they may.
    pub(super) fn swap(&mut self) {
        let name = |change: &Change<SeenService>| match change {
            Change::Applied(seen) | Change::Deleted(seen) => Some(seen.key().clone()),
            _ => None,
        };
        if let [Some(one), Some(other)] = [0, 1].map(|place| self.services.get(place).and_then(name))
            && one != other
        {
            self.services.swap(0, 1);
        }
    }
}
