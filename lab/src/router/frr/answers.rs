//! FRR's answers, in JSON.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::prefix::{Family, Prefix};
use crate::router::route::{Capability, Origin, Route, Session, State};

/// What `show bgp ipv4 unicast json detail` says of one path.
#[derive(Debug, Deserialize)]
struct Path {
    aspath: Option<AsPath>,
    origin: Option<String>,
    #[serde(alias = "med")]
    metric: Option<u32>,
    #[serde(rename = "locPrf")]
    local_pref: Option<u32>,
    #[serde(default)]
    stale: bool,
    #[serde(default)]
    multipath: bool,
    bestpath: Option<Value>,
    community: Option<Listed>,
    #[serde(rename = "largeCommunity")]
    large: Option<Listed>,
    #[serde(rename = "extendedCommunity")]
    extended: Option<Listed>,
    #[serde(default)]
    nexthops: Vec<NextHop>,
    peer: Option<Peer>,
}

#[derive(Debug, Deserialize)]
struct AsPath {
    #[serde(default)]
    segments: Vec<Segment>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    #[serde(default)]
    list: Vec<u32>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(default)]
    string: String,
}

#[derive(Debug, Deserialize)]
struct NextHop {
    ip: IpAddr,
    #[serde(default)]
    scope: String,
}

#[derive(Debug, Deserialize)]
struct Peer {
    #[serde(rename = "peerId")]
    id: String,
}

/// The paths to one prefix.
pub(super) fn paths(prefix: Prefix, paths: &Value) -> Result<Vec<Route>> {
    let list = paths.as_array().or_else(|| paths.get("paths")?.as_array());
    let list = list.with_context(|| format!("FRR lists no paths of {prefix}: {paths}"))?;
    // The first of them is about the prefix itself.
    let list = list.iter().filter(|path| path.get("nexthops").is_some());
    list.map(|path| route(prefix, path)).collect()
}

fn route(prefix: Prefix, path: &Value) -> Result<Route> {
    let path: Path = Path::deserialize(path).with_context(|| format!("read what FRR says of {prefix}: {path}"))?;
    let mut route = Route::to(prefix);
    // Its own routes come from "(unspec)", or from 0.0.0.0 or ::.
    let from = path.peer.and_then(|peer| peer.id.parse::<IpAddr>().ok());
    route.from = from.filter(|from| !from.is_unspecified());
    let mut hops = path.nexthops;
    hops.sort_by_key(|hop| hop.scope == "link-local");
    route.next_hops = hops.into_iter().map(|hop| hop.ip).collect();
    route.as_path = path.aspath.into_iter().flat_map(|path| path.segments).flat_map(|one| one.list).collect();
    route.origin = match path.origin.as_deref() {
        Some("IGP") => Origin::Igp,
        Some("EGP") => Origin::Egp,
        _ => Origin::Incomplete,
    };
    route.med = path.metric;
    route.local_pref = path.local_pref;
    let words = |listed: Option<Listed>| listed.map(|listed| listed.string).unwrap_or_default();
    let numbers = |text: &str| text.split(':').map(str::parse).collect::<Result<Vec<u32>, _>>().unwrap_or_default();
    for word in words(path.community).split_whitespace() {
        route.communities.extend(community(word));
    }
    for word in words(path.large).split_whitespace() {
        if let [a, b, c] = *numbers(word) {
            route.large.insert((a, b, c));
        }
    }
    for word in words(path.extended).split_whitespace() {
        route.extended.insert(word.to_ascii_lowercase().replace("soo:", "ro:"));
    }
    // `bestpath` is a flag, or tells by which rule.
    let best = path.bestpath.and_then(|best| best.as_bool().or_else(|| best.get("overall")?.as_bool()));
    route.best = best.unwrap_or(false) || path.multipath;
    route.stale = path.stale;
    Ok(route)
}

/// A community in numbers or, if it is well known, by name.
fn community(word: &str) -> Option<(u16, u16)> {
    let (a, b) = match word {
        "graceful-shutdown" | "gracefulShutdown" => (65535, 0),
        "accept-own" | "acceptOwn" => (65535, 1),
        "llgr-stale" | "llgrStale" => (65535, 6),
        "no-llgr" | "noLlgr" => (65535, 7),
        "blackhole" => (65535, 666),
        "no-export" | "noExport" => (65535, 65281),
        "no-advertise" | "noAdvertise" => (65535, 65282),
        "local-AS" | "localAs" => (65535, 65283),
        "no-peer" | "noPeer" => (65535, 65284),
        _ => {
            let (a, b) = word.split_once(':')?;
            (a.parse().ok()?, b.parse().ok()?)
        }
    };
    Some((a, b))
}

