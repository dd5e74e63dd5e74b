//! Prefixes that wait to be announced, by what is to be said of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::attributes::Attributes;
use crate::value::{Family, Prefix};

type Key = (Family, Arc<Attributes>);

/// Prefixes with the same attributes share messages; groups take turns.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    waiting: BTreeMap<Key, BTreeSet<Prefix>>,
    /// Every key of `waiting`, once; and perhaps some whose prefixes are gone.
    turns: VecDeque<Key>,
}

/// Many prefixes of one family, in their order, that are to wait.
#[derive(Debug, Default)]
pub(super) struct Gathering(BTreeMap<Arc<Attributes>, Vec<Prefix>>);

impl Gathering {
    pub(super) fn add(&mut self, prefix: Prefix, attributes: &Arc<Attributes>) {
        match self.0.get_mut(attributes) {
            Some(prefixes) => prefixes.push(prefix),
            None => drop(self.0.insert(Arc::clone(attributes), vec![prefix])),
        }
    }
}

impl Groups {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn add(&mut self, prefix: Prefix, attributes: &Arc<Attributes>) {
        let key = (prefix.family(), Arc::clone(attributes));
        let turns = &mut self.turns;
        let group = self.waiting.entry(key).or_insert_with_key(|key| {
            turns.push_back(key.clone());
            BTreeSet::new()
        });
        group.insert(prefix);
    }

    /// All of `more` waits.
    pub(super) fn extend(&mut self, family: Family, more: Gathering) {
        for (attributes, prefixes) in more.0 {
            let key = (family, attributes);
            let turns = &mut self.turns;
            let group = self.waiting.entry(key).or_insert_with_key(|key| {
                turns.push_back(key.clone());
                BTreeSet::new()
            });
            // In their order: a set is made of these at once, not one by one.
            group.append(&mut prefixes.into_iter().collect());
        }
    }

    /// `prefix` does not wait any more, if it did with these attributes.
    pub(super) fn remove(&mut self, prefix: Prefix, attributes: Option<Arc<Attributes>>) {
        let Some(attributes) = attributes else { return };
        let key = (prefix.family(), attributes);
        let Some(group) = self.waiting.get_mut(&key) else { return };
        group.remove(&prefix);
        if group.is_empty() {
            self.waiting.remove(&key);
            // What comes and goes before its turn must not fill the queue.
            if self.turns.len() > 2 * self.waiting.len() + 16 {
                let mut seen = BTreeSet::new();
                self.turns.retain(|key| self.waiting.contains_key(key) && seen.insert(key.clone()));
            }
        }
    }

    /// The group whose turn it is, with all its prefixes.
    pub(super) fn take(&mut self) -> Option<(Family, Arc<Attributes>, BTreeSet<Prefix>)> {
        loop {
            let key = self.turns.pop_front()?;
            if let Some(group) = self.waiting.remove(&key) {
                return Some((key.0, key.1, group));
            }
        }
    }

    /// What is left of a group that had its turn.
    pub(super) fn put_back(&mut self, family: Family, attributes: Arc<Attributes>, rest: BTreeSet<Prefix>) {
        if rest.is_empty() {
            return;
        }
        let key = (family, attributes);
        self.turns.push_back(key.clone());
        self.waiting.insert(key, rest);
    }
}
