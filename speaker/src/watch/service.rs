//! A Service, reduced to what announcing needs.

mod key;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};

pub use key::ServiceKey;

/// Annotation written by the controller: the pool the addresses came from.
const POOL: &str = "metallb.io/ip-allocated-from-pool";
/// Annotations that ask for a shared address; the second spelling is the older one.
const SHARED: [&str; 2] = ["metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"];

/// What is used of a LoadBalancer Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSeen {
    /// UID, for Events.
    pub uid: String,
    /// Labels, for `serviceSelectors`.
    pub labels: BTreeMap<String, String>,
    /// `status.loadBalancer.ingress[].ip` in that order; the first is the key of the election.
    pub addresses: Vec<IpAddr>,
    /// The pool the controller recorded.
    pub pool: Option<String>,
    /// `externalTrafficPolicy: Local`.
    pub local: bool,
    /// Creation time in seconds since the Unix epoch: of two Services with one address the older one has it.
    pub created: i64,
    /// On which terms it shares its address; `None`: with nobody. (MetalLB counts a sharing annotation without a
    /// value as well; see the list of differences.)
    pub sharing: Option<Box<Sharing>>,
}

/// What is compared before two Services may have one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Value of the sharing annotation, never empty.
    pub key: String,
    /// `spec.selector`, if the traffic policy is Local; with Cluster it does not matter where traffic arrives.
    pub selector: BTreeMap<String, String>,
    /// `spec.ports[]`: protocol and number.
    pub ports: BTreeSet<(Protocol, i32)>,
}

/// Protocol of a Service port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP, also if nothing is written.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// Reduces a Service; `None` for one that is another implementation's (`spec.loadBalancerClass`) or no
/// LoadBalancer.
#[must_use]
pub fn reduce(service: &Service, lb_class: Option<&str>) -> (ServiceKey, Option<ServiceSeen>) {
    let metadata = &service.metadata;
    let key = ServiceKey::new(
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    );
    let Some(spec) = &service.spec else { return (key, None) };
    if spec.type_.as_deref() != Some("LoadBalancer") || spec.load_balancer_class.as_deref() != lb_class {
        return (key, None);
    }
    let annotation = |name: &str| metadata.annotations.as_ref().and_then(|all| all.get(name));
    let ingress = service.status.as_ref().and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
    let mut addresses: Vec<_> =
        ingress.into_iter().flatten().filter_map(|entry| entry.ip.as_ref()?.parse().ok()).collect();
    addresses.shrink_to_fit(); // most have one, and it is kept
    let local = spec.external_traffic_policy.as_deref() == Some("Local");
    let key_shared = SHARED.iter().find_map(|name| annotation(name)).filter(|value| !value.is_empty());
    let seen = ServiceSeen {
        uid: metadata.uid.clone().unwrap_or_default(),
        labels: metadata.labels.clone().unwrap_or_default(),
        addresses,
        pool: annotation(POOL).cloned(),
        local,
        created: metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second()),
        sharing: key_shared.map(|key| Box::new(sharing(key, spec, local))),
    };
    (key, Some(seen))
}

fn sharing(key: &str, spec: &ServiceSpec, local: bool) -> Sharing {
    let selector = if local { spec.selector.clone().unwrap_or_default() } else { BTreeMap::new() };
    Sharing { key: key.to_owned(), selector, ports: spec.ports.iter().flatten().filter_map(port).collect() }
}

fn port(port: &ServicePort) -> Option<(Protocol, i32)> {
    let protocol = match port.protocol.as_deref() {
        None | Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        Some(_) => return None,
    };
    Some((protocol, port.port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(value: serde_json::Value, class: Option<&str>) -> Option<ServiceSeen> {
        reduce(&serde_json::from_value(value).unwrap(), class).1
    }

    #[test]
    fn what_is_used() {
        let service = json!({
            "metadata": {"namespace": "shop", "name": "web", "uid": "u", "labels": {"app": "web"},
                "creationTimestamp": "2024-01-01T00:00:00Z",
                "annotations": {"metallb.io/ip-allocated-from-pool": "public"}},
            "spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
            "status": {"loadBalancer": {"ingress": [{"ip": "2001:db8::1"}, {"hostname": "x"}, {"ip": "192.0.2.1"}]}},
        });
        let seen = seen(service, None).unwrap();
        assert_eq!(seen.addresses, ["2001:db8::1".parse::<IpAddr>().unwrap(), "192.0.2.1".parse().unwrap()]);
        assert_eq!(seen.pool.as_deref(), Some("public"));
        assert!(seen.local && seen.sharing.is_none());
        assert_eq!(seen.created, 1_704_067_200);
    }

    #[test]
    fn classes_must_be_equal() {
        let with = json!({"spec": {"type": "LoadBalancer", "loadBalancerClass": "a"}});
        let without = json!({"spec": {"type": "LoadBalancer"}});
        assert!(seen(with.clone(), Some("a")).is_some());
        assert!(seen(with.clone(), Some("b")).is_none());
        assert!(seen(with, None).is_none());
        assert!(seen(without.clone(), Some("a")).is_none());
        assert!(seen(without, None).is_some());
    }

    #[test]
    fn the_newer_spelling_of_the_sharing_key_wins() {
        let service = |annotations| json!({"metadata": {"annotations": annotations}, "spec": {"type": "LoadBalancer"}});
        let shared = |annotations| seen(service(annotations), None).unwrap().sharing.is_some();
        assert!(shared(json!({"metallb.universe.tf/allow-shared-ip": "k"})));
        assert!(!shared(json!({"metallb.io/allow-shared-ip": "", "metallb.universe.tf/allow-shared-ip": "k"})));
    }

    #[test]
    fn terms_of_sharing_are_kept_only_where_somebody_shares() {
        let service = |policy: &str| {
            let service = json!({
                "metadata": {"annotations": {"metallb.io/allow-shared-ip": "k"}},
                "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "selector": {"app": "web"},
                    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 80}, {"port": 1, "protocol": "odd"}]},
            });
            *seen(service, None).unwrap().sharing.unwrap()
        };
        let local = service("Local");
        assert_eq!((local.key.as_str(), local.selector.len()), ("k", 1));
        assert_eq!(local.ports, BTreeSet::from([(Protocol::Tcp, 80), (Protocol::Udp, 53)]));
        assert!(service("Cluster").selector.is_empty());
    }

    #[test]
    fn other_types_are_nothing() {
        assert!(seen(json!({"spec": {"type": "ClusterIP"}}), None).is_none());
        assert!(seen(json!({}), None).is_none());
    }
}