/// What `show bgp neighbors json` says of one session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Neighbor {
    remote_as: u32,
    remote_router_id: Option<std::net::Ipv4Addr>,
    bgp_state: String,
    connections_established: Option<u64>,
    /// -1 without a connection.
    port_foreign: Option<i32>,
    bgp_timer_hold_time_msecs: Option<u64>,
    #[serde(default)]
    neighbor_capabilities: BTreeMap<String, Value>,
    #[serde(default)]
    address_family_info: BTreeMap<String, Value>,
    last_reset_due_to: Option<String>,
    last_notification_reason: Option<String>,
}

/// All sessions.
pub(super) fn sessions(answer: &Value) -> Result<Vec<Session>> {
    let neighbors = answer.as_object().context("FRR does not list its neighbors")?;
    // Those that are no addresses are about the router itself.
    let neighbors = neighbors.iter().filter_map(|(name, about)| Some((name.parse::<IpAddr>().ok()?, about)));
    neighbors.map(|(address, about)| session(address, about)).collect()
}

fn session(address: IpAddr, about: &Value) -> Result<Session> {
    let about =
        Neighbor::deserialize(about).with_context(|| format!("read what FRR says of neighbor {address}: {about}"))?;
    let mut session = Session::with(address, about.remote_as);
    session.state = match about.bgp_state.as_str() {
        "Connect" => State::Connect,
        "Active" => State::Active,
        "OpenSent" => State::OpenSent,
        "OpenConfirm" => State::OpenConfirm,
        "Established" => State::Established,
        _ => State::Idle,
    };
    session.last_error = about.last_notification_reason.or(about.last_reset_due_to);
    if !session.is_established() {
        return Ok(session);
    }
    session.router_id = about.remote_router_id.filter(|id| !id.is_unspecified());
    // The time that it tells is computed anew for each answer, and may be another second.
    let (count, port) = (about.connections_established.unwrap_or(0), about.port_foreign.unwrap_or(0));
    session.since = Some(format!("connection {count}, from port {port}"));
    let hold_time = about.bgp_timer_hold_time_msecs.map(|milliseconds| milliseconds / 1000);
    session.hold_time = hold_time.and_then(|seconds| u16::try_from(seconds).ok());
    for (name, value) in &about.neighbor_capabilities {
        // "advertised", "received", "advertisedAndReceived", sometimes with a word after it; or one such flag.
        let received = value.to_string().to_ascii_lowercase().contains("received");
        if received {
            session.capabilities.extend(capabilities(name, value));
        }
    }
    for (name, value) in &about.address_family_info {
        if let Some(family) = family(name) {
            let count = value.get("acceptedPrefixCounter").and_then(Value::as_u64).unwrap_or(0);
            session.received.insert(family, usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
    Ok(session)
}

fn family(name: &str) -> Option<Family> {
    match name {
        "ipv4Unicast" => Some(Family::V4),
        "ipv6Unicast" => Some(Family::V6),
        _ => None,
    }
}

fn capabilities(name: &str, value: &Value) -> Vec<Capability> {
    match name {
        "4byteAs" => vec![Capability::FourOctetAsn],
        "routeRefresh" => vec![Capability::RouteRefresh],
        "enhancedRouteRefresh" => vec![Capability::EnhancedRouteRefresh],
        "extendedMessage" => vec![Capability::ExtendedMessage],
        "extendedNexthop" => vec![Capability::ExtendedNextHop],
        "gracefulRestartCapability" | "gracefulRestart" => vec![Capability::GracefulRestart],
        "multiprotocolExtensions" => {
            let families = value.as_object().into_iter().flatten();
            let received = families.filter(|(_, how)| how.to_string().to_ascii_lowercase().contains("received"));
            received.filter_map(|(name, _)| family(name)).map(Capability::Routes).collect()
        }
        _ => Vec::new(),
    }
}
