//! The endpoints of the Services that are announced, and of no others.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use crate::watch::endpoint_slice::{EndpointState, Slice};
use crate::watch::service::ServiceKey;

/// Endpoints by Service and slice.
///
/// Slices of Services that are not wanted are thrown away. When a Service becomes wanted after the watch began, its
/// slices have to be listed; what the watch says in the meantime is newer than the list and wins.
#[derive(Debug, Default)]
pub struct Endpoints {
    services: BTreeMap<ServiceKey, Slices>,
    watching: bool,
}

#[derive(Debug, Default)]
struct Slices {
    /// In order of their names. Most Services have one slice or two, and there are thousands of them: no space to spare.
    all: Vec<(Box<str>, States)>,
    /// While a list is under way: the slices the watch has spoken of since it was asked for.
    newer: Option<BTreeSet<String>>,
}

/// The best state per node, in order of the nodes.
type States = Box<[(Box<str>, EndpointState)]>;

impl Endpoints {
    /// Keeps the slices of `service` from now on; true if they have to be listed, because the watch has passed over
    /// them already.
    pub fn want(&mut self, service: &ServiceKey) -> bool {
        if self.services.contains_key(service) {
            return false;
        }
        let newer = self.watching.then(BTreeSet::new);
        self.services.insert(service.clone(), Slices { all: Vec::new(), newer });
        self.watching
    }

    /// Forgets `service`.
    pub fn unwant(&mut self, service: &ServiceKey) {
        self.services.remove(service);
    }

    /// The watch has listed everything there is. Returns the Services whose endpoints differ.
    pub fn reset(&mut self, all: Vec<Slice>) -> Vec<ServiceKey> {
        self.watching = true;
        let mut new: BTreeMap<ServiceKey, Slices> = BTreeMap::new();
        for slice in all {
            if self.services.contains_key(&slice.service) {
                new.entry(slice.service).or_default().set(&slice.name, states(slice.nodes));
            }
        }
        let mut changed = Vec::new();
        for (service, slices) in &mut self.services {
            let all = new.remove(service).unwrap_or_default().all;
            if mem::replace(&mut slices.all, all) != slices.all {
                changed.push(service.clone());
            }
            // The list under way may be older than this one; nothing it could say is still needed.
            slices.newer = None;
        }
        changed
    }

    /// One slice is new or changed; true if that changes a wanted Service.
    pub fn apply(&mut self, slice: Slice) -> bool {
        let Some(slices) = self.services.get_mut(&slice.service) else { return false };
        slices.note(&slice.name);
        slices.set(&slice.name, states(slice.nodes))
    }

    /// One slice is gone; true if that changes a wanted Service.
    pub fn delete(&mut self, slice: &Slice) -> bool {
        let Some(slices) = self.services.get_mut(&slice.service) else { return false };
        slices.note(&slice.name);
        slices.remove(&slice.name)
    }

    /// The list asked for by [`want`](Self::want) is here; true if it changes anything.
    pub fn listed(&mut self, service: &ServiceKey, all: Vec<Slice>) -> bool {
        let Some(slices) = self.services.get_mut(service) else { return false };
        let Some(newer) = slices.newer.take() else { return false };
        let mut changed = false;
        for slice in all.into_iter().filter(|slice| slice.service == *service && !newer.contains(&slice.name)) {
            changed |= slices.set(&slice.name, states(slice.nodes));
        }
        changed
    }

    /// True while a list of this Service's slices is under way: its endpoints are not known yet.
    #[must_use]
    pub fn is_pending(&self, service: &ServiceKey) -> bool {
        !self.watching || self.services.get(service).is_none_or(|slices| slices.newer.is_some())
    }

    /// The best state of the Service's endpoints on each node; `""` stands for endpoints without a node.
    #[must_use]
    pub fn by_node(&self, service: &ServiceKey) -> BTreeMap<&str, EndpointState> {
        let mut nodes = BTreeMap::new();
        for slice in self.services.get(service).into_iter().flat_map(|slices| &slices.all) {
            for (node, state) in &slice.1 {
                let best = nodes.entry(&**node).or_insert(*state);
                *best = (*best).max(*state);
            }
        }
        nodes
    }
}

