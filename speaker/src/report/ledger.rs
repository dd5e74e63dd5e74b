//! What should stand in the API about this node's announcements, and what does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::watch::service::ServiceKey;

/// How long nobody must have announced a Service before that is said: endpoints of a new Service come a moment after
/// its address.
const PATIENCE: Duration = Duration::from_secs(1);

/// Interfaces an address is answered on; empty means all.
pub type Interfaces = BTreeSet<String>;

/// What a ServiceL2Status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This node announces the Service.
    Announced {
        /// Where.
        interfaces: Interfaces,
        /// Another machine says that it has one of the addresses: which, and what to do.
        conflict: Option<String>,
    },
    /// Nobody announces it.
    Unannounced {
        /// Why, in one word.
        reason: String,
        /// Why, in a sentence.
        message: String,
    },
}

/// The next thing to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Say this of the Service, and remove what speakers have said who can't do it themselves any more.
    Set(ServiceKey, Said),
    /// Remove what this node says of it.
    Remove(ServiceKey),
}

/// Compares the two and says what is to be written. A state that changes ten times before its turn is written once.
#[derive(Debug, Default)]
pub struct Ledger {
    /// With the time before which it is not to be written.
    desired: BTreeMap<ServiceKey, (Said, Duration)>,
    /// What the API holds of ours, as far as we know; `None`: perhaps something, who knows what.
    actual: BTreeMap<ServiceKey, Option<Said>>,
    queue: VecDeque<ServiceKey>,
    queued: BTreeSet<ServiceKey>,
    /// To be queued at that time.
    later: BTreeSet<(Duration, ServiceKey)>,
    /// What a predecessor left may be removed only after the first full decision.
    settled: bool,
}

impl Ledger {
    /// What the API holds of ours at the start; `None`: an object that says nothing (yet).
    pub fn adopt(&mut self, found: impl IntoIterator<Item = (ServiceKey, Option<Said>)>) {
        for (service, said) in found {
            self.actual.insert(service.clone(), said);
            self.enqueue(service);
        }
    }

    /// The first full decision was made: whatever is not desired by now is to be removed.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// This is to be said of the Service by this node; `None`: nothing.
    pub fn set(&mut self, service: &ServiceKey, said: Option<Said>, now: Duration) {
        let before = self.desired.get(service);
        if before.map(|(said, _)| said) == said.as_ref() {
            return;
        }
        let Some(said) = said else {
            self.desired.remove(service);
            // Whoever announces it now may take ours for a dead one's.
            self.actual.entry(service.clone()).and_modify(|actual| *actual = None);
            return self.enqueue(service.clone());
        };
        let not_before = match (&said, before) {
            (Said::Announced { .. }, _) => Duration::ZERO,
            (Said::Unannounced { .. }, Some((Said::Unannounced { .. }, at))) if *at > now => *at,
            (Said::Unannounced { .. }, _) => now.saturating_add(PATIENCE),
        };
        self.desired.insert(service.clone(), (said, not_before));
        self.enqueue(service.clone());
    }

