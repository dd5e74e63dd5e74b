//! What a new leader does before it hands out anything.
//!
//! Its predecessor may have been stopped with writes under way. Such a write is valid for one version of one Service;
//! it can't know that its address was given to somebody else meanwhile. So the new leader *touches* every Service
//! that such a write could give an address: it writes its term (`metallb.io/allocator-epoch`) onto it. That makes a
//! new version, and the late write meets a conflict. Where the touch itself meets one, the Service has changed, maybe
//! by the late write: then it is asked how it stands, and what it shows is in use.
//!
//! Services that every controller would leave as they are need no touch; in a cluster at rest there is nothing to do.

use std::collections::{BTreeMap, VecDeque};

use herald_ipam::ServiceKey;

use crate::lead::Epoch;

/// The fence of one term.
#[derive(Debug)]
pub(super) struct Fence {
    epoch: Epoch,
    /// Services to be touched, in the version that they had; gone when that version is the past.
    open: BTreeMap<ServiceKey, String>,
    todo: VecDeque<ServiceKey>,
    surveyed: bool,
}

impl Fence {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self { epoch, open: BTreeMap::new(), todo: VecDeque::new(), surveyed: false }
    }

    /// The term.
    pub(super) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Whether it is known what is to be touched.
    pub(super) fn is_surveyed(&self) -> bool {
        self.surveyed
    }

    /// These are to be touched, in these versions.
    pub(super) fn survey(&mut self, open: BTreeMap<ServiceKey, String>) {
        self.todo = open.keys().cloned().collect();
        self.open = open;
        self.surveyed = true;
    }

    /// Whether nothing is left to be touched.
    pub(super) fn is_up(&self) -> bool {
        self.surveyed && self.open.is_empty()
    }

    /// The next Service to touch.
    pub(super) fn next(&mut self) -> Option<ServiceKey> {
        loop {
            let key = self.todo.pop_front()?;
            if self.open.contains_key(&key) {
                return Some(key);
            }
        }
    }

    /// A Service is seen in this version. If it is still the one that was surveyed, it is to be touched (again).
    pub(super) fn seen(&mut self, key: &ServiceKey, version: &str) {
        match self.open.get(key) {
            Some(before) if before == version => self.todo.push_back(key.clone()),
            Some(_) => {
                self.open.remove(key);
            }
            None => {}
        }
    }

    /// A Service is gone: nothing can be written to it.
    pub(super) fn gone(&mut self, key: &ServiceKey) {
        self.open.remove(key);
    }
}
