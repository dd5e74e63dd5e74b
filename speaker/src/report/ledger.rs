//! What should stand in the API about this node's announcements, and what does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::watch::service::ServiceKey;

/// Interfaces an address is answered on; empty means all.
pub type Interfaces = BTreeSet<String>;

/// The next thing to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Say that this node announces the Service on these interfaces, and remove what other nodes say of it.
    Set(ServiceKey, Interfaces),
    /// Remove what this node says of it.
    Remove(ServiceKey),
}

/// Compares the two and says what is to be written. A state that changes ten times before its turn is written once.
#[derive(Debug, Default)]
pub struct Ledger {
    desired: BTreeMap<ServiceKey, Interfaces>,
    /// What the API holds of ours, as far as we know; a Service that is being written is in neither state for sure.
    actual: BTreeMap<ServiceKey, Interfaces>,
    queue: VecDeque<ServiceKey>,
    queued: BTreeSet<ServiceKey>,
    /// What a predecessor left may be removed only after the first full decision.
    settled: bool,
}

impl Ledger {
    /// What the API holds of ours at the start.
    pub fn adopt(&mut self, found: impl IntoIterator<Item = (ServiceKey, Interfaces)>) {
        for (service, interfaces) in found {
            self.actual.insert(service.clone(), interfaces);
            self.enqueue(service);
        }
    }

    /// The first full decision was made: whatever is not desired by now is to be removed.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// This node announces (`Some`) or does not announce (`None`) the Service.
    pub fn set(&mut self, service: &ServiceKey, interfaces: Option<Interfaces>) {
        let changed = match interfaces {
            Some(new) => self.desired.insert(service.clone(), new.clone()) != Some(new),
            None => self.desired.remove(service).is_some(),
        };
        if changed {
            self.enqueue(service.clone());
        }
    }

    /// The next write, if one is due. Tell its end with [`written`](Self::written) or [`failed`](Self::failed).
    pub fn next_write(&mut self) -> Option<Write> {
        if !self.settled {
            return None;
        }
        while let Some(service) = self.queue.pop_front() {
            self.queued.remove(&service);
            match (self.desired.get(&service), self.actual.get(&service)) {
                (Some(desired), actual) if Some(desired) != actual => {
                    return Some(Write::Set(service.clone(), desired.clone()));
                }
                (None, Some(_)) => return Some(Write::Remove(service)),
                _ => {}
            }
        }
        None
    }

    /// The write succeeded.
    pub fn written(&mut self, write: Write) {
        let service = match write {
            Write::Set(service, interfaces) => {
                self.actual.insert(service.clone(), interfaces);
                service
            }
            Write::Remove(service) => {
                self.actual.remove(&service);
                service
            }
        };
        self.enqueue(service); // it may have changed again meanwhile
    }

    /// The write failed: what the API holds is not known; it is to be tried again.
    pub fn failed(&mut self, write: &Write) {
        let (Write::Set(service, _) | Write::Remove(service)) = write;
        if matches!(write, Write::Set(..)) {
            self.actual.remove(service);
        }
        self.enqueue(service.clone());
    }

    fn enqueue(&mut self, service: ServiceKey) {
        if self.queued.insert(service.clone()) {
            self.queue.push_back(service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ServiceKey {
        ServiceKey { namespace: "n".into(), name: name.into() }
    }

    fn on(names: &[&str]) -> Interfaces {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nothing_is_written_before_the_first_decision() {
        let mut ledger = Ledger::default();
        ledger.adopt([(key("old"), on(&[]))]);
        ledger.set(&key("new"), Some(on(&[])));
        assert_eq!(ledger.next_write(), None);
        ledger.settle();
        assert_eq!(ledger.next_write(), Some(Write::Remove(key("old"))));
        assert_eq!(ledger.next_write(), Some(Write::Set(key("new"), on(&[]))));
        assert_eq!(ledger.next_write(), None);
    }

    #[test]
    fn what_a_predecessor_wrote_is_not_written_again() {
        let mut ledger = Ledger::default();
        ledger.adopt([(key("web"), on(&["eth0"]))]);
        ledger.set(&key("web"), Some(on(&["eth0"])));
        ledger.settle();
        assert_eq!(ledger.next_write(), None);
    }

    #[test]
    fn many_changes_are_one_write() {
        let mut ledger = Ledger::default();
        ledger.settle();
        for interfaces in [Some(on(&["a"])), None, Some(on(&["b"])), Some(on(&["c"]))] {
            ledger.set(&key("web"), interfaces);
        }
        let write = ledger.next_write().unwrap();
        assert_eq!(write, Write::Set(key("web"), on(&["c"])));
        ledger.written(write);
        assert_eq!(ledger.next_write(), None);
        ledger.set(&key("web"), None);
        ledger.set(&key("web"), Some(on(&["c"])));
        assert_eq!(ledger.next_write(), None, "there and back is no change");
    }

    #[test]
    fn a_change_during_a_write_is_written_after_it_and_a_failure_again() {
        let mut ledger = Ledger::default();
        ledger.settle();
        ledger.set(&key("web"), Some(on(&[])));
        let write = ledger.next_write().unwrap();
        ledger.set(&key("web"), None);
        ledger.written(write);
        let write = ledger.next_write().unwrap();
        assert_eq!(write, Write::Remove(key("web")));
        ledger.failed(&write);
        assert_eq!(ledger.next_write(), Some(Write::Remove(key("web"))));
    }
}
