//! A configuration in FRR's language, and the commands that lead from one to another.
//!
//! A configuration is a list of lines, each with the contexts it stands in
//! (`router bgp 64513`, `address-family ipv4 unicast`). Two of them differ by
//! lines, and a line is taken back by the same line after `no`. A neighbor
//! takes all its lines with it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::prefix::{Family, Prefix};
use crate::router::config::{Attributes, Distance, Neighbor, Remote, RouterConfig};

/// A line and the contexts around it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    contexts: Vec<String>,
    text: String,
}

/// The whole file.
pub(super) fn render(config: &RouterConfig) -> String {
    let mut text = String::new();
    for command in commands(&lines(config)) {
        let _ = writeln!(text, "{command}");
    }
    text
}

/// What must be typed at `configure terminal` to get from one to the other.
pub(super) fn difference(old: &RouterConfig, new: &RouterConfig) -> Vec<String> {
    let (old, new) = (lines(old), lines(new));
    let gone = |line: &&Line| !new.contains(line);
    let leaving: BTreeSet<&str> = old.iter().filter(gone).filter_map(definition).collect();
    let staying: BTreeSet<&str> = new.iter().filter_map(definition).collect();
    let removed = old.iter().filter(gone).filter_map(|line| match (definition(line), neighbor(line)) {
        // Another AS number for the same neighbor is just said.
        (Some(name), _) if staying.contains(name) => None,
        (Some(name), _) => {
            let group = if line.text.ends_with("peer-group") { " peer-group" } else { "" };
            Some(Line { text: format!("no neighbor {name}{group}"), ..line.clone() })
        }
        (None, Some(name)) if leaving.contains(name) && !staying.contains(name) => None,
        (None, _) => Some(Line { text: format!("no {}", line.text), ..line.clone() }),
    });
    // A range lets go of its group before the group goes.
    let mut removed: Vec<_> = removed.collect();
    removed.sort_by_key(|line| !line.text.starts_with("no bgp listen range"));
    let added = new.iter().filter(|line| !old.contains(line)).cloned();
    commands(&removed.into_iter().chain(added).collect::<Vec<_>>())
}

/// The neighbor that a line makes.
fn definition(line: &Line) -> Option<&str> {
    let (name, rest) = line.text.strip_prefix("neighbor ")?.split_once(' ')?;
    (rest == "peer-group" || (rest.starts_with("remote-as ") && !name.starts_with("range-"))).then_some(name)
}

/// The neighbor that a line is about.
fn neighbor(line: &Line) -> Option<&str> {
    Some(line.text.strip_prefix("neighbor ")?.split_once(' ')?.0)
}

/// The lines with the commands that enter and leave their contexts.
fn commands(lines: &[Line]) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside: &[String] = &[];
    for line in lines {
        if line.contexts != inside {
            commands.extend(inside.iter().map(|_| "exit".to_owned()));
            commands.extend(line.contexts.iter().cloned());
            inside = &line.contexts;
        }
        commands.push(line.text.clone());
    }
    commands.extend(inside.iter().map(|_| "exit".to_owned()));
    commands
}

fn lines(config: &RouterConfig) -> Vec<Line> {
    let mut all = Vec::new();
    let mut said: Vec<&Attributes> = config.announce.iter().map(|one| &one.attributes).collect();
    said.sort_unstable();
    said.dedup();
    let map_of = |attributes: &Attributes| said.binary_search(&attributes).unwrap_or_default();
    for attributes in &said {
        let context = format!("route-map said-{} permit 10", map_of(attributes));
        // By the tag its own routes are known on their way out.
        add(&mut all, &[&context], &["set origin igp".to_owned(), "set tag 1".to_owned()]);
        add(&mut all, &[&context], &sets(attributes, config.asn));
    }
    add(&mut all, &["route-map own permit 10"], &["match tag 1".to_owned()]);
    let bgp = format!("router bgp {}", config.asn);
    add(
        &mut all,
        &[&bgp],
        &[
            format!("bgp router-id {}", config.router_id),
            "no bgp ebgp-requires-policy".to_owned(),
            "no bgp network import-check".to_owned(),
            "no bgp default ipv4-unicast".to_owned(),
            "bgp bestpath as-path multipath-relax".to_owned(),
        ],
    );
    for neighbor in &config.neighbors {
        add(&mut all, &[&bgp], &about(neighbor));
    }
    for family in Family::BOTH {
        let context = format!("address-family {} unicast", family.name());
        let mut inside = vec!["maximum-paths 64".to_owned(), "maximum-paths ibgp 64".to_owned()];
        for neighbor in config.neighbors.iter().filter(|neighbor| neighbor.families.contains(&family)) {
            let name = name(neighbor);
            inside.extend([format!("neighbor {name} activate"), format!("neighbor {name} route-map own out")]);
        }
        for announcement in config.announce.iter().filter(|one| one.prefix.family() == family) {
            let map = map_of(&announcement.attributes);
            inside.push(format!("network {} route-map said-{map}", announcement.prefix));
        }
        add(&mut all, &[&bgp, &context], &inside);
    }
    all
}

fn add(all: &mut Vec<Line>, contexts: &[&str], texts: &[String]) {
    let contexts: Vec<_> = contexts.iter().map(|&context| context.to_owned()).collect();
    all.extend(texts.iter().map(|text| Line { contexts: contexts.clone(), text: text.clone() }));
}

