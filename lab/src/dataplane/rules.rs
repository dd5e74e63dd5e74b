//! The nftables rules of one node.
//!
//! One table per family, all replaced in one transaction. A packet's way:
//!
//! ```text
//!  prerouting −110  new, and its address is known but has no endpoint here: drop
//!  prerouting −100  address . protocol . port ─► chain of the Service ─► an endpoint: DNAT
//!  postrouting 100  marked on the way: masquerade, so that answers come back here
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

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

/// An address, a protocol and a port, what becomes of packets for them, and
/// whose they are. A map, because two Services may share an address: the first
/// one listed wins a port they both claim, and nft would refuse the duplicate.
type Fates<'a> = BTreeMap<(IpAddr, Protocol, u16), (&'a str, Fate<'a>)>;

/// A family of addresses, as nft calls what belongs to it. Each has rules of
/// its own, like the two halves of a dual-stack kube-proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn has(self, address: IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }

    /// The table's family, which is also the protocol's name in expressions.
    fn name(self) -> &'static str {
        match self {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        }
    }

    fn address_type(self) -> &'static str {
        match self {
            Family::V4 => "ipv4_addr",
            Family::V6 => "ipv6_addr",
        }
    }
}

/// Renders the rules of `node` for all Services' ports.
#[must_use]
pub fn render(frontends: &[Frontend], node: &str) -> String {
    [Family::V4, Family::V6].map(|family| table(family, &fates(frontends, node, family))).concat()
}

fn fates<'a>(frontends: &'a [Frontend], node: &str, family: Family) -> Fates<'a> {
    let mut fates = Fates::new();
    for frontend in frontends {
        // Each family goes by its own endpoints.
        let own: Vec<_> = frontend.endpoints.iter().filter(|endpoint| family.has(endpoint.address.ip())).collect();
        let internal = choose::internal(&own);
        let external = choose::external(&own, frontend.policy, node);
        let hide_source = frontend.policy == TrafficPolicy::Cluster;
        let places = frontend.cluster_ips.iter().map(|address| (address, &internal, false));
        let places = places.chain(frontend.external_ips.iter().map(|address| (address, &external, hide_source)));
        for (address, to, hide_source) in places.filter(|(address, ..)| family.has(**address)) {
            let fate = match to.as_slice() {
                [] => Fate::Drop,
                to => Fate::Send { to: to.to_vec(), hide_source },
            };
            fates.entry((*address, frontend.protocol, frontend.port)).or_insert((&frontend.name, fate));
        }
    }
    fates
}

fn table(family: Family, fates: &Fates<'_>) -> String {
    let mut services = Vec::new();
    let mut dropped = Vec::new();
    let mut chains = String::new();
    for (number, ((address, protocol, port), (name, fate))) in fates.iter().enumerate() {
        let key = format!("{address} . {protocol} . {port}");
        match fate {
            Fate::Drop => dropped.push(key),
            Fate::Send { to, hide_source } => {
                services.push(format!("{key} : goto service-{number}"));
                chain(&mut chains, family, number, name, to, *protocol, *hide_source);
            }
        }
    }
    let (ip, address) = (family.name(), family.address_type());
    let key = format!("{ip} daddr . meta l4proto . th dport");
    format!(
        "table {ip} kube-proxy\n\
         delete table {ip} kube-proxy\n\
         table {ip} kube-proxy {{\n\
         map services {{ type {address} . inet_proto . inet_service : verdict; {} }}\n\
         set unserved {{ type {address} . inet_proto . inet_service; {} }}\n\
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
fn chain(
    text: &mut String,
    family: Family,
    number: usize,
    name: &str,
    to: &[&Endpoint],
    protocol: Protocol,
    hide_source: bool,
) {
    let mut arms = Vec::new();
    for (index, endpoint) in to.iter().enumerate() {
        let own_chain = format!("endpoint-{number}-{index}");
        let ip = endpoint.address.ip();
        let _ = write!(
            text,
            "chain {own_chain} {{\n\
             {} saddr {ip} meta mark set {MASQUERADE}\n\
             meta l4proto {protocol} dnat to {}\n\
             }}\n",
            family.name(),
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

    fn endpoint(address: &str) -> Endpoint {
        let address = address.parse().unwrap();
        Endpoint { address, node: "node1".to_owned(), ready: true, serving: true, terminating: false }
    }

    fn frontend(policy: TrafficPolicy) -> Frontend {
        Frontend {
            name: "default/web:80".to_owned(),
            cluster_ips: ["10.96.0.7", "fd00:96::7"].map(|ip| ip.parse().unwrap()).to_vec(),
            external_ips: ["192.168.1.240", "fd00:1::240"].map(|ip| ip.parse().unwrap()).to_vec(),
            protocol: Protocol::Tcp,
            port: 80,
            policy,
            endpoints: vec![endpoint("10.244.1.2:8080")],
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
    fn families_go_by_their_own_endpoints() {
        let mut frontend = frontend(TrafficPolicy::Local);
        let only_v4 = render(&[frontend.clone()], "node1");
        assert!(only_v4.contains("elements = { fd00:1::240 . tcp . 80, fd00:96::7 . tcp . 80 }"), "{only_v4}");
        frontend.endpoints.push(endpoint("[fd00:244:1::2]:8080"));
        let both = render(&[frontend], "node1");
        assert!(both.contains("fd00:1::240 . tcp . 80 : goto service-0"), "{both}");
        assert!(both.contains("ip6 saddr fd00:244:1::2 meta mark set 0x4000"), "{both}");
        assert!(both.contains("dnat to [fd00:244:1::2]:8080"), "{both}");
        assert_eq!(both.matches("numgen random mod 1 ").count(), 4, "one endpoint in each: {both}");
    }

    #[test]
    fn a_shared_port_is_listed_once() {
        let twins = [frontend(TrafficPolicy::Local), frontend(TrafficPolicy::Cluster)];
        assert_eq!(render(&twins, "node1").matches("192.168.1.240 . tcp . 80").count(), 1);
    }
}
