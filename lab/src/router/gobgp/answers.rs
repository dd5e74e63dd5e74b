//! GoBGP's answers, in JSON. Numbers that are zero are left out.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::prefix::{Family, Prefix};
use crate::router::route::{Capability, Origin, Route, Session, State};

/// Path attributes by number (IANA).
mod attribute {
    pub(super) const ORIGIN: u64 = 1;
    pub(super) const AS_PATH: u64 = 2;
    pub(super) const NEXT_HOP: u64 = 3;
    pub(super) const MED: u64 = 4;
    pub(super) const LOCAL_PREF: u64 = 5;
    pub(super) const COMMUNITIES: u64 = 8;
    pub(super) const MP_REACH: u64 = 14;
    pub(super) const EXTENDED: u64 = 16;
    pub(super) const LARGE: u64 = 32;
}

/// The routes of `gobgp global rib -j`: an object of prefixes, each with its paths.
pub(super) fn routes(answer: &Value) -> Result<Vec<Route>> {
    let Some(prefixes) = answer.as_object() else { return Ok(Vec::new()) };
    let mut routes = Vec::new();
    for (prefix, paths) in prefixes {
        let prefix: Prefix = prefix.parse()?;
        let paths = paths.as_array().with_context(|| format!("GoBGP lists no paths of {prefix}"))?;
        routes.extend(paths.iter().map(|path| route(prefix, path)));
    }
    Ok(routes)
}

fn route(prefix: Prefix, path: &Value) -> Route {
    let mut route = Route::to(prefix);
    // Its own routes come from "<nil>".
    route.from = path.get("neighbor-ip").and_then(Value::as_str).and_then(|from| from.parse().ok());
    route.from = route.from.filter(|from: &IpAddr| !from.is_unspecified());
    route.best = flag(path, "best");
    route.stale = flag(path, "stale");
    for said in list(path, "attrs") {
        let value = said.get("value");
        match number(said, "type") {
            attribute::ORIGIN => {
                route.origin = match value.and_then(Value::as_u64).unwrap_or(0) {
                    0 => Origin::Igp,
                    1 => Origin::Egp,
                    _ => Origin::Incomplete,
                };
            }
            attribute::AS_PATH => {
                let segments = list(said, "as_paths").iter();
                route.as_path = segments.flat_map(|segment| list(segment, "asns")).filter_map(small).collect();
            }
            attribute::NEXT_HOP | attribute::MP_REACH => {
                let hop = said.get("nexthop").and_then(Value::as_str);
                route.next_hops = hop.and_then(|hop| hop.parse().ok()).into_iter().collect();
            }
            attribute::MED => route.med = said.get("metric").and_then(small),
            attribute::LOCAL_PREF => route.local_pref = value.and_then(small),
            attribute::COMMUNITIES => {
                let values = list(said, "communities").iter().filter_map(small);
                let halves = |value: u32| (u16::try_from(value >> 16), u16::try_from(value & 0xffff));
                let halves = values.filter_map(|value| match halves(value) {
                    (Ok(a), Ok(b)) => Some((a, b)),
                    _ => None,
                });
                route.communities = halves.collect();
            }
            attribute::EXTENDED => route.extended = list(said, "value").iter().map(extended).collect(),
            attribute::LARGE => {
                let part = |value: &Value, name| value.get(name).and_then(small).unwrap_or(0);
                let values = list(said, "value").iter();
                route.large = values.map(|v| (part(v, "ASN"), part(v, "LocalData1"), part(v, "LocalData2"))).collect();
            }
            _ => {}
        }
    }
    route
}

/// An extended community, as the others write it.
fn extended(value: &Value) -> String {
    let text = value.get("value").and_then(Value::as_str).unwrap_or_default();
    match (number(value, "type") & 0x3f, number(value, "subtype")) {
        (0..=2, 2) => format!("rt:{text}"),
        (0..=2, 3) => format!("ro:{text}"),
        _ => value.to_string(),
    }
}

/// The sessions of `gobgp neighbor -j`.
pub(super) fn sessions(answer: &Value) -> Result<Vec<Session>> {
    answer.as_array().into_iter().flatten().map(session).collect()
}

