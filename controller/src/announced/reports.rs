//! What the speakers say, by Service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use herald_ipam::ServiceKey;
use herald_runtime::watch::Change;

use crate::watch::{Said, SeenReport};

/// What the speakers say, by Service.
#[derive(Debug, Default)]
pub struct Reports {
    /// By the object's name, in its order, so that the same objects always read the same.
    by_service: BTreeMap<ServiceKey, Vec<(Arc<str>, Said)>>,
    listed: bool,
}

impl Reports {
    /// Whether all have been seen at least once.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Something happened to objects of one kind. Returns the Services of which something else is said now.
    pub fn follow(&mut self, change: Change<SeenReport>) -> BTreeSet<ServiceKey> {
        let mut changed = BTreeSet::new();
        match change {
            Change::Reset(all) => {
                self.listed = true;
                let before = std::mem::take(&mut self.by_service);
                for seen in all {
                    self.apply(seen);
                }
                let differ = |service: &&ServiceKey| before.get(*service) != self.by_service.get(*service);
                changed.extend(before.keys().chain(self.by_service.keys()).filter(differ).cloned());
            }
            Change::Applied(seen) => {
                let service = seen.service.clone();
                if self.apply(seen) {
                    changed.insert(service);
                }
            }
            Change::Deleted(seen) => {
                if let Some(said) = self.by_service.get_mut(&seen.service) {
                    said.retain(|(name, _)| *name != seen.name);
                    if said.is_empty() {
                        self.by_service.remove(&seen.service);
                    }
                    changed.insert(seen.service);
                }
            }
            Change::Broken(_) => {}
        }
        changed
    }

    /// What is said of a Service.
    pub fn of(&self, service: &ServiceKey) -> impl Iterator<Item = &Said> {
        self.by_service.get(service).into_iter().flatten().map(|(_, said)| said)
    }

    fn apply(&mut self, SeenReport { name, service, said }: SeenReport) -> bool {
        let all = self.by_service.entry(service).or_default();
        match all.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(place) => match all.get_mut(place) {
                Some((_, before)) if *before != said => {
                    *before = said;
                    true
                }
                _ => false,
            },
            Err(place) => {
                all.insert(place, (name, said));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(name: &str, service: &str, node: &str) -> SeenReport {
        SeenReport { name: name.into(), service: ServiceKey::new("n", service), said: Said::Announced(node.into()) }
    }

    fn nodes(reports: &Reports, service: &str) -> Vec<String> {
        let node = |said: &Said| match said {
            Said::Announced(node) => Some(node.to_string()),
            _ => None,
        };
        reports.of(&ServiceKey::new("n", service)).filter_map(node).collect()
    }

    fn changed(reports: &mut Reports, change: Change<SeenReport>) -> Vec<String> {
        reports.follow(change).into_iter().map(|key| key.name.to_string()).collect()
    }

    #[test]
    fn only_what_changes_is_named() {
        let mut reports = Reports::default();
        assert_eq!(changed(&mut reports, Change::Applied(on("1", "web", "a"))), ["web"]);
        assert_eq!(changed(&mut reports, Change::Applied(on("1", "web", "a"))), [""; 0]);
        assert_eq!(changed(&mut reports, Change::Applied(on("2", "web", "b"))), ["web"]);
        assert_eq!(nodes(&reports, "web"), ["a", "b"]);
        assert_eq!(changed(&mut reports, Change::Deleted(on("1", "web", "a"))), ["web"]);
        assert_eq!(nodes(&reports, "web"), ["b"]);
        assert!(!reports.is_listed());
        let all = vec![on("2", "web", "b"), on("3", "db", "c")];
        assert_eq!(changed(&mut reports, Change::Reset(all)), ["db"]);
        assert!(reports.is_listed());
        assert_eq!(changed(&mut reports, Change::Reset(vec![])), ["db", "web"]);
        assert!(reports.by_service.is_empty(), "nothing is left behind");
        assert_eq!(changed(&mut reports, Change::Deleted(on("9", "gone", "a"))), [""; 0]);
    }
}
