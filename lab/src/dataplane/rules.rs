//! The nftables rules of one node.
//!
//! One table, replaced as a whole in one transaction. A packet's way:
//!
//! ```text
//!  prerouting −110  new, and its address is known but has no endpoint here: drop
//!  prerouting −100  address . protocol . port ─► chain of the Service ─► an endpoint: DNAT
//!  postrouting 100  marked on the way: masquerade, so that answers come back here
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::choose;
use super::frontend::{Endpoint, Frontend, Protocol, TrafficPolicy};

/// The mark of packets whose source must be hidden.
const MASQUERADE: &str = "0x4000";

/// What happens to packets for one address, protocol and port.
#[derive(Debug)]
enum Fate<'a> {
    Drop,
    Send { to: Vec<&'a Endpoint>, hide_source: bool },
}

/// Renders the rules of `node` for all Services' ports.
#[must_use]
pub fn render(frontends: &[Frontend], node: &str) -> String {
    // A map, because two Services may share an address: the first one listed
    // wins a port they both claim, and nft would refuse the duplicate.
    let mut fates: BTreeMap<(Ipv4Addr, Protocol, u16), (&str, Fate<'_>)> = BTreeMap::new();
    for frontend in frontends {
        let internal = choose::internal(&frontend.endpoints);
        let external = choose::external(&frontend.endpoints, frontend.policy, node);
        let hide_source = frontend.policy == TrafficPolicy::Cluster;
        let places = frontend.cluster_ips.iter().map(|address| (address, &internal, false));
        let places = places.chain(frontend.external_ips.iter().map(|address| (address, &external, hide_source)));
        for (address, to, hide_source) in places {
            let fate = match to.as_slice() {
                [] => Fate::Drop,
                to => Fate::Send { to: to.to_vec(), hide_source },
            };
            fates.entry((*address, frontend.protocol, frontend.port)).or_insert((&frontend.name, fate));
        }
    }
    table(&fates)
}

fn table(fates: &BTreeMap<(Ipv4Addr, Protocol, u16), (&str, Fate<'_>)>) -> String {
    let mut services = Vec::new();
    let mut dropped = Vec::new();
    let mut chains = String::new();
    for (number, ((address, protocol, port), (name, fate))) in fates.iter().enumerate() {
        let key = format!("{address} . {protocol} . {port}");
        match fate {
            Fate::Drop => dropped.push(key),
            Fate::Send { to, hide_source } => {
                services.push(format!("{key} : goto service-{number}"));
                chain(&mut chains, number, name, to, *protocol, *hide_source);
            }
        }
    }
    let key = "ip daddr . meta l4proto . th dport";
    format!(
        "table ip kube-proxy\n\
         delete table ip kube-proxy\n\
         table ip kube-proxy {{\n\
         map services {{ type ipv4_addr . inet_proto . inet_service : verdict; {} }}\n\
         set unserved {{ type ipv4_addr . inet_proto . inet_service; {} }}\n\
         {chains}\
         chain unserved {{\n\
         type filter hook prerouting priority -110; policy accept;\n\
         ct state new {key} @unserved drop\n\
         }}\n\
         chain prerouting {{\n\
         type nat hook prerouting priority -100; policy accept;\n\
         {key} vmap @services\n\
         }}\n\
         chain output {{\n\
         type nat hook output priority -100; policy accept;\n\
         {key} vmap @services\n\
         }}\n\
         chain postrouting {{\n\
         type nat hook postrouting priority 100; policy accept;\n\
         meta mark {MASQUERADE} masquerade\n\
         }}\n\
         }}\n",
        elements(&services),
        elements(&dropped),
    )
}

/// A Service's chain: picks an endpoint at random. An endpoint that talks to
/// itself by way of the Service must see another source than its own.
fn chain(text: &mut String, number: usize, name: &str, to: &[&Endpoint], protocol: Protocol, hide_source: bool) {
    let mut arms = Vec::new();
    for (index, endpoint) in to.iter().enumerate() {
        let own_chain = format!("endpoint-{number}-{index}");
        let ip = endpoint.address.ip();
        let _ = write!(
            text,
            "chain {own_chain} {{\n\
             ip saddr {ip} meta mark set {MASQUERADE}\n\
             meta l4proto {protocol} dnat to {}\n\
             }}\n",
            endpoint.address
        );
        arms.push(format!("{index} : goto {own_chain}"));
    }
    let mark = if hide_source { format!("meta mark set {MASQUERADE}\n") } else { String::new() };
    let _ = write!(
        text,
        "chain service-{number} {{\n\
         # {name}\n\
         {mark}\
         numgen random mod {} vmap {{ {} }}\n\
         }}\n",
        to.len(),
        arms.join(", ")
    );
}

fn elements(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("elements = {{ {} }};", items.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frontend(policy: TrafficPolicy) -> Frontend {
        Frontend {
            name: "default/web:80".to_owned(),
            cluster_ips: vec![[10, 96, 0, 7].into()],
            external_ips: vec![[192, 168, 1, 240].into()],
            protocol: Protocol::Tcp,
            port: 80,
            policy,
            endpoints: vec![Endpoint {
                address: std::net::SocketAddrV4::new([10, 244, 1, 2].into(), 8080),
                node: "node1".to_owned(),
                ready: true,
                serving: true,
                terminating: false,
            }],
        }
    }

    #[test]
    fn local_keeps_the_source_and_drops_without_an_endpoint() {
        let frontends = [frontend(TrafficPolicy::Local)];
        let here = render(&frontends, "node1");
        assert!(here.contains("192.168.1.240 . tcp . 80 : goto service-1"), "{here}");
        assert!(here.contains("dnat to 10.244.1.2:8080"), "{here}");
        let elsewhere = render(&frontends, "node2");
        assert!(elsewhere.contains("elements = { 192.168.1.240 . tcp . 80 }"), "{elsewhere}");
        assert!(elsewhere.contains("10.96.0.7 . tcp . 80 : goto"), "{elsewhere}");
    }

    #[test]
    fn cluster_hides_the_source_on_every_node() {
        let text = render(&[frontend(TrafficPolicy::Cluster)], "node2");
        assert!(text.contains("# default/web:80\nmeta mark set 0x4000\nnumgen"), "{text}");
    }

    #[test]
    fn a_shared_port_is_listed_once() {
        let twins = [frontend(TrafficPolicy::Local), frontend(TrafficPolicy::Cluster)];
        assert_eq!(render(&twins, "node1").matches("192.168.1.240 . tcp . 80").count(), 1);
    }
}
