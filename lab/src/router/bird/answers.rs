//! BIRD's answers, in text for people.
//!
//! ```text
//!  198.51.100.0/24      unicast [peer_192_168_1_11 21:11:05.123] * (100) [AS64512i]
//!  <tab>via 192.168.1.11 on eth0
//!  <tab>BGP.origin: IGP
//!                       unicast [peer_192_168_1_12 21:11:05.124] (100) [AS64512i]
//!  <tab>…
//! ```
//!
//! Spaces in front mean the prefix above, a tab a line about the path above.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Context as _, Result};

use crate::prefix::{Family, Prefix};
use crate::router::route::{Capability, Origin, Route, Session, State};

/// The routes that `show route all` lists. `neighbors` are those of the protocols.
pub(super) fn routes(answer: &str, neighbors: &BTreeMap<String, IpAddr>) -> Result<Vec<Route>> {
    let mut routes: Vec<Route> = Vec::new();
    let mut prefix: Option<Prefix> = None;
    for line in answer.lines() {
        if let Some(about) = line.strip_prefix('\t') {
            if let Some((name, value)) = about.split_once(':')
                && let Some(route) = routes.last_mut()
            {
                attribute(route, name, value.trim());
            }
            continue;
        }
        let Some((_, after)) = line.split_once('[') else { continue };
        if !line.starts_with(' ') {
            let word = line.split_whitespace().next().unwrap_or_default();
            prefix = Some(word.parse().with_context(|| format!("BIRD lists {line:?}"))?);
        }
        let mut route = Route::to(prefix.with_context(|| format!("BIRD begins with {line:?}"))?);
        let protocol = after.split([' ', ']']).next().unwrap_or_default();
        route.from = neighbors.get(protocol).copied();
        route.best = after.split_once(']').is_some_and(|(_, rest)| rest.starts_with(" *"));
        routes.push(route);
    }
    Ok(routes)
}

fn attribute(route: &mut Route, name: &str, value: &str) {
    match name {
        "BGP.origin" => {
            route.origin = match value {
                "IGP" => Origin::Igp,
                "EGP" => Origin::Egp,
                _ => Origin::Incomplete,
            };
        }
        "BGP.as_path" => {
            route.as_path = value.split([' ', '{', '}', '(', ')']).filter_map(|n| n.parse().ok()).collect()
        }
        "BGP.next_hop" => route.next_hops = value.split_whitespace().filter_map(|hop| hop.parse().ok()).collect(),
        "BGP.med" => route.med = value.parse().ok(),
        "BGP.local_pref" => route.local_pref = value.parse().ok(),
        "BGP.community" => {
            route.communities = tuples(value).filter_map(|words| two(&words)).collect();
        }
        "BGP.large_community" => route.large = tuples(value).filter_map(|words| three(&words)).collect(),
        "BGP.ext_community" => {
            route.extended = tuples(value).map(|words| words.join(":").to_ascii_lowercase()).collect();
        }
        _ => {}
    }
}

/// What is between parentheses, without commas and spaces.
fn tuples(value: &str) -> impl Iterator<Item = Vec<&str>> {
    let inside = value.split('(').skip(1).filter_map(|part| Some(part.split_once(')')?.0));
    inside.map(|words| words.split(',').map(str::trim).collect())
}

fn two(words: &[&str]) -> Option<(u16, u16)> {
    let [a, b] = words else { return None };
    Some((a.parse().ok()?, b.parse().ok()?))
}

fn three(words: &[&str]) -> Option<(u32, u32, u32)> {
    let [a, b, c] = words else { return None };
    Some((a.parse().ok()?, b.parse().ok()?, c.parse().ok()?))
}

/// The sessions that `show protocols all` lists, by protocol.
pub(super) fn sessions(answer: &str) -> Result<BTreeMap<String, Session>> {
    let mut sessions = BTreeMap::new();
    for block in blocks(answer) {
        if let Some((name, session)) = session(&block)? {
            sessions.insert(name, session);
        }
    }
    Ok(sessions)
}