fn name(neighbor: &Neighbor) -> String {
    match &neighbor.remote {
        Remote::Address(address) => address.to_string(),
        Remote::Range(prefix) => group(*prefix),
    }
}

fn group(prefix: Prefix) -> String {
    format!("range-{}", prefix.to_string().replace([':', '.', '/'], "-"))
}

fn about(neighbor: &Neighbor) -> Vec<String> {
    let name = name(neighbor);
    let mut texts = Vec::new();
    let mut say = |what: &str| texts.push(format!("neighbor {name} {what}"));
    if matches!(neighbor.remote, Remote::Range(_)) {
        say("peer-group");
    }
    say(&format!("remote-as {}", neighbor.asn));
    if neighbor.passive && matches!(neighbor.remote, Remote::Address(_)) {
        say("passive");
    }
    say(&format!("timers {} {}", neighbor.keepalive(), neighbor.hold_time));
    say("timers connect 1");
    if let Some(password) = &neighbor.password {
        say(&format!("password {password}"));
    }
    match neighbor.distance {
        Distance::Link => {}
        Distance::Hops(hops) => say(&format!("ebgp-multihop {hops}")),
        Distance::Secured(hops) => say(&format!("ttl-security hops {hops}")),
    }
    if !neighbor.graceful_restart {
        say("graceful-restart-disable");
    }
    if neighbor.extended_next_hop {
        say("capability extended-nexthop");
    }
    if !neighbor.four_octet_asn {
        say("dont-capability-negotiate");
    }
    if neighbor.port != 179 {
        say(&format!("port {}", neighbor.port));
    }
    if let Remote::Range(prefix) = neighbor.remote {
        texts.push(format!("bgp listen range {prefix} peer-group {name}"));
    }
    texts
}

fn sets(attributes: &Attributes, asn: u32) -> Vec<String> {
    let Attributes { med, local_pref, prepend, communities, large, route_targets } = attributes;
    let mut texts = Vec::new();
    texts.extend(med.map(|med| format!("set metric {med}")));
    texts.extend(local_pref.map(|value| format!("set local-preference {value}")));
    if *prepend > 0 {
        let path = vec![asn.to_string(); usize::from(*prepend)];
        texts.push(format!("set as-path prepend {}", path.join(" ")));
    }
    let mut set = |what: &str, values: Vec<String>| {
        if !values.is_empty() {
            texts.push(format!("set {what} {}", values.join(" ")));
        }
    };
    set("community", communities.iter().map(|(a, b)| format!("{a}:{b}")).collect());
    set("large-community", large.iter().map(|(a, b, c)| format!("{a}:{b}:{c}")).collect());
    set("extcommunity rt", route_targets.iter().map(|(asn, value)| format!("{asn}:{value}")).collect());
    texts
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::router::config::Announcement;

    fn neighbor(host: u8) -> Neighbor {
        Neighbor::new(Ipv4Addr::new(192, 168, 1, host), 64512)
    }

    fn config() -> RouterConfig {
        RouterConfig::new(64513, Ipv4Addr::new(192, 168, 1, 91)).with(neighbor(11)).with(neighbor(12).password("old"))
    }

    #[test]
    fn a_difference_says_only_what_is_new() {
        assert_eq!(difference(&config(), &config()), Vec::<String>::new());
        let mut new = config();
        new.neighbors.remove(0);
        new.neighbors[0].password = Some("new".to_owned());
        let said = difference(&config(), &new);
        let expected = [
            "router bgp 64513",
            "no neighbor 192.168.1.11",
            "no neighbor 192.168.1.12 password old",
            "neighbor 192.168.1.12 password new",
            "exit",
        ];
        assert_eq!(said, expected);
        let back = difference(&new, &config());
        assert!(back.contains(&"neighbor 192.168.1.11 remote-as 64512".to_owned()), "{back:?}");
        assert!(!back.iter().any(|line| line.starts_with("no neighbor 192.168.1.12 remote-as")), "{back:?}");
    }

    #[test]
    fn another_as_number_is_just_said() {
        let mut new = config();
        new.neighbors[0].asn = 64599;
        let said = difference(&config(), &new);
        assert_eq!(said, ["router bgp 64513", "neighbor 192.168.1.11 remote-as 64599", "exit"]);
    }

    #[test]
    fn a_range_goes_before_its_group() {
        let range = Neighbor::range("192.168.1.0/24".parse().unwrap(), 64512);
        let said = difference(&config().with(range), &config());
        let expected = [
            "router bgp 64513",
            "no bgp listen range 192.168.1.0/24 peer-group range-192-168-1-0-24",
            "no neighbor range-192-168-1-0-24 peer-group",
            "exit",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn prefixes_with_the_same_attributes_share_a_map() {
        let mut announcement = Announcement::new("198.51.100.0/24".parse().unwrap());
        announcement.attributes.communities.insert((64513, 1));
        let plain = Announcement::new("203.0.113.7/32".parse().unwrap());
        let text = render(
            &config()
                .announcing(announcement.clone())
                .announcing(plain)
                .announcing(Announcement { prefix: "2001:db8::/48".parse().unwrap(), ..announcement }),
        );
        assert_eq!(text.matches("set community 64513:1").count(), 1, "{text}");
        assert!(text.contains("network 198.51.100.0/24 route-map said-1\n"), "{text}");
        assert!(text.contains("network 203.0.113.7/32 route-map said-0\n"), "{text}");
        assert!(text.contains("network 2001:db8::/48 route-map said-1\n"), "{text}");
    }
}
