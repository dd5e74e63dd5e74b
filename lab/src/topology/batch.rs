//! The commands that make the lab's network, as text.

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};

use super::address::{self, Station};
use super::{Mac, Size};

/// What every machine's kernel is set to before it gets its addresses.
/// Addresses are usable at once (`accept_dad`), a node forwards to its pods,
/// and packets may arrive on the wire that the answer does not leave by.
pub(super) const MACHINE_SYSCTLS: &[(&str, &str)] = &[
    ("net/ipv6/conf/all/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/all/keep_addr_on_down", "1"),
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv6/conf/all/forwarding", "1"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
];

/// What a router's kernel is set to, too: packets of one connection take one way, those of another maybe another one, and
/// addresses and ports decide (layer 4), not addresses alone.
pub(super) const ROUTER_SYSCTLS: &[(&str, &str)] =
    &[("net/ipv4/fib_multipath_hash_policy", "1"), ("net/ipv6/fib_multipath_hash_policy", "1")];

/// What a pod's kernel is set to: its addresses are usable at once, too.
pub(super) const POD_SYSCTLS: &[(&str, &str)] =
    &[("net/ipv6/conf/all/accept_dad", "0"), ("net/ipv6/conf/default/accept_dad", "0")];

/// What the switch's kernel is set to: a switch has no addresses of its own,
/// so it has nothing to say either.
pub(super) const SWITCH_SYSCTLS: &[(&str, &str)] =
    &[("net/ipv6/conf/all/disable_ipv6", "1"), ("net/ipv6/conf/default/disable_ipv6", "1")];

/// Writes kernel settings of the calling thread's network namespace.
pub(super) fn set_sysctls(settings: &[(&str, &str)]) -> Result<()> {
    for (name, value) in settings {
        let path = format!("/proc/sys/{name}");
        fs::write(&path, value).with_context(|| format!("write {value} to {path}"))?;
    }
    Ok(())
}

/// The name of a lab's namespace.
pub(super) fn namespace_name(id: &str, role: &str) -> String {
    format!("hl-{id}-{role}")
}

/// The machines of one lab, and the commands that make them.
pub(super) struct Plan<'a> {
    id: &'a str,
    machines: Vec<(String, Station)>,
    nodes: u8,
}

impl<'a> Plan<'a> {
    pub(super) fn new(id: &'a str, size: Size) -> Self {
        let cp = std::iter::once(("cp".to_owned(), Station::CONTROL_PLANE));
        let nodes = (1..=size.nodes).map(|n| (format!("node{n}"), Station::node(n)));
        let clients = (1..=size.clients).map(|n| (format!("client{n}"), Station::client(n)));
        Self { id, machines: cp.chain(nodes).chain(clients).collect(), nodes: size.nodes }
    }

    /// Control plane, nodes, clients.
    pub(super) fn machines(&self) -> &[(String, Station)] {
        &self.machines
    }

    pub(super) fn namespaces(&self) -> Vec<String> {
        std::iter::once("switch")
            .chain(self.machines.iter().map(|(name, _)| name.as_str()))
            .map(|role| format!("netns add {}", namespace_name(self.id, role)))
            .collect()
    }

    /// A veth pair per machine: its `eth0`, and a port named after it.
    pub(super) fn wires(&self) -> Vec<String> {
        let switch = namespace_name(self.id, "switch");
        self.machines
            .iter()
            .map(|(name, station)| {
                format!(
                    "link add {name} netns {switch} type veth peer name eth0 netns {} address {}",
                    namespace_name(self.id, name),
                    station.mac()
                )
            })
            .collect()
    }

    /// A bridge that learns and forwards at once and floods multicast.
    pub(super) fn switch(&self) -> Vec<String> {
        let mut lines = vec![
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0".to_owned(),
            "link set br0 up".to_owned(),
        ];
        lines.extend(self.machines.iter().map(|(name, _)| format!("link set {name} master br0 up")));
        lines
    }

    pub(super) fn machine(&self, station: Station) -> Vec<String> {
        machine(station)
    }

    /// A node reaches the other nodes' pods through these nodes.
    pub(super) fn pod_routes(&self, node: u8) -> Vec<String> {
        (1..=self.nodes)
            .filter(|other| *other != node)
            .flat_map(|other| {
                let [a, b, c, _] = address::pod_gateway(other).octets();
                let (net, net_v6) = (Ipv4Addr::new(a, b, c, 0), address::pod_prefix_v6(other));
                let station = Station::node(other);
                [
                    format!("route add {net}/24 via {}", station.v4()),
                    format!("route add {net_v6}/64 via {}", station.v6()),
                ]
            })
            .collect()
    }
}

