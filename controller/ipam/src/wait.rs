//! Who waits for an address, and for which.
//!
//! A Service that could not be served waits for *topics*: a pool that was full, an address that
//! somebody had. Something becoming free wakes those who wait for it and nobody else, in the order
//! in which they began to wait. A woken Service keeps its place until it is decided again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::Family;

use crate::{AddressRefusal, PoolRefusal, Refusal, ServiceKey};

/// Something that may become free.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// Any address of this pool.
    Pool(Arc<str>),
    /// This address.
    Address(IpAddr),
    /// An address of this pool that the namespace uses, of this family.
    Quota(Arc<str>, Arc<str>, Family),
}

/// Place in the queue of those who wait; lower came first.
type Seniority = u64;

/// All waiting Services.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    next: Seniority,
    waiting: BTreeMap<ServiceKey, (Seniority, Vec<Topic>)>,
    by_topic: BTreeMap<Topic, BTreeSet<Seniority>>,
    by_seniority: BTreeMap<Seniority, ServiceKey>,
    woken: BTreeSet<Seniority>,
}

impl Waits {
    /// Has `key` wait for what `refusal` lacked. One that waits already keeps its place.
    pub(crate) fn begin(&mut self, key: &ServiceKey, refusal: &Refusal) {
        let seniority = match self.forget_topics(key) {
            Some(seniority) => seniority,
            None => {
                self.next += 1;
                self.by_seniority.insert(self.next, key.clone());
                self.next
            }
        };
        let topics = topics(refusal);
        for topic in &topics {
            self.by_topic.entry(topic.clone()).or_default().insert(seniority);
        }
        self.waiting.insert(key.clone(), (seniority, topics));
        self.woken.remove(&seniority);
    }

    /// `key` waits no longer.
    pub(crate) fn end(&mut self, key: &ServiceKey) {
        if let Some(seniority) = self.forget_topics(key) {
            self.by_seniority.remove(&seniority);
            self.woken.remove(&seniority);
        }
    }

    /// Something about `topic` became free.
    pub(crate) fn wake(&mut self, topic: &Topic) {
        if let Some(waiting) = self.by_topic.get(topic) {
            self.woken.extend(waiting);
        }
    }

    /// Takes those who were woken, who began to wait first in front.
    pub(crate) fn take_woken(&mut self) -> Vec<ServiceKey> {
        std::mem::take(&mut self.woken)
            .into_iter()
            .filter_map(|seniority| self.by_seniority.get(&seniority).cloned())
            .collect()
    }

    /// Everyone who waits, who began first in front.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ServiceKey> {
        self.by_seniority.values()
    }

    /// Those who wait for an address of `pool`: how many, and who, first come first.
    pub(crate) fn for_pool(&self, pool: Arc<str>) -> (usize, impl Iterator<Item = &ServiceKey>) {
        let waiting = self.by_topic.get(&Topic::Pool(pool));
        let keys = waiting.into_iter().flatten().filter_map(|seniority| self.by_seniority.get(seniority));
        (waiting.map_or(0, BTreeSet::len), keys)
    }

    fn forget_topics(&mut self, key: &ServiceKey) -> Option<Seniority> {
        let (seniority, topics) = self.waiting.remove(key)?;
        for topic in topics {
            if let Some(waiting) = self.by_topic.get_mut(&topic) {
                waiting.remove(&seniority);
                if waiting.is_empty() {
                    self.by_topic.remove(&topic);
                }
            }
        }
        Some(seniority)
    }
}

/// What must become free before a refusal can turn out otherwise. Other refusals end by a change
/// of the Service or of the configuration.
fn topics(refusal: &Refusal) -> Vec<Topic> {
    match refusal {
        Refusal::Address { address, why: AddressRefusal::InUse(_), .. } => vec![Topic::Address(*address)],
        Refusal::Address { pool, why: AddressRefusal::Pool(why), .. } => topic(pool, why).into_iter().collect(),
        Refusal::NoneAvailable(pools) => pools.iter().filter_map(|(pool, why)| topic(pool, why)).collect(),
        _ => Vec::new(),
    }
}

fn topic(pool: &Arc<str>, why: &PoolRefusal) -> Option<Topic> {
    match why {
        PoolRefusal::Full { .. } => Some(Topic::Pool(pool.clone())),
        PoolRefusal::Quota { namespace, family, .. } => Some(Topic::Quota(pool.clone(), namespace.clone(), *family)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(pool: &str) -> Refusal {
        Refusal::NoneAvailable(vec![(pool.into(), PoolRefusal::Full { family: Family::V4, capacity: 1 })])
    }

    fn key(name: &str) -> ServiceKey {
        ServiceKey::new("ns", name)
    }

    #[test]
    fn only_those_who_wait_for_it_are_woken_in_their_order() {
        let mut waits = Waits::default();
        waits.begin(&key("z"), &full("a"));
        waits.begin(&key("y"), &full("b"));
        waits.begin(&key("x"), &full("a"));
        waits.begin(&key("z"), &full("a"));
        waits.wake(&Topic::Pool("a".into()));
        assert_eq!(waits.take_woken(), [key("z"), key("x")]);
        assert_eq!(waits.take_woken(), []);
        waits.end(&key("z"));
        waits.wake(&Topic::Pool("a".into()));
        assert_eq!(waits.take_woken(), [key("x")]);
        assert_eq!(waits.all().collect::<Vec<_>>(), [&key("y"), &key("x")]);
        for name in ["x", "y"] {
            waits.end(&key(name));
        }
        assert!(waits.by_topic.is_empty() && waits.waiting.is_empty() && waits.by_seniority.is_empty());
    }
}