/// One list of lines per protocol: the first begins with its name, the others with spaces.
fn blocks(answer: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in answer.lines().filter(|line| !line.trim().is_empty()) {
        match blocks.last_mut() {
            Some(block) if line.starts_with(' ') => block.push(line.trim()),
            _ => blocks.push(vec![line]),
        }
    }
    blocks
}

/// A BGP session; `None` for other protocols, and for those that wait for a whole range.
fn session(block: &[&str]) -> Result<Option<(String, Session)>> {
    let Some((first, lines)) = block.split_first() else { return Ok(None) };
    let words: Vec<_> = first.split_whitespace().collect();
    let [name, "BGP", _, _, since, ..] = *words else { return Ok(None) };
    let values = |wanted: &'static str| {
        let values = lines.iter().filter_map(move |line| line.strip_prefix(wanted)?.strip_prefix(':'));
        values.map(str::trim)
    };
    let value = |wanted: &'static str| values(wanted).next();
    let Some(address) = value("Neighbor address").and_then(|address| address.parse::<IpAddr>().ok()) else {
        return Ok(None);
    };
    let asn = value("Neighbor AS").and_then(|asn| asn.parse().ok());
    let mut session = Session::with(address, asn.with_context(|| format!("BIRD does not tell {name}'s AS number"))?);
    session.state = match value("BGP state") {
        Some("Connect") => State::Connect,
        // A passive session is "Passive" until somebody connects.
        Some("Active" | "Passive") => State::Active,
        Some("OpenSent") => State::OpenSent,
        Some("OpenConfirm") => State::OpenConfirm,
        Some("Established") => State::Established,
        _ => State::Idle,
    };
    session.last_error = value("Last error").map(str::to_owned);
    if session.is_established() {
        session.router_id = value("Neighbor ID").and_then(|id| id.parse().ok());
        session.since = Some(since.to_owned());
        let hold = value("Hold timer").and_then(|timer| timer.split_once('/'));
        session.hold_time = Some(hold.and_then(|(_, seconds)| seconds.parse().ok()).unwrap_or(0));
        capabilities(lines, &mut session);
        received(lines, &mut session);
    }
    Ok(Some((name.to_owned(), session)))
}

fn capabilities(lines: &[&str], session: &mut Session) {
    let theirs = lines.iter().skip_while(|line| **line != "Neighbor capabilities").skip(1);
    // What follows them has a colon, as some of theirs have.
    let theirs = theirs.take_while(|line| !line.starts_with("Session:"));
    for line in theirs {
        match line.split_once(':').unwrap_or((line, "")) {
            ("AF announced", families) => session.capabilities.extend(named(families).map(Capability::Routes)),
            ("Route refresh", _) => drop(session.capabilities.insert(Capability::RouteRefresh)),
            ("Enhanced refresh", _) => drop(session.capabilities.insert(Capability::EnhancedRouteRefresh)),
            ("4-octet AS numbers", _) => drop(session.capabilities.insert(Capability::FourOctetAsn)),
            ("Graceful restart", _) => drop(session.capabilities.insert(Capability::GracefulRestart)),
            ("Extended next hop", _) => drop(session.capabilities.insert(Capability::ExtendedNextHop)),
            ("Extended message", _) => drop(session.capabilities.insert(Capability::ExtendedMessage)),
            _ => {}
        }
    }
}

fn named(families: &str) -> impl Iterator<Item = Family> {
    families.split_whitespace().filter_map(|name| Family::BOTH.into_iter().find(|family| family.name() == name))
}

