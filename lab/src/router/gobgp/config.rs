//! A configuration in GoBGP's language, TOML, and routes in that of its command line.

use std::fmt::Write as _;

use crate::prefix::Family;
use crate::router::config::{Announcement, Attributes, Distance, Neighbor, Remote, RouterConfig};
use crate::topology::Station;

/// What is announced is its own alone.
const POLICY: &str = "\
[[policy-definitions]]
  name = \"own\"
  [[policy-definitions.statements]]
    name = \"own\"
    [policy-definitions.statements.conditions.bgp-conditions]
      route-type = \"local\"
    [policy-definitions.statements.actions]
      route-disposition = \"accept-route\"
";

/// The whole file. Its own routes are not in it: they are added by [`route`].
pub(super) fn render(config: &RouterConfig) -> String {
    let RouterConfig { asn, router_id, port, neighbors, announce: _ } = config;
    let mut text = format!(
        "[global.config]\n  as = {asn}\n  router-id = \"{router_id}\"\n  port = {port}\n\
         [global.apply-policy.config]\n  export-policy-list = [\"own\"]\n  default-export-policy = \"reject-route\"\n\
         {POLICY}"
    );
    for neighbor in neighbors {
        match &neighbor.remote {
            Remote::Address(address) => {
                let _ = write!(
                    text,
                    "[[neighbors]]\n  [neighbors.config]\n    neighbor-address = \"{address}\"\n    peer-as = {}\n",
                    neighbor.asn
                );
                about(&mut text, "neighbors", neighbor);
            }
            Remote::Range(prefix) => {
                let _ = write!(
                    text,
                    "[[dynamic-neighbors]]\n  [dynamic-neighbors.config]\n    prefix = \"{prefix}\"\n    \
                     peer-group = \"{prefix}\"\n\
                     [[peer-groups]]\n  [peer-groups.config]\n    peer-group-name = \"{prefix}\"\n    peer-as = {}\n",
                    neighbor.asn
                );
                about(&mut text, "peer-groups", neighbor);
            }
        }
    }
    text
}

fn about(text: &mut String, kind: &str, neighbor: &Neighbor) {
    if let Some(password) = &neighbor.password {
        let _ = writeln!(text, "    auth-password = \"{password}\"");
    }
    let (hold, keepalive) = (neighbor.hold_time, neighbor.keepalive());
    let _ = writeln!(
        text,
        "  [{kind}.timers.config]\n    hold-time = {hold}\n    keepalive-interval = {keepalive}\n    \
         connect-retry = 1"
    );
    let _ = writeln!(text, "  [{kind}.transport.config]\n    remote-port = {}", neighbor.port);
    if neighbor.passive {
        text.push_str("    passive-mode = true\n");
    }
    match neighbor.distance {
        Distance::Link => {}
        Distance::Hops(hops) => {
            let _ = writeln!(text, "  [{kind}.ebgp-multihop.config]\n    enabled = true\n    multihop-ttl = {hops}");
        }
        Distance::Secured(hops) => {
            let least = 256 - u16::from(hops.max(1));
            let _ = writeln!(text, "  [{kind}.ttl-security.config]\n    enabled = true\n    ttl-min = {least}");
        }
    }
    if neighbor.graceful_restart {
        let _ = writeln!(text, "  [{kind}.graceful-restart.config]\n    enabled = true\n    restart-time = 120");
    }
    for family in &neighbor.families {
        let _ = write!(
            text,
            "  [[{kind}.afi-safis]]\n    [{kind}.afi-safis.config]\n      afi-safi-name = \"{}-unicast\"\n",
            family.name()
        );
        if neighbor.graceful_restart {
            let _ = writeln!(text, "    [{kind}.afi-safis.mp-graceful-restart.config]\n      enabled = true");
        }
    }
}

/// The words after `gobgp global rib add` that make a route of its own.
pub(super) fn route(announcement: &Announcement, asn: u32, station: Station) -> Vec<String> {
    let Attributes { med, local_pref, prepend, communities, large, route_targets } = &announcement.attributes;
    let family = announcement.prefix.family();
    let hop = if family == Family::V4 { station.v4().to_string() } else { station.v6().to_string() };
    let mut words = vec![announcement.prefix.to_string(), "nexthop".to_owned(), hop];
    let mut say = |name: &str, value: String| {
        if !value.is_empty() {
            words.extend([name.to_owned(), value]);
        }
    };
    say("origin", "igp".to_owned());
    say("med", med.map(|med| med.to_string()).unwrap_or_default());
    say("local-pref", local_pref.map(|value| value.to_string()).unwrap_or_default());
    say("aspath", vec![asn.to_string(); usize::from(*prepend)].join(" "));
    say("community", join(communities.iter().map(|(a, b)| format!("{a}:{b}"))));
    say("large-community", join(large.iter().map(|(a, b, c)| format!("{a}:{b}:{c}"))));
    for (asn, value) in route_targets {
        say("rt", format!("{asn}:{value}"));
    }
    words.extend(["-a".to_owned(), family.name().to_owned()]);
    words
}

fn join(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(",")
}
