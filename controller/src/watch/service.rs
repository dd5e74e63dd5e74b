//! A Service, reduced to what decides about its addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use herald_compiler::Family;
use herald_ipam::{FamilyPolicy, Port, Protocol, ServiceKey, ServiceRequest, Terms, Wish, wish};

use super::names;
use super::wire::{self, LeanService};

#[cfg(test)]
mod tests;

/// A Service as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenService {
    /// What it asks for and what it shows.
    pub request: ServiceRequest,
    /// UID: tells a re-created Service from its predecessor.
    pub uid: String,
    /// Version of the object; a write is valid for this one only.
    pub resource_version: String,
    /// Creation time in seconds since the Unix epoch.
    pub created: i64,
    /// `spec.type` is `LoadBalancer`.
    pub is_load_balancer: bool,
    /// `spec.loadBalancerClass`.
    pub class: Option<String>,
    /// Its deletion has begun; a finalizer holds it.
    pub deleting: bool,
    /// The condition `metallb.io/Allocated` in its status.
    pub condition: Option<AllocatedCondition>,
    /// The condition `metallb.io/Announced` in its status.
    pub announced: Option<AnnouncedCondition>,
    /// Annotations under the old prefix that it uses.
    pub deprecated: Vec<String>,
    /// It carries the mark of a term (`metallb.io/allocator-epoch`).
    pub has_epoch: bool,
    /// Its user asks for it to be moved to another address.
    pub reallocate: bool,
}

/// The condition `metallb.io/Allocated`, without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatedCondition {
    /// True: it has the addresses it should have.
    pub status: bool,
    /// One word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

/// The condition `metallb.io/Announced`, without its time.
pub type AnnouncedCondition = AllocatedCondition;

impl SeenService {
    /// Takes from a Service what matters.
    #[must_use]
    pub fn of(service: LeanService) -> Self {
        let LeanService { metadata, spec, status } = service;
        let annotations = metadata.annotations.unwrap_or_default();
        let ingress = status.load_balancer.and_then(|balancer| balancer.ingress).unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let key = ServiceKey::new(metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default());
        let request = ServiceRequest {
            key,
            labels: metadata.labels.unwrap_or_default(),
            families: families(&spec),
            policy: policy(&spec),
            wish: wish(&annotations, &spec),
            terms: terms(&annotations, &spec),
            shown: ingress.iter().filter_map(|one| one.ip.as_deref()?.parse().ok()).collect(),
            recorded_pool: annotations.get(names::FROM_POOL).map(|pool| pool.as_str().into()),
        };
        Self {
            request,
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            created: metadata.creation_timestamp.map_or(0, |time| time.0.as_second()),
            is_load_balancer: spec.type_.as_deref() == Some("LoadBalancer"),
            class: spec.load_balancer_class,
            deleting: metadata.deletion_timestamp.is_some(),
            condition: condition(&conditions, names::ALLOCATED),
            announced: condition(&conditions, names::ANNOUNCED),
            deprecated: deprecated(&annotations),
            has_epoch: annotations.contains_key(names::EPOCH),
            reallocate: annotations.contains_key(names::REALLOCATE),
        }
    }

    /// Its name.
    #[must_use]
    pub fn key(&self) -> &ServiceKey {
        &self.request.key
    }

    /// Whether it carries what only Services with an address of ours should carry.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        let conditions = [&self.condition, &self.announced];
        self.request.recorded_pool.is_some() || self.has_epoch || conditions.into_iter().any(Option::is_some)
    }
}

type Annotations = BTreeMap<String, String>;

fn condition(conditions: &[wire::Condition], type_: &str) -> Option<AllocatedCondition> {
    let one = conditions.iter().find(|one| one.type_ == type_)?;
    let wire::Condition { status, reason, message, .. } = one.clone();
    Some(AllocatedCondition { status: status == "True", reason, message })
}

/// The value of an annotation under either prefix; the newer prefix wins if both are there.
fn annotation<'a>(annotations: &'a Annotations, name: &str) -> Option<&'a str> {
    let under = |prefix: &str| annotations.get(&format!("{prefix}{name}"));
    under(names::PREFIX).or_else(|| under(names::OLD_PREFIX)).map(String::as_str)
}

/// Annotations that are read only because the old prefix is still understood.
fn deprecated(annotations: &Annotations) -> Vec<String> {
    [names::ADDRESS_POOL, names::ADDRESSES, names::SHARED]
        .map(|name| format!("{}{name}", names::OLD_PREFIX))
        .into_iter()
        .filter(|name| annotations.contains_key(name))
        .collect()
}

fn wish(annotations: &Annotations, spec: &wire::Spec) -> Result<Wish, herald_ipam::InvalidWish> {
    let addresses = wish::addresses(annotation(annotations, names::ADDRESSES), spec.load_balancer_ip.as_deref())?;
    let pool = annotation(annotations, names::ADDRESS_POOL).filter(|pool| !pool.is_empty());
    Ok(Wish { addresses, pool: pool.map(str::to_owned) })
}

/// Families of the cluster IPs, primary first. A headless Service (`None`) has none.
fn families(spec: &wire::Spec) -> Vec<Family> {
    let all = match spec.cluster_ips.as_deref() {
        Some(all @ [_, ..]) => all,
        _ => spec.cluster_ip.as_slice(),
    };
    let mut families = Vec::with_capacity(all.len());
    for address in all.iter().filter_map(|text| text.parse::<IpAddr>().ok()) {
        if !families.contains(&Family::of(address)) {
            families.push(Family::of(address));
        }
    }
    families
}

fn policy(spec: &wire::Spec) -> FamilyPolicy {
    match spec.ip_family_policy.as_deref() {
        Some("PreferDualStack") => FamilyPolicy::PreferDualStack,
        Some("RequireDualStack") => FamilyPolicy::RequireDualStack,
        _ => FamilyPolicy::SingleStack,
    }
}

fn terms(annotations: &Annotations, spec: &wire::Spec) -> Terms {
    let backend = match spec.external_traffic_policy.as_deref() {
        // Without a selector it is Local all the same: it may be announced from other nodes than Cluster.
        Some("Local") => Some(selector(spec)).filter(|text| !text.is_empty()).unwrap_or_else(|| "none".to_owned()),
        _ => String::new(),
    };
    let ports = spec.ports.iter().flatten().filter_map(port);
    Terms::new(annotation(annotations, names::SHARED), backend, ports)
}

/// The selector as one text; equal selectors have equal texts.
fn selector(spec: &wire::Spec) -> String {
    let terms: Vec<_> = spec.selector.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    terms.join(",")
}

fn port(port: &wire::Port) -> Option<Port> {
    let protocol = match port.protocol.as_deref() {
        None | Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        Some(_) => return None,
    };
    Some(Port { protocol, number: u16::try_from(port.port).ok()? })
}