fn received(lines: &[&str], session: &mut Session) {
    let mut family = None;
    for line in lines {
        if let Some(name) = line.strip_prefix("Channel ") {
            family = named(name).next();
        } else if let (Some(family), Some(routes)) = (family, line.strip_prefix("Routes:")) {
            let count = routes.split_whitespace().next().and_then(|count| count.parse().ok());
            session.received.insert(family, count.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read() {
        let text = "Table master4:\n\
            198.51.100.0/24      unicast [peer_a 22:35:45.999 from fd00:1::91] * (100) [AS64513i]\n\
            \tvia 192.168.1.91 on eth0\n\
            \tType: BGP univ\n\
            \tBGP.origin: IGP\n\
            \tBGP.as_path: 64513 64513\n\
            \tBGP.next_hop: 192.168.1.91\n\
            \tBGP.med: 50\n\
            \tBGP.local_pref: 100\n\
            \tBGP.community: (64513,1) (65535,65281)\n\
            \tBGP.ext_community: (rt, 64513, 7)\n\
            \tBGP.large_community: (64513, 1, 2) (4200000001, 3, 4)\n\
            \x20                    unicast [peer_b 22:35:46.001] (100) [i]\n\
            \tBGP.next_hop: 2001:db8::1 fe80::1\n\
            203.0.113.7/32       blackhole [own_ipv4 22:35:45.162] * (200)\n\
            \tType: static univ\n";
        let neighbors = [("peer_a", "fd00:1::91"), ("peer_b", "192.168.1.12")];
        let neighbors = neighbors.map(|(name, address)| (name.to_owned(), address.parse().unwrap())).into();
        let routes = routes(text, &neighbors).unwrap();
        let [first, second, own] = routes.as_slice() else { panic!("{routes:?}") };
        assert_eq!((first.prefix, first.best, second.best), (second.prefix, true, false));
        assert_eq!((first.from, second.from, own.from), (Some(neighbors["peer_a"]), Some(neighbors["peer_b"]), None));
        assert_eq!((first.as_path.as_slice(), first.med, first.local_pref), (&[64513, 64513][..], Some(50), Some(100)));
        assert_eq!(first.communities, [(64513, 1), (65535, 65281)].into());
        assert_eq!(first.large, [(64513, 1, 2), (4_200_000_001, 3, 4)].into());
        assert_eq!(first.extended, ["rt:64513:7".to_owned()].into());
        assert_eq!((second.next_hops.len(), second.as_path.len(), own.prefix.length()), (2, 0, 32));
    }

    #[test]
    fn sessions_are_read() {
        let text = "Name       Proto      Table      State  Since         Info\n\
            device1    Device     ---        up     22:35:45.162  \n\n\
            peer_a BGP        ---        up     22:35:45.999  Established   \n\
            \x20 BGP state:          Established\n\
            \x20   Neighbor address: fd00:1::91\n\
            \x20   Neighbor AS:      64513\n\
            \x20   Neighbor ID:      192.168.1.91\n\
            \x20   Local capabilities\n\
            \x20     Enhanced refresh\n\
            \x20   Neighbor capabilities\n\
            \x20     Multiprotocol\n\
            \x20       AF announced: ipv4\n\
            \x20     Graceful restart\n\
            \x20       Restart time: 120\n\
            \x20   Session:          external AS4\n\
            \x20   Hold timer:       8.532/9\n\
            \x20 Channel ipv4\n\
            \x20   Routes:         7 imported, 1 exported, 1 preferred\n\n\
            peer_b BGP        ---        start  22:35:45.999  Idle          BGP Error: Bad peer AS\n\
            \x20 BGP state:          Idle\n\
            \x20   Neighbor address: 192.168.1.12\n\
            \x20   Neighbor AS:      64512\n\
            \x20   Last error:       BGP Error: Bad peer AS\n\
            range BGP        ---        start  22:35:45.999  Passive\n\
            \x20   Neighbor range:   192.168.1.0/24\n";
        let sessions = sessions(text).unwrap();
        assert_eq!(sessions.keys().collect::<Vec<_>>(), ["peer_a", "peer_b"]);
        let (a, b) = (&sessions["peer_a"], &sessions["peer_b"]);
        assert_eq!((a.state, a.hold_time, a.since.as_deref()), (State::Established, Some(9), Some("22:35:45.999")));
        assert_eq!(a.capabilities, [Capability::Routes(Family::V4), Capability::GracefulRestart].into());
        assert_eq!((a.received.get(&Family::V4), b.state), (Some(&7), State::Idle));
        assert_eq!(b.last_error.as_deref(), Some("BGP Error: Bad peer AS"));
    }
}
