//! What was seen of all Services, and what of it should never have been.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use k8s_openapi::api::core::v1::Service;

/// Namespace and name.
type Key = (String, String);

/// Violations that are kept; one broken promise tends to break a thousand times.
const KEPT: usize = 1000;

/// What is known of one Service.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Its UID.
    pub uid: String,
    /// Its version.
    pub resource_version: String,
    /// How often it was seen to be new or changed.
    pub changes: u64,
    /// The addresses that it shows, in their order.
    pub shown: Vec<String>,
    /// Whether it is of type LoadBalancer.
    pub is_load_balancer: bool,
    /// Since when it shows any.
    pub shown_since: Option<Instant>,
    /// What its user wishes, as far as that may move its addresses.
    wish: String,
    /// The key under which it shares its address.
    sharing: Option<String>,
    /// The wish has changed since the addresses did.
    may_move: bool,
}

/// All Services as seen last, and every violation seen so far.
#[derive(Debug, Default)]
pub struct Record {
    services: BTreeMap<Key, Sight>,
    holders: BTreeMap<String, BTreeSet<Key>>,
    violations: Vec<String>,
    listed: bool,
    events: u64,
}

impl Record {
    /// These are all Services that there are.
    pub fn listed(&mut self, all: Vec<Service>, now: Instant) {
        let present: BTreeSet<_> = all.iter().map(key).collect();
        let gone: Vec<_> = self.services.keys().filter(|key| !present.contains(*key)).cloned().collect();
        for key in gone {
            self.forget(&key);
        }
        // First what each shows, then who shares: between two lists an address may have changed hands.
        for service in &all {
            self.note(service, now);
        }
        for key in present {
            self.check_alone(&key);
        }
        self.listed = true;
    }

    /// This Service is new or changed.
    pub fn applied(&mut self, service: &Service, now: Instant) {
        self.note(service, now);
        self.check_alone(&key(service));
    }

    /// This Service is gone.
    pub fn deleted(&mut self, service: &Service) {
        self.events += 1;
        self.forget(&key(service));
    }

    /// Whether the first list is complete.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// What is known of a Service.
    #[must_use]
    pub fn sight(&self, namespace: &str, name: &str) -> Option<&Sight> {
        self.services.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Name and sight of the Services of a namespace.
    pub fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = (&str, &Sight)> {
        let first = (namespace.to_owned(), String::new());
        let of_it = self.services.range(first..).take_while(move |((own, _), _)| own == namespace);
        of_it.map(|((_, name), sight)| (name.as_str(), sight))
    }

    /// Since when all of the `count` Services of a namespace show an address.
    #[must_use]
    pub fn all_served(&self, namespace: &str, count: usize) -> Option<Instant> {
        let mut served = 0;
        let mut last = None;
        for (_, sight) in self.of_namespace(namespace) {
            last = last.max(Some(sight.shown_since?));
            served += 1;
        }
        last.filter(|_| served == count)
    }

    /// The addresses of every Service that shows any, as `namespace/name`.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, Vec<String>> {
        let shown = self.services.iter().filter(|(_, sight)| !sight.shown.is_empty());
        shown.map(|((namespace, name), sight)| (format!("{namespace}/{name}"), sight.shown.clone())).collect()
    }