/// A machine's own addresses.
fn machine(station: Station) -> Vec<String> {
    std::iter::once("link set lo up".to_owned()).chain(interface("eth0", station)).collect()
}

fn interface(name: &str, station: Station) -> [String; 3] {
    [
        format!("link set {name} up"),
        format!("addr add {}/24 dev {name}", station.v4()),
        format!("addr add {}/64 dev {name} nodad", station.v6()),
    ]
}

/// A router on the LAN, a user behind it, and the wires between them.
pub(super) struct RouterPlan<'a> {
    pub(super) number: u8,
    pub(super) id: &'a str,
}

impl RouterPlan<'_> {
    /// The router's name, and the user's.
    pub(super) fn names(&self) -> [String; 2] {
        ["router", "user"].map(|role| format!("{role}{}", self.number))
    }

    /// The names of their namespaces.
    pub(super) fn namespaces(&self) -> [String; 2] {
        self.names().map(|name| namespace_name(self.id, &name))
    }

    pub(super) fn wires(&self) -> Vec<String> {
        let ([port, _], [router, user]) = (self.names(), self.namespaces());
        let (switch, number) = (namespace_name(self.id, "switch"), self.number);
        let [outside, inside, behind] =
            [Station::router(number), Station::router_inside(number), Station::user(number)].map(Station::mac);
        vec![
            format!("netns add {router}"),
            format!("netns add {user}"),
            format!("link add {port} netns {switch} type veth peer name eth0 netns {router} address {outside}"),
            format!(
                "link add eth1 netns {router} address {inside} type veth peer name eth0 netns {user} address {behind}"
            ),
        ]
    }

    pub(super) fn port(&self) -> Vec<String> {
        let [port, _] = self.names();
        vec![format!("link set {port} master br0 up")]
    }

    pub(super) fn router_side(&self) -> Vec<String> {
        let mut lines = machine(Station::router(self.number));
        lines.extend(interface("eth1", Station::router_inside(self.number)));
        lines
    }

    pub(super) fn user_side(&self) -> Vec<String> {
        let gateway = Station::router_inside(self.number);
        let mut lines = machine(Station::user(self.number));
        lines.push(format!("route add default via {}", gateway.v4()));
        lines.push(format!("route add default via {}", gateway.v6()));
        lines
    }

    /// How a node answers users.
    pub(super) fn node_side(&self) -> Vec<String> {
        let router = Station::router(self.number);
        let [v4, v6] = Station::user(self.number).network();
        vec![format!("route add {v4} via {}", router.v4()), format!("route add {v6} via {}", router.v6())]
    }
}

/// A pod's network: a namespace, and a veth pair to its node.
pub(super) struct PodPlan<'a> {
    pub(super) node: u8,
    pub(super) slot: u8,
    pub(super) node_namespace: &'a str,
    pub(super) name: &'a str,
}

impl PodPlan<'_> {
    pub(super) fn wire(&self) -> Vec<String> {
        let [a, b, c, d] = address::pod(self.node, self.slot).v4.octets();
        let mac = Mac([0x02, 0x01, a, b, c, d]);
        vec![
            format!("netns add {}", self.name),
            format!(
                "link add pod{} netns {} type veth peer name eth0 netns {} address {mac}",
                self.slot, self.node_namespace, self.name
            ),
        ]
    }

    pub(super) fn node_side(&self) -> Vec<String> {
        let (gateway, pod) = (address::pod_gateway(self.node), address::pod(self.node, self.slot));
        let (slot, gateway_v6) = (self.slot, address::POD_GATEWAY_V6);
        vec![
            format!("link set pod{slot} up"),
            format!("addr add {gateway} peer {}/32 dev pod{slot}", pod.v4),
            format!("addr add {gateway_v6}/64 dev pod{slot} nodad"),
            format!("route add {}/128 dev pod{slot}", pod.v6),
        ]
    }

    pub(super) fn pod_side(&self) -> Vec<String> {
        let (gateway, pod) = (address::pod_gateway(self.node), address::pod(self.node, self.slot));
        vec![
            "link set lo up".to_owned(),
            "link set eth0 up".to_owned(),
            format!("addr add {}/32 dev eth0", pod.v4),
            format!("route add {gateway} dev eth0"),
            format!("route add default via {gateway}"),
            format!("addr add {}/128 dev eth0 nodad", pod.v6),
            format!("route add default via {} dev eth0", address::POD_GATEWAY_V6),
        ]
    }
}
