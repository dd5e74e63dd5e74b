//! From what is known of a Service to the words of its condition.

use std::collections::BTreeSet;

use herald_compiler::{Config, Home};
use herald_runtime::events::{Notice, Severity};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::watch::{AnnouncedCondition, Said, SeenService};

/// How many nodes or advertisements a sentence names before it only says that there are more.
const NAMED: usize = 3;

/// What is to be said about a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saying {
    /// It has no address, so there is nothing to say.
    Nothing,
    /// This.
    Condition(AnnouncedCondition),
    /// It should be announced, but no speaker has said anything about it.
    Silence,
}

/// What is to be said about a Service, given what the speakers say.
#[must_use]
pub fn say<'a>(seen: &SeenService, config: &Config, said: impl Iterator<Item = &'a Said>) -> Saying {
    let Some(address) = seen.request.shown.first() else { return Saying::Nothing };
    let (mut nodes, mut routed) = (BTreeSet::new(), BTreeSet::new());
    let mut why = None;
    for said in said {
        match said {
            Said::Announced(node) => drop(nodes.insert(&**node)),
            Said::Routed(node) => drop(routed.insert(&**node)),
            Said::Unannounced { reason, message } => why = why.or(Some((reason, message))),
            Said::Nothing => {}
        }
    }
    let home = config.home_of(*address, seen.request.recorded_pool.as_deref());
    let unselected = home.pool().and_then(|pool| unselected(seen, config, &pool.name));
    if !nodes.is_empty() || !routed.is_empty() {
        return condition(true, "Announced", announced(&nodes, &routed, home, unselected));
    }
    match (unselected, why) {
        (Some(message), _) => condition(false, "NoAdvertisementSelectsPool", message),
        (None, Some((reason, message))) => condition(false, reason, message.clone()),
        (None, None) => Saying::Silence,
    }
}

/// What is said when nobody has said anything for long.
#[must_use]
pub fn not_yet_reported() -> AnnouncedCondition {
    AnnouncedCondition {
        status: false,
        reason: "NotYetReported".to_owned(),
        message: "no speaker has said yet that it announces the Service: are the speakers' pods ready, and, with a \
                  BGPAdvertisement, is a session established (BGPSessionState)?"
            .to_owned(),
    }
}

/// The Event that goes with a change of the condition: only if the Service is not announced any more, or again.
#[must_use]
pub fn notice(seen: &SeenService, wanted: &AnnouncedCondition) -> Option<Notice> {
    let was_false = seen.announced.as_ref().is_some_and(|before| !before.status);
    let (severity, reason, note) = match (was_false, wanted.status) {
        (false, false) => (Severity::Warning, "NotAnnounced", format!("{}: {}", wanted.reason, wanted.message)),
        (true, true) => (Severity::Normal, "Announced", wanted.message.clone()),
        _ => return None,
    };
    let key = seen.key();
    let about = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Service".to_owned()),
        namespace: Some(key.namespace.to_string()),
        name: Some(key.name.to_string()),
        uid: Some(seen.uid.clone()),
        resource_version: None,
        field_path: None,
    };
    Some(Notice { about, severity, reason, action: "Announce", note })
}

fn condition(status: bool, reason: &str, message: String) -> Saying {
    Saying::Condition(AnnouncedCondition { status, reason: reason.to_owned(), message })
}

fn announced(nodes: &BTreeSet<&str>, routed: &BTreeSet<&str>, home: Home<'_>, unselected: Option<String>) -> String {
    let from = |(nodes, protocol): (&BTreeSet<&str>, &str)| {
        let which = if nodes.len() == 1 { "node" } else { "nodes" };
        format!("from {which} {} with protocol \"{protocol}\"", list(nodes.iter().copied()))
    };
    let ways = [(nodes, "layer2"), (routed, "bgp")].into_iter().filter(|(nodes, _)| !nodes.is_empty());
    let announced = format!("announced {}", ways.map(from).collect::<Vec<_>>().join(" and "));
    match (home, unselected) {
        (Home::Orphaned, _) => format!(
            "{announced}, but its pool is gone: create one that contains the address before the speakers' --orphan-grace \
             is over"
        ),
        (_, Some(why)) => format!("{announced}, but not for long: {why}"),
        _ => announced,
    }
}

/// Why no advertisement selects a Service with an address of this pool; `None` if one does.
fn unselected(seen: &SeenService, config: &Config, pool: &str) -> Option<String> {
    let labels = &seen.request.labels;
    let l2: Vec<_> = config.l2_advertisements_of(pool).collect();
    let bgp: Vec<_> = config.bgp_advertisements_of(pool).collect();
    if l2.iter().any(|one| one.selects_service(labels)) || bgp.iter().any(|one| one.selects_service(labels)) {
        return None;
    }
    let l2_names = list(l2.iter().map(|one| one.name.as_str()));
    let bgp_names = list(bgp.iter().map(|one| one.name.as_str()));
    let which = match (l2.is_empty(), bgp.is_empty()) {
        (true, true) => {
            return Some(format!(
                "no L2Advertisement or BGPAdvertisement covers pool \"{pool}\": create one, or add the pool to \
                 spec.ipAddressPools of one"
            ));
        }
        (false, true) => format!("L2Advertisement {l2_names}"),
        (true, false) => format!("BGPAdvertisement {bgp_names}"),
        (false, false) => format!("L2Advertisement {l2_names} and BGPAdvertisement {bgp_names}"),
    };
    Some(format!("the serviceSelectors of {which} do not match this Service: change them, or its labels"))
}

fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = if names.len() > NAMED { " and others" } else { "" };
    let names: Vec<_> = names.take(NAMED).map(|name| format!("\"{name}\"")).collect();
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
mod tests;