    /// The version of every Service, as `namespace/name`.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, String> {
        let version = |((namespace, name), sight): (&Key, &Sight)| {
            (format!("{namespace}/{name}"), sight.resource_version.clone())
        };
        self.services.iter().map(version).collect()
    }

    /// Every violation so far (the first thousand).
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Whether there are no Services for somebody like Herald.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.values().all(|sight| !sight.is_load_balancer)
    }

    /// How many events were seen.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// In a line, for messages.
    #[must_use]
    pub fn summary(&self) -> String {
        let served = self.services.values().filter(|sight| !sight.shown.is_empty()).count();
        let without = self.services.iter().find(|(_, sight)| sight.shown.is_empty());
        let without = without.map(|((namespace, name), _)| format!(", for example not {namespace}/{name}"));
        format!(
            "{served} of {} Services show an address{}; {} violations",
            self.services.len(),
            without.unwrap_or_default(),
            self.violations.len()
        )
    }

    fn note(&mut self, service: &Service, now: Instant) {
        self.events += 1;
        let key = key(service);
        let mut sight = sight(service, now);
        let before = self.services.get(&key).filter(|before| before.uid == sight.uid).cloned();
        if let Some(before) = before {
            sight.changes = before.changes + u64::from(before.resource_version != sight.resource_version);
            let wished = before.may_move || before.wish != sight.wish;
            if before.shown == sight.shown {
                sight.shown_since = before.shown_since;
                sight.may_move = wished;
            } else if !wished && !before.shown.iter().all(|address| sight.shown.contains(address)) {
                let (namespace, name) = &key;
                self.violation(format!(
                    "{namespace}/{name} moved from {:?} to {:?} (version {}) though nobody wished it",
                    before.shown, sight.shown, sight.resource_version
                ));
            }
        }
        self.forget(&key);
        for address in &sight.shown {
            self.holders.entry(address.clone()).or_default().insert(key.clone());
        }
        self.services.insert(key, sight);
    }

    /// Whether somebody else shows what this Service shows, against the rules of sharing.
    fn check_alone(&mut self, key: &Key) {
        let Some(sight) = self.services.get(key) else { return };
        let mut found = Vec::new();
        for address in &sight.shown {
            for other in self.holders.get(address).into_iter().flatten().filter(|other| *other != key) {
                let theirs = self.services.get(other).and_then(|other| other.sharing.as_ref());
                if sight.sharing.is_none() || sight.sharing.as_ref() != theirs {
                    found.push(format!(
                        "{address} is on {}/{} (version {}) and on {}/{}, which don't share",
                        key.0, key.1, sight.resource_version, other.0, other.1
                    ));
                }
            }
        }
        for violation in found {
            self.violation(violation);
        }
    }

    fn forget(&mut self, key: &Key) {
        let Some(sight) = self.services.remove(key) else { return };
        for address in sight.shown {
            if let Some(holders) = self.holders.get_mut(&address) {
                holders.remove(key);
                if holders.is_empty() {
                    self.holders.remove(&address);
                }
            }
        }
    }

    fn violation(&mut self, text: String) {
        if self.violations.len() < KEPT {
            self.violations.push(text);
        }
    }
}

fn key(service: &Service) -> Key {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&service.metadata.namespace), text(&service.metadata.name))
}

fn sight(service: &Service, now: Instant) -> Sight {
    let status = service.status.as_ref();
    let ingress = status.and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
    let shown: Vec<_> = ingress.into_iter().flatten().filter_map(|one| one.ip.clone()).collect();
    let sharing = annotation(service, "allow-shared-ip").filter(|key| !key.is_empty());
    Sight {
        uid: service.metadata.uid.clone().unwrap_or_default(),
        resource_version: service.metadata.resource_version.clone().unwrap_or_default(),
        changes: 1,
        is_load_balancer: service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("LoadBalancer"),
        shown_since: (!shown.is_empty()).then_some(now),
        shown,
        wish: wish(service, sharing.as_deref()),
        sharing,
        may_move: false,
    }
}

/// An annotation of Herald's API, under either of its prefixes.
fn annotation(service: &Service, name: &str) -> Option<String> {
    let annotations = service.metadata.annotations.as_ref()?;
    let under = |prefix: &str| annotations.get(&format!("{prefix}/{name}"));
    under("metallb.io").or_else(|| under("metallb.universe.tf")).cloned()
}

