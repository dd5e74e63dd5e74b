//! The Services whose turn it is to be decided.

use std::collections::{BTreeSet, VecDeque};

use herald_ipam::ServiceKey;

/// Services to decide, each once, first come first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: VecDeque<ServiceKey>,
    waiting: BTreeSet<ServiceKey>,
}

impl Queue {
    pub(super) fn push(&mut self, key: ServiceKey) {
        if self.waiting.insert(key.clone()) {
            self.order.push_back(key);
        }
    }

    pub(super) fn extend(&mut self, keys: impl IntoIterator<Item = ServiceKey>) {
        for key in keys {
            self.push(key);
        }
    }

    pub(super) fn remove(&mut self, key: &ServiceKey) {
        // It stays in the order and is passed over there.
        self.waiting.remove(key);
    }

    pub(super) fn pop(&mut self) -> Option<ServiceKey> {
        loop {
            let key = self.order.pop_front()?;
            if self.waiting.remove(&key) {
                return Some(key);
            }
        }
    }
}
