//! The objects of one resource, and their history.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::history::{Event, History, TooOld};
use super::{Changed, Expect, Object};

#[derive(Debug)]
pub(super) struct Collection {
    objects: BTreeMap<String, Arc<Object>>,
    history: History,
    latest: watch::Sender<u64>,
}

impl Default for Collection {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), history: History::default(), latest: watch::Sender::new(0) }
    }
}

impl Collection {
    pub(super) fn get(&self, key: &str) -> Option<Arc<Object>> {
        self.objects.get(key).cloned()
    }

    pub(super) fn list(&self, prefix: &str) -> Vec<Arc<Object>> {
        in_prefix(&self.objects, prefix).map(|(_, o)| Arc::clone(o)).collect()
    }

    /// Undoes, on a copy of the index, every event after `revision`.
    pub(super) fn list_at(&self, prefix: &str, revision: u64) -> Result<Vec<Arc<Object>>, TooOld> {
        let later = self.history.after(revision, usize::MAX)?;
        if later.is_empty() {
            return Ok(self.list(prefix));
        }
        let mut then = self.objects.clone();
        for event in later.iter().rev() {
            match &event.previous {
                Some(previous) => then.insert(event.key.clone(), Arc::clone(previous)),
                None => then.remove(&event.key),
            };
        }
        Ok(in_prefix(&then, prefix).map(|(_, o)| Arc::clone(o)).collect())
    }

    pub(super) fn check(&self, key: &str, expect: Expect) -> Result<(), Changed> {
        let current = self.objects.get(key);
        let holds = match expect {
            Expect::Absent => current.is_none(),
            Expect::At(revision) => current.is_some_and(|o| o.revision == revision),
        };
        if holds { Ok(()) } else { Err(Changed(current.cloned())) }
    }

    pub(super) fn put(&mut self, key: &str, value: Value, revision: u64, limit: usize) -> Arc<Object> {
        let object = Arc::new(Object::new(value, revision));
        let previous = self.objects.insert(key.to_owned(), Arc::clone(&object));
        self.record(key, &object, previous, false, revision, limit);
        object
    }

    pub(super) fn reread(&mut self, read: impl Fn(&mut Value)) {
        for object in self.objects.values_mut() {
            let mut value = object.value.clone();
            read(&mut value);
            if value != object.value {
                *object = Arc::new(Object::new(value, object.revision));
            }
        }
    }

    pub(super) fn delete(
        &mut self,
        key: &str,
        last: Option<Value>,
        revision: u64,
        limit: usize,
    ) -> Result<Arc<Object>, Changed> {
        let Some(previous) = self.objects.remove(key) else {
            return Err(Changed(None));
        };
        let value = last.unwrap_or_else(|| previous.value.clone());
        let object = Arc::new(Object::new(value, revision));
        self.record(key, &object, Some(previous), true, revision, limit);
        Ok(object)
    }

    pub(super) fn events_after(&self, after: u64, max: usize) -> Result<Vec<Arc<Event>>, TooOld> {
        self.history.after(after, max)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    fn record(
        &mut self,
        key: &str,
        object: &Arc<Object>,
        previous: Option<Arc<Object>>,
        deleted: bool,
        revision: u64,
        limit: usize,
    ) {
        let event = Event { revision, key: key.to_owned(), object: Arc::clone(object), previous, deleted };
        self.history.push(event, limit);
        self.latest.send_replace(revision);
    }
}

fn in_prefix<'a>(
    objects: &'a BTreeMap<String, Arc<Object>>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Arc<Object>)> {
    objects
        .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
        .take_while(move |(key, _)| key.starts_with(prefix))
}