/// Everything by which a user may move a Service's addresses, as one text.
fn wish(service: &Service, sharing: Option<&str>) -> String {
    let annotations =
        ["loadBalancerIPs", "address-pool", "allow-shared-ip", "reallocate"].map(|name| annotation(service, name));
    let Some(spec) = &service.spec else { return format!("{annotations:?}") };
    // Who shares an address may lose it by other ports, another policy or another backend.
    let shared = sharing.map(|_| (&spec.ports, &spec.external_traffic_policy, &spec.selector));
    format!(
        "{annotations:?} {:?} {:?} {:?} {:?} {:?} {shared:?}",
        spec.type_, spec.load_balancer_class, spec.load_balancer_ip, spec.ip_families, spec.ip_family_policy
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(name: &str, addresses: &[&str], annotations: Value) -> Service {
        let ingress: Vec<_> = addresses.iter().map(|address| json!({ "ip": address })).collect();
        serde_json::from_value(json!({
            "metadata": {"namespace": "n", "name": name, "uid": name, "annotations": annotations},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
            "status": {"loadBalancer": {"ingress": ingress}},
        }))
        .unwrap()
    }

    fn seen(events: &[Service]) -> Record {
        let mut record = Record::default();
        for event in events {
            record.applied(event, herald_lab::clock::now());
        }
        record
    }

    #[test]
    fn an_address_on_two_services_is_a_violation_unless_they_share() {
        let none = json!({});
        let record = seen(&[service("a", &["192.0.2.1"], none.clone()), service("b", &["192.0.2.1"], none.clone())]);
        assert_eq!(record.violations().len(), 1, "{:?}", record.violations());
        let key = json!({"metallb.io/allow-shared-ip": "k"});
        let shared = [service("a", &["192.0.2.1"], key.clone()), service("b", &["192.0.2.1"], key.clone())];
        assert_eq!(seen(&shared).violations(), [] as [String; 0]);
        let half = [service("a", &["192.0.2.1"], key), service("b", &["192.0.2.1"], none)];
        assert_eq!(seen(&half).violations().len(), 1);
    }

    #[test]
    fn an_address_that_moves_or_is_lost_is_a_violation_unless_wished() {
        let none = json!({});
        let one = service("a", &["192.0.2.1"], none.clone());
        for after in [vec!["192.0.2.2"], vec![]] {
            let record = seen(&[one.clone(), service("a", &after, none.clone())]);
            assert_eq!(record.violations().len(), 1, "{after:?}");
        }
        let gained = seen(&[one.clone(), service("a", &["192.0.2.1", "2001:db8::1"], none)]);
        assert_eq!(gained.violations(), [] as [String; 0]);
        // The wish comes first, its fulfilment later, and it is fulfilled once.
        let wish = json!({"metallb.io/loadBalancerIPs": "192.0.2.9"});
        let mut events = vec![
            one,
            service("a", &["192.0.2.1"], wish.clone()),
            service("a", &["192.0.2.1"], wish.clone()),
            service("a", &["192.0.2.9"], wish.clone()),
        ];
        assert_eq!(seen(&events).violations(), [] as [String; 0]);
        events.push(service("a", &["192.0.2.8"], wish));
        assert_eq!(seen(&events).violations().len(), 1);
    }

    #[test]
    fn a_freed_address_may_go_to_another_and_a_successor_starts_anew() {
        let mut record = seen(&[service("a", &["192.0.2.1"], json!({}))]);
        record.deleted(&service("a", &["192.0.2.1"], json!({})));
        record.applied(&service("b", &["192.0.2.1"], json!({})), herald_lab::clock::now());
        let mut again = service("b", &["192.0.2.7"], json!({}));
        again.metadata.uid = Some("another".into());
        record.applied(&again, herald_lab::clock::now());
        assert_eq!(record.violations(), [] as [String; 0]);
    }

    #[test]
    fn a_list_is_compared_with_what_was_known() {
        let now = herald_lab::clock::now();
        let mut record = seen(&[service("a", &["192.0.2.1"], json!({})), service("gone", &["192.0.2.3"], json!({}))]);
        record.listed(vec![service("a", &["192.0.2.1"], json!({})), service("c", &["192.0.2.3"], json!({}))], now);
        assert_eq!(record.violations(), [] as [String; 0]);
        assert!(record.all_served("n", 2).is_some() && record.all_served("n", 3).is_none());
        record.listed(vec![service("a", &["192.0.2.4"], json!({}))], now);
        assert_eq!(record.violations().len(), 1);
    }
}