fn session(neighbor: &Value) -> Result<Session> {
    let null = Value::Null;
    let part = |pointer: &str| neighbor.pointer(pointer).unwrap_or(&null);
    let state = part("/state");
    let address = [state, part("/conf")].into_iter().find_map(|part| part.get("neighbor_address")?.as_str());
    let address: IpAddr = address.context("GoBGP lists a neighbor without an address")?.parse()?;
    let asn = [state, part("/conf")].into_iter().find_map(|part| small(part.get("peer_asn")?)).unwrap_or(0);
    let mut session = Session::with(address, asn);
    session.state = match number(state, "session_state") {
        2 => State::Connect,
        3 => State::Active,
        4 => State::OpenSent,
        5 => State::OpenConfirm,
        6 => State::Established,
        _ => State::Idle,
    };
    if !session.is_established() {
        return Ok(session);
    }
    session.router_id = state.get("router_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    session.since = Some(number(part("/timers/state/uptime"), "seconds").to_string());
    let hold_time = number(part("/timers/state"), "negotiated_hold_time");
    session.hold_time = u16::try_from(hold_time).ok();
    session.capabilities = list(state, "remote_cap").iter().filter_map(capability).collect();
    for one in list(neighbor, "afi_safis") {
        let about = one.get("state").unwrap_or(&null);
        if let Some(family) = family(about.get("family").unwrap_or(&null)) {
            let count = usize::try_from(number(about, "received")).unwrap_or(usize::MAX);
            session.received.insert(family, count);
        }
    }
    Ok(session)
}

fn family(value: &Value) -> Option<Family> {
    match (number(value, "afi"), number(value, "safi")) {
        (1, 1) => Some(Family::V4),
        (2, 1) => Some(Family::V6),
        _ => None,
    }
}

/// A capability: a type's name, and what it says.
fn capability(value: &Value) -> Option<Capability> {
    let name = value.get("type_url").or(value.get("@type")).and_then(Value::as_str)?;
    match name.rsplit('.').next()? {
        // A message with the family in it, in base64: AFI 1 or 2, SAFI 1.
        "MultiProtocolCapability" => match value.get("value").and_then(Value::as_str)? {
            "CgQIARAB" => Some(Capability::Routes(Family::V4)),
            "CgQIAhAB" => Some(Capability::Routes(Family::V6)),
            _ => None,
        },
        "RouteRefreshCapability" => Some(Capability::RouteRefresh),
        "EnhancedRouteRefreshCapability" => Some(Capability::EnhancedRouteRefresh),
        "FourOctetASNCapability" => Some(Capability::FourOctetAsn),
        "GracefulRestartCapability" => Some(Capability::GracefulRestart),
        "ExtendedNexthopCapability" => Some(Capability::ExtendedNextHop),
        _ => None,
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn small(value: &Value) -> Option<u32> {
    value.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read() {
        let text = r#"{"2001:db8:1::/48":[{"nlri":{"prefix":"2001:db8:1::/48"},"best":true,"attrs":[{"type":1,"value":0},
            {"type":2,"as_paths":[{"segment_type":2,"num":2,"asns":[64513,4200000001]}]},{"type":4,"metric":50},
            {"type":8,"communities":[4227923969]},{"type":16,"value":[{"type":0,"subtype":2,"value":"64513:7"}]},
            {"type":32,"value":[{"ASN":64513,"LocalData1":1,"LocalData2":2}]},
            {"type":14,"nexthop":"fd00:1::91","afi":2,"safi":1,"value":[{"prefix":"2001:db8:1::/48"}]}],"stale":true,
            "source-id":"192.168.1.92","neighbor-ip":"fd00:1::92"}]}"#;
        let routes = routes(&serde_json::from_str(text).unwrap()).unwrap();
        let [route] = routes.as_slice() else { panic!("{routes:?}") };
        assert_eq!((route.best, route.stale, route.med), (true, true, Some(50)));
        assert_eq!(route.from, Some("fd00:1::92".parse().unwrap()));
        assert_eq!((route.as_path.as_slice(), route.origin), (&[64513, 4_200_000_001][..], Origin::Igp));
        assert_eq!((route.communities.clone(), route.large.clone()), ([(64513, 1)].into(), [(64513, 1, 2)].into()));
        assert_eq!(route.extended, ["rt:64513:7".to_owned()].into());
        assert_eq!(super::routes(&Value::Null).unwrap(), [], "an empty table");
    }

    #[test]
    fn sessions_are_read() {
        let text = r#"[{"conf":{"neighbor_address":"fd00:1::92","peer_asn":64513},"state":{"session_state":6,
            "neighbor_address":"fd00:1::92","peer_asn":64513,"router_id":"192.168.1.92","remote_cap":[
            {"type_url":"type.googleapis.com/apipb.MultiProtocolCapability","value":"CgQIAhAB"},
            {"type_url":"type.googleapis.com/apipb.RouteRefreshCapability"}]},
            "timers":{"state":{"negotiated_hold_time":9,"uptime":{"seconds":1795300545}}},
            "afi_safis":[{"state":{"family":{"afi":2,"safi":1},"received":3,"accepted":3}}]}]"#;
        let sessions = sessions(&serde_json::from_str(text).unwrap()).unwrap();
        let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
        assert_eq!((session.state, session.hold_time), (State::Established, Some(9)));
        assert_eq!(session.capabilities, [Capability::Routes(Family::V6), Capability::RouteRefresh].into());
        assert_eq!((session.since.as_deref(), session.received.get(&Family::V6)), (Some("1795300545"), Some(&3)));
    }
}
