//! A configuration in BIRD's language.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::prefix::Family;
use crate::router::config::{Announcement, Attributes, Distance, Neighbor, Remote, RouterConfig};
use crate::topology::Station;

/// What the protocol of a neighbor is called. It keeps its name when others come and go.
pub(super) fn protocol(neighbor: &Neighbor) -> String {
    let remote = match &neighbor.remote {
        Remote::Address(address) => format!("peer {address}"),
        Remote::Range(prefix) => format!("range {prefix}"),
    };
    remote.replace([' ', ':', '.', '/'], "_")
}

/// The whole file, for a router at this station.
pub(super) fn render(config: &RouterConfig, station: Station) -> String {
    let RouterConfig { asn, router_id, port, neighbors, announce } = config;
    let mut text = format!(
        "log stderr all;\n\
         router id {router_id};\n\
         debug protocols {{ states, events }};\n\
         # MULTI_EXIT_DISC goes to external neighbors only if it is set on the way out.\n\
         attribute int own_med;\n\
         filter own {{\n\
         \x20 if source != RTS_STATIC then reject;\n\
         \x20 if defined(own_med) then bgp_med = own_med;\n\
         \x20 accept;\n\
         }}\n\
         protocol device {{ }}\n\
         # By these a next hop is found that is further away than the link.\n\
         protocol direct {{ ipv4; ipv6; }}\n"
    );
    for family in Family::BOTH {
        let name = family.name();
        let _ = write!(
            text,
            "protocol kernel kernel_{name} {{\n\
             \x20 {name} {{ import none; export where source = RTS_BGP; }};\n\
             \x20 merge paths yes limit 64;\n\
             }}\n\
             protocol static own_{name} {{\n\
             \x20 {name};\n"
        );
        for announcement in announce.iter().filter(|one| one.prefix.family() == family) {
            route(&mut text, announcement, *asn);
        }
        text.push_str("}\n");
    }
    for neighbor in neighbors {
        bgp(&mut text, neighbor, *asn, *port, station);
    }
    text
}

fn route(text: &mut String, announcement: &Announcement, asn: u32) {
    let Attributes { med, local_pref, prepend, communities, large, route_targets } = &announcement.attributes;
    let mut said = String::new();
    if let Some(med) = med {
        let _ = write!(said, " own_med = {med};");
    }
    if let Some(value) = local_pref {
        let _ = write!(said, " bgp_local_pref = {value};");
    }
    for _ in 0..*prepend {
        let _ = write!(said, " bgp_path.prepend({asn});");
    }
    for (a, b) in communities {
        let _ = write!(said, " bgp_community.add(({a},{b}));");
    }
    for (a, b, c) in large {
        let _ = write!(said, " bgp_large_community.add(({a},{b},{c}));");
    }
    for (asn, value) in route_targets {
        let _ = write!(said, " bgp_ext_community.add((rt,{asn},{value}));");
    }
    let _ = writeln!(text, "  route {} blackhole {{ bgp_origin = ORIGIN_IGP;{said} }};", announcement.prefix);
}

fn bgp(text: &mut String, neighbor: &Neighbor, asn: u32, port: u16, station: Station) {
    let name = protocol(neighbor);
    let _ = writeln!(text, "protocol bgp {name} {{");
    let mut say = |line: &str| {
        let _ = writeln!(text, "  {line};");
    };
    say(&format!("local port {port} as {asn}"));
    match &neighbor.remote {
        Remote::Address(address) => say(&format!("neighbor {address} port {} as {}", neighbor.port, neighbor.asn)),
        Remote::Range(prefix) => {
            say(&format!("neighbor range {prefix} as {}", neighbor.asn));
            say(&format!("dynamic name \"{name}_\""));
        }
    }
    match neighbor.distance {
        Distance::Link => say("direct"),
        Distance::Hops(hops) => say(&format!("multihop {hops}")),
        Distance::Secured(1) => {
            say("direct");
            say("ttl security on");
        }
        Distance::Secured(hops) => {
            say(&format!("multihop {hops}"));
            say("ttl security on");
        }
    }
    if neighbor.passive && matches!(neighbor.remote, Remote::Address(_)) {
        say("passive on");
    }
    if let Some(password) = &neighbor.password {
        say(&format!("password \"{password}\""));
    }
    say(&format!("hold time {}", neighbor.hold_time));
    if neighbor.hold_time > 0 {
        say(&format!("keepalive time {}", neighbor.keepalive()));
    }
    if !neighbor.four_octet_asn {
        say("enable as4 off");
    }
    say("connect delay time 1");
    say("connect retry time 1");
    // After an error it resets every connection for so long.
    say("error wait time 1, 2");
    say(if neighbor.graceful_restart { "graceful restart aware" } else { "graceful restart off" });
    for family in &neighbor.families {
        let extended = neighbor.extended_next_hop && *family == Family::V4;
        let hop: IpAddr = match (family, neighbor.transport()) {
            (Family::V4, Family::V6) if extended => station.v6().into(),
            (Family::V4, _) => station.v4().into(),
            (Family::V6, _) => station.v6().into(),
        };
        let more = if extended { " extended next hop on;" } else { "" };
        let channel = format!("{} {{ import all; export filter own; next hop address {hop};{more} }}", family.name());
        say(&channel);
    }
    text.push_str("}\n");
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_route_carries_what_is_said_about_it() {
        let mut announcement = Announcement::new("198.51.100.0/24".parse().unwrap());
        announcement.attributes.prepend = 2;
        announcement.attributes.large.insert((64513, 1, 2));
        let config = RouterConfig::new(64513, Ipv4Addr::new(192, 168, 1, 91)).announcing(announcement);
        let text = render(&config, Station::router(1));
        let expected = "route 198.51.100.0/24 blackhole { bgp_origin = ORIGIN_IGP; bgp_path.prepend(64513); \
                        bgp_path.prepend(64513); bgp_large_community.add((64513,1,2)); };";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn protocols_keep_their_names() {
        let neighbor = Neighbor::new("fd00:1::11".parse::<IpAddr>().unwrap(), 64512);
        assert_eq!(protocol(&neighbor), "peer_fd00_1__11");
    }
}