fn states(nodes: BTreeMap<String, EndpointState>) -> States {
    nodes.into_iter().map(|(node, state)| (node.into(), state)).collect()
}

impl Slices {
    /// The slice of this name is so now; true if it was not.
    fn set(&mut self, name: &str, states: States) -> bool {
        match self.place(name) {
            Ok(place) => self.all.get_mut(place).is_some_and(|(_, known)| mem::replace(known, states) != *known),
            Err(place) => {
                if self.all.is_empty() {
                    self.all.reserve_exact(1);
                }
                self.all.insert(place, (name.into(), states));
                true
            }
        }
    }

    /// True if there was one of this name.
    fn remove(&mut self, name: &str) -> bool {
        self.place(name).map(|place| self.all.remove(place)).is_ok()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.all.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    fn note(&mut self, name: &str) {
        if let Some(newer) = &mut self.newer {
            newer.insert(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointState::{Ready, ServingTerminating};

    fn key(name: &str) -> ServiceKey {
        ServiceKey::new("shop", name)
    }

    fn slice(service: &str, name: &str, nodes: &[(&str, EndpointState)]) -> Slice {
        let nodes = nodes.iter().map(|(node, state)| ((*node).to_owned(), *state)).collect();
        Slice { service: key(service), name: name.into(), nodes }
    }

    #[test]
    fn only_wanted_services_are_kept() {
        let mut endpoints = Endpoints::default();
        assert!(!endpoints.want(&key("web")), "the first list brings them all");
        let changed = endpoints.reset(vec![slice("web", "1", &[("a", Ready)]), slice("other", "1", &[("b", Ready)])]);
        assert_eq!(changed, [key("web")]);
        assert!(!endpoints.apply(slice("other", "2", &[("c", Ready)])));
        assert!(endpoints.by_node(&key("other")).is_empty());
    }

    #[test]
    fn the_best_state_of_all_slices_counts() {
        let mut endpoints = Endpoints::default();
        endpoints.want(&key("web"));
        endpoints.reset(vec![]);
        assert!(endpoints.apply(slice("web", "1", &[("a", ServingTerminating)])));
        assert!(endpoints.apply(slice("web", "2", &[("a", Ready), ("b", ServingTerminating)])));
        assert!(!endpoints.apply(slice("web", "2", &[("a", Ready), ("b", ServingTerminating)])), "nothing new");
        assert_eq!(endpoints.by_node(&key("web")), [("a", Ready), ("b", ServingTerminating)].into());
        assert!(endpoints.delete(&slice("web", "2", &[])));
        assert_eq!(endpoints.by_node(&key("web")), [("a", ServingTerminating)].into());
    }

    #[test]
    fn a_late_service_is_listed_and_the_watch_wins_over_the_list() {
        let mut endpoints = Endpoints::default();
        endpoints.reset(vec![]);
        assert!(endpoints.want(&key("late")), "has to be listed");
        assert!(endpoints.is_pending(&key("late")));
        endpoints.apply(slice("late", "1", &[("b", Ready)]));
        endpoints.delete(&slice("late", "2", &[]));
        let list = vec![
            slice("late", "1", &[("a", Ready)]),
            slice("late", "2", &[("a", Ready)]),
            slice("late", "3", &[("c", Ready)]),
        ];
        assert!(endpoints.listed(&key("late"), list));
        assert!(!endpoints.is_pending(&key("late")));
        assert_eq!(endpoints.by_node(&key("late")), [("b", Ready), ("c", Ready)].into());
    }

    #[test]
    fn a_relist_makes_a_list_under_way_obsolete() {
        let mut endpoints = Endpoints::default();
        endpoints.reset(vec![]);
        endpoints.want(&key("late"));
        endpoints.reset(vec![slice("late", "1", &[("a", Ready)])]);
        assert!(!endpoints.listed(&key("late"), vec![slice("late", "1", &[("z", Ready)])]));
        assert_eq!(endpoints.by_node(&key("late")), [("a", Ready)].into());
    }
}
