//! The store: what etcd and the watch cache are to a real API server.
//!
//! One counter numbers every write (`resourceVersion`). Objects live in *collections* (one per resource), ordered as
//! etcd orders its keys. Each collection keeps a bounded history of its events, from which every watcher reads at its
//! own pace; a `tokio::sync::watch` per collection wakes them. An object's JSON is encoded once, when it is written,
//! and shared by every answer and every watcher.

mod collection;
mod history;
mod object;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use collection::Collection;
pub(crate) use history::{Event, TooOld};
pub(crate) use object::{Object, key};

/// All objects of the server.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    history: usize,
}

#[derive(Debug)]
struct State {
    revision: u64,
    /// Watches cannot begin before this: the server had no history when it started anew.
    floor: u64,
    /// What etcd has forgotten; it matters once the server has no history of its own.
    compacted: u64,
    /// Exact old versions before this are gone.
    exact_floor: u64,
    collections: HashMap<Arc<str>, Collection>,
}

/// What must hold for a write to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// There is no such object.
    Absent,
    /// The object is at this version.
    At(u64),
}

/// The object is not in the state that the write expected; this is what is there.
#[derive(Debug)]
pub(crate) struct Changed(pub(crate) Option<Arc<Object>>);

/// A collection's content at one revision.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The store's revision.
    pub(crate) revision: u64,
    /// In key order.
    pub(crate) objects: Vec<Arc<Object>>,
}

impl Store {
    /// An empty store that remembers `history` events per collection.
    pub(crate) fn new(history: usize) -> Self {
        Self {
            state: Mutex::new(State {
                revision: 1,
                floor: 0,
                compacted: 0,
                exact_floor: 0,
                collections: HashMap::new(),
            }),
            history: history.max(1),
        }
    }

    /// The newest revision.
    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// One object.
    pub(crate) fn get(&self, collection: &str, key: &str) -> Option<Arc<Object>> {
        self.lock().collections.get(collection)?.get(key)
    }

    /// All objects whose key begins with `prefix`, and the store's revision.
    pub(crate) fn list(&self, collection: &str, prefix: &str) -> Snapshot {
        let state = self.lock();
        Snapshot {
            revision: state.revision,
            objects: state.collections.get(collection).map(|c| c.list(prefix)).unwrap_or_default(),
        }
    }

    /// The same as it was at an older revision.
    ///
    /// # Errors
    /// [`TooOld`] when history does not reach back that far or was compacted.
    pub(crate) fn list_at(&self, collection: &str, prefix: &str, revision: u64) -> Result<Snapshot, TooOld> {
        let state = self.lock();
        if revision < state.exact_floor {
            return Err(TooOld { oldest: state.exact_floor });
        }
        let objects = match state.collections.get(collection) {
            Some(collection) => collection.list_at(prefix, revision)?,
            None => Vec::new(),
        };
        Ok(Snapshot { revision, objects })
    }

    /// Creates or replaces an object; `resourceVersion` is filled in.
    ///
    /// # Errors
    /// [`Changed`] when the expectation does not hold.
    pub(crate) fn put(
        &self,
        collection: &Arc<str>,
        key: &str,
        expect: Expect,
        value: Value,
    ) -> Result<Arc<Object>, Changed> {
        let mut state = self.lock();
        let revision = state.revision + 1;
        let collection = state.collection(collection);
        collection.check(key, expect)?;
        let object = collection.put(key, value, revision, self.history);
        state.revision = revision;
        Ok(object)
    }

    /// Reads everything in a collection in another way from now on, as when a definition's schema changes: objects are
    /// stored as they were, so this is no write, and nobody who watches is told.
    pub(crate) fn reread(&self, collection: &Arc<str>, read: impl Fn(&mut Value)) {
        self.lock().collection(collection).reread(read);
    }

    /// Deletes an object. Watchers see `last`, if given, as its final content; else what is stored.
    ///
    /// # Errors
    /// [`Changed`] when the object is not at version `at`.
    pub(crate) fn delete(
        &self,
        collection: &Arc<str>,
        key: &str,
        at: u64,
        last: Option<Value>,
    ) -> Result<Arc<Object>, Changed> {
        let mut state = self.lock();
        let revision = state.revision + 1;
        let collection = state.collection(collection);
        collection.check(key, Expect::At(at))?;
        let object = collection.delete(key, last, revision, self.history)?;
        state.revision = revision;
        Ok(object)
    }

    /// A receiver that changes with every write to the collection.
    pub(crate) fn subscribe(&self, collection: &Arc<str>) -> watch::Receiver<u64> {
        self.lock().collection(collection).subscribe()
    }

    /// Up to `max` events after revision `after`, oldest first, and the revision up to which all are known.
    ///
    /// # Errors
    /// [`TooOld`] when history does not reach back that far.
    pub(crate) fn events_after(
        &self,
        collection: &str,
        after: u64,
        max: usize,
    ) -> Result<(Vec<Arc<Event>>, u64), TooOld> {
        let state = self.lock();
        if after < state.floor {
            return Err(TooOld { oldest: state.floor });
        }
        let events = match state.collections.get(collection) {
            Some(collection) => collection.events_after(after, max)?,
            None => Vec::new(),
        };
        let known = match events.last() {
            Some(event) if events.len() >= max => event.revision,
            _ => state.revision,
        };
        Ok((events, known))
    }

    /// Plays a compaction of etcd. Nothing changes as long as the server has the history in memory.
    pub(crate) fn compact(&self) {
        let mut state = self.lock();
        state.compacted = state.revision;
    }

    /// Forgets what a restart of the server forgets: what watches could begin with, and what etcd has forgotten too.
    pub(crate) fn forget_history(&self) {
        let mut state = self.lock();
        state.floor = state.revision;
        state.exact_floor = state.compacted;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn collection(&mut self, name: &Arc<str>) -> &mut Collection {
        self.collections.entry(Arc::clone(name)).or_default()
    }
}
