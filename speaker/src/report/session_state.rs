//! BGPSessionState objects: one per node and BGPPeer that it is to have a session with.

use herald_bgp::Family;
use herald_crds::{BGPSessionState, BGPSessionStateSpec, BGPSessionStateStatus, SessionPrefixes};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{OwnNode, PEER, condition};
use super::session::{Prefixes, SessionSaid, Shown};
use super::writer::Kind;

/// The condition that says which family is not announced.
const NEXT_HOP_MISSING: &str = "NextHopMissing";
/// The condition that says which prefixes are not.
const UNSENDABLE: &str = "PrefixesUnsendable";
/// The condition that says what of the configuration could not be followed.
const QUESTIONABLE: &str = "Questionable";

/// BGPSessionState objects, by BGPPeer.
#[derive(Debug)]
pub(super) enum SessionStates {}

impl Kind for SessionStates {
    type Object = BGPSessionState;
    type Key = String;
    type Said = SessionSaid;

    fn name(node: &OwnNode, peer: &String) -> String {
        node.object_name("session", peer)
    }

    fn new(node: &OwnNode, peer: &String) -> BGPSessionState {
        let mut object = BGPSessionState::new("", BGPSessionStateSpec {});
        object.metadata.labels = node.labels([(PEER, peer.as_str())]);
        object
    }

    fn patch(node: &str, peer: &String, said: &SessionSaid, now: Timestamp) -> Value {
        let SessionSaid { address, vrf, state, established_at, families, prefixes, last_error, .. } = said.clone();
        let Prefixes { ipv4, ipv6, wanted, received } = prefixes;
        let status = BGPSessionStateStatus {
            node: Some(node.to_owned()),
            peer: Some(peer.clone()),
            vrf,
            address: Some(address),
            bgp_status: Some(state.as_str().to_owned()),
            established_at: established_at.map(Time),
            families: families.into_iter().map(|family| name(family).to_owned()).collect(),
            prefixes: Some(SessionPrefixes { announced_ipv4: ipv4, announced_ipv6: ipv6, wanted, received }),
            last_error,
            bfd_status: None,
            conditions: Vec::new(),
        };
        let mut patch = json!({ "status": status });
        // What is not said is left out, and a merge patch would leave it as it was.
        for field in ["vrf", "establishedAt", "families", "lastError", "conditions"] {
            if patch["status"].get(field).is_none() {
                patch["status"][field] = Value::Null;
            }
        }
        if received.is_none() {
            patch["status"]["prefixes"]["received"] = Value::Null;
        }
        let conditions: Vec<_> = [
            (!said.no_next_hop.is_empty()).then(|| {
                let families: Vec<_> = said.no_next_hop.iter().map(Family::to_string).collect();
                let families = families.join(" and ");
                let message = format!(
                    "{families} is agreed on and not announced: the node has no {families} address for the peer to send to. \
                     Give the Node an InternalIP of that family, or connect to the peer over it"
                );
                condition(NEXT_HOP_MISSING, "True", "NoAddress", &message, now)
            }),
            said.unsendable.as_deref().map(|why| condition(UNSENDABLE, "True", "TooLong", why, now)),
            said.doubt.as_deref().map(|why| condition(QUESTIONABLE, "True", "NotAsConfigured", why, now)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !conditions.is_empty() {
            patch["status"]["conditions"] = json!(conditions);
        }
        patch
    }

    fn read(object: BGPSessionState) -> Option<(String, Option<SessionSaid>)> {
        let status = object.status?;
        let peer = status.peer?;
        let says = |kind: &str| status.conditions.iter().find(|one| one.type_ == kind).map(|one| one.message.clone());
        let missing = says(NEXT_HOP_MISSING).unwrap_or_default();
        let state = [Shown::Idle, Shown::Active, Shown::Established];
        let state = state.into_iter().find(|state| status.bgp_status.as_deref() == Some(state.as_str()));
        let prefixes = status.prefixes.unwrap_or_default();
        let said = state.map(|state| SessionSaid {
            address: status.address.unwrap_or_default(),
            vrf: status.vrf,
            state,
            established_at: status.established_at.map(|time| time.0),
            families: Family::ALL.into_iter().filter(|one| status.families.iter().any(|f| f == name(*one))).collect(),
            prefixes: Prefixes {
                ipv4: prefixes.announced_ipv4,
                ipv6: prefixes.announced_ipv6,
                wanted: prefixes.wanted,
                received: prefixes.received,
            },
            last_error: status.last_error,
            no_next_hop: Family::ALL.into_iter().filter(|one| missing.contains(&one.to_string())).collect(),
            unsendable: says(UNSENDABLE),
            doubt: says(QUESTIONABLE),
        });
        Some((peer, said))
    }
}

/// A family as BGPSessionState names it, and other objects of BGP do.
fn name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ipv4",
        Family::Ipv6 => "ipv6",
    }
}