    /// The next write, if one is due. Tell its end with [`written`](Self::written) or [`failed`](Self::failed).
    pub fn next_write(&mut self, now: Duration) -> Option<Write> {
        if !self.settled {
            return None;
        }
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            let due = self.later.pop_first();
            due.into_iter().for_each(|(_, service)| self.enqueue(service));
        }
        while let Some(service) = self.queue.pop_front() {
            self.queued.remove(&service);
            match (self.desired.get(&service), self.actual.get(&service)) {
                (Some((said, _)), Some(Some(actual))) if said == actual => {}
                (Some((_, not_before)), _) if *not_before > now => drop(self.later.insert((*not_before, service))),
                (Some((said, _)), _) => return Some(Write::Set(service.clone(), said.clone())),
                (None, Some(_)) => return Some(Write::Remove(service)),
                (None, None) => {}
            }
        }
        None
    }

    /// The write succeeded.
    pub fn written(&mut self, write: Write) {
        let service = match write {
            Write::Set(service, said) => {
                // Given up meanwhile: then somebody else may have removed it already.
                let said = self.desired.contains_key(&service).then_some(said);
                self.actual.insert(service.clone(), said);
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
        self.actual.insert(service.clone(), None);
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

    const START: Duration = Duration::from_secs(100);

    fn key(name: &str) -> ServiceKey {
        ServiceKey::new("n", name)
    }

    fn on(names: &[&str]) -> Said {
        Said::Announced { interfaces: names.iter().map(|name| (*name).to_owned()).collect(), conflict: None }
    }

    fn nobody(message: &str) -> Said {
        Said::Unannounced { reason: "NoEligibleNode".into(), message: message.into() }
    }

    fn settled() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.settle();
        ledger
    }

    fn say(ledger: &mut Ledger, said: Option<Said>) {
        ledger.set(&key("web"), said, START);
    }

    fn after(millis: u64) -> Duration {
        START + Duration::from_millis(millis)
    }

    #[test]
    fn nothing_is_written_before_the_first_decision() {
        let mut ledger = Ledger::default();
        ledger.adopt([(key("old"), Some(on(&[])))]);
        ledger.set(&key("new"), Some(on(&[])), START);
        assert_eq!(ledger.next_write(START), None);
        ledger.settle();
        assert_eq!(ledger.next_write(START), Some(Write::Remove(key("old"))));
        assert_eq!(ledger.next_write(START), Some(Write::Set(key("new"), on(&[]))));
        assert_eq!(ledger.next_write(START), None);
    }

    #[test]
    fn what_a_predecessor_wrote_is_not_written_again() {
        for said in [on(&["eth0"]), nobody("why")] {
            let mut ledger = settled();
            ledger.adopt([(key("web"), Some(said.clone()))]);
            say(&mut ledger, Some(said));
            assert_eq!(ledger.next_write(after(5000)), None);
        }
        let mut ledger = settled();
        ledger.adopt([(key("web"), None)]);
        say(&mut ledger, Some(on(&[])));
        assert_eq!(ledger.next_write(START), Some(Write::Set(key("web"), on(&[]))), "but what it left half done is");
    }

    #[test]
    fn many_changes_are_one_write() {
        let mut ledger = settled();
        for said in [Some(on(&["a"])), None, Some(on(&["b"])), Some(on(&["c"]))] {
            say(&mut ledger, said);
        }
        let write = ledger.next_write(START).unwrap();
        assert_eq!(write, Write::Set(key("web"), on(&["c"])));
        ledger.written(write);
        assert_eq!(ledger.next_write(START), None);
    }

    #[test]
    fn what_was_given_up_is_written_again_since_another_may_have_removed_it() {
        let mut ledger = settled();
        say(&mut ledger, Some(on(&[])));
        let write = ledger.next_write(START).unwrap();
        ledger.written(write);
        say(&mut ledger, None);
        say(&mut ledger, Some(on(&[])));
        assert_eq!(ledger.next_write(START), Some(Write::Set(key("web"), on(&[]))));
    }

    #[test]
    fn a_change_during_a_write_is_written_after_it_and_a_failure_again() {
        let mut ledger = settled();
        say(&mut ledger, Some(on(&[])));
        let write = ledger.next_write(START).unwrap();
        say(&mut ledger, None);
        ledger.written(write);
        let write = ledger.next_write(START).unwrap();
        assert_eq!(write, Write::Remove(key("web")));
        ledger.failed(&write);
        assert_eq!(ledger.next_write(START), Some(Write::Remove(key("web"))));
    }

    #[test]
    fn a_failed_write_that_is_not_wanted_any_more_is_removed_all_the_same() {
        let mut ledger = settled();
        say(&mut ledger, Some(on(&[])));
        let write = ledger.next_write(START).unwrap();
        ledger.failed(&write);
        say(&mut ledger, None);
        assert_eq!(ledger.next_write(START), Some(Write::Remove(key("web"))), "it may stand there");
    }

    #[test]
    fn that_nobody_announces_is_said_after_a_moment_and_taken_back_at_once() {
        let mut ledger = settled();
        say(&mut ledger, Some(nobody("no endpoint")));
        assert_eq!(ledger.next_write(after(0)), None);
        assert_eq!(ledger.next_write(after(999)), None);
        // Other words in the meantime don't prolong it.
        ledger.set(&key("web"), Some(nobody("no node")), after(500));
        let write = ledger.next_write(after(1000)).unwrap();
        assert_eq!(write, Write::Set(key("web"), nobody("no node")));
        ledger.written(write);
        assert_eq!(ledger.next_write(after(5000)), None);
        ledger.set(&key("web"), Some(on(&[])), after(6000));
        assert_eq!(ledger.next_write(after(6000)), Some(Write::Set(key("web"), on(&[]))));

        let mut ledger = settled();
        say(&mut ledger, Some(nobody("no endpoint")));
        assert_eq!(ledger.next_write(START), None);
        say(&mut ledger, None);
        assert_eq!(ledger.next_write(after(5000)), None, "it did not last");
    }
}
