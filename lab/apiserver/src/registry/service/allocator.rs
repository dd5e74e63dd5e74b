//! What only one Service may have at a time: cluster IPs, node ports, health check node ports.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use herald_apiserver_schema::Cause;
use serde_json::{Map, Value, json};

use super::address::Family;
use super::spec::{Spec, port_number};

/// `10.96.0.0/12`. Addresses are handed out from the second block on, as kube-apiserver does; the first is for
/// addresses that users choose.
const V4: (u32, u32) = (0x0a60_0000, 0x0a6f_ffff);
const V4_DYNAMIC: u32 = 0x0a60_0101;

/// `fd00:96::/108`.
const V6_PREFIX: u128 = 0xfd00_0096_0000_0000_0000_0000_0000_0000;
const V6_SIZE: u128 = 1 << 20;
const V6_DYNAMIC: u128 = 0x101;

/// Node ports; the lower part is for those that users choose.
const PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
const PORTS_DYNAMIC: u16 = 30086;

/// What is taken.
#[derive(Debug)]
pub(super) struct Taken {
    addresses: HashSet<IpAddr>,
    ports: HashSet<u16>,
    /// Where the search for a free one begins.
    next_v4: u32,
    next_v6: u128,
    next_port: u16,
}

impl Default for Taken {
    fn default() -> Self {
        Self {
            addresses: HashSet::new(),
            ports: HashSet::new(),
            next_v4: V4_DYNAMIC,
            next_v6: V6_DYNAMIC,
            next_port: PORTS_DYNAMIC,
        }
    }
}

/// Why nothing was allocated.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 422.
    Invalid(Cause),
    /// 500.
    Internal(String),
}

impl Taken {
    /// Takes all that a Service has.
    pub(super) fn claim(&mut self, spec: Spec<'_>) {
        self.addresses.extend(addresses(spec));
        self.ports.extend(ports(spec));
    }

    /// Gives back what a Service has and `kept` has not.
    pub(super) fn release(&mut self, spec: Spec<'_>, kept: Option<Spec<'_>>) {
        let stays = |spec: Option<Spec<'_>>| spec.map(|spec| (addresses(spec), ports(spec))).unwrap_or_default();
        let (kept_addresses, kept_ports) = stays(kept);
        for address in addresses(spec).difference(&kept_addresses) {
            self.addresses.remove(address);
        }
        for port in ports(spec).difference(&kept_ports) {
            self.ports.remove(port);
        }
    }

    fn take_address(&mut self, text: &str) -> Result<(), String> {
        let refuse = |why: &str| Err(format!("failed to allocate IP {text}: {why}"));
        let Ok(address) = text.parse() else { return refuse("not an address") };
        if !in_range(address) {
            return refuse("the provided network does not match the current range");
        }
        if self.addresses.insert(address) { Ok(()) } else { refuse("provided IP is already allocated") }
    }

    fn next_address(&mut self, family: Family) -> Option<IpAddr> {
        let tries = self.addresses.len() + 1;
        for _ in 0..=tries {
            let address = match family {
                Family::V4 => {
                    let at = self.next_v4;
                    self.next_v4 = if at + 1 >= V4.1 { V4_DYNAMIC } else { at + 1 };
                    IpAddr::V4(Ipv4Addr::from(at))
                }
                Family::V6 => {
                    let at = self.next_v6;
                    self.next_v6 = if at + 1 >= V6_SIZE { V6_DYNAMIC } else { at + 1 };
                    IpAddr::V6(Ipv6Addr::from(V6_PREFIX + at))
                }
            };
            if self.addresses.insert(address) {
                return Some(address);
            }
        }
        None
    }

    fn take_port(&mut self, number: i64) -> Result<(), String> {
        match u16::try_from(number).ok().filter(|port| PORTS.contains(port)) {
            None => Err(format!(
                "provided port is not in the valid range. The range of valid ports is {}-{}",
                PORTS.start(),
                PORTS.end()
            )),
            Some(port) if self.ports.insert(port) => Ok(()),
            Some(_) => Err("provided port is already allocated".to_owned()),
        }
    }

    fn next_port(&mut self) -> Result<u16, Refusal> {
        for _ in PORTS {
            let port = self.next_port;
            self.next_port = if port == *PORTS.end() { *PORTS.start() } else { port + 1 };
            if self.ports.insert(port) {
                return Ok(port);
            }
        }
        Err(Refusal::Internal("failed to allocate a nodePort: range is full".to_owned()))
    }
}

/// Allocates what the Service needs and has not; nothing stays taken when it fails.
pub(super) fn allocate(taken: &mut Taken, spec: &mut Map<String, Value>, old: Option<Spec<'_>>) -> Result<(), Refusal> {
    let mut fresh = Fresh { taken, addresses: Vec::new(), ports: Vec::new() };
    let done = fresh
        .cluster_ips(spec, old)
        .and_then(|()| fresh.node_ports(spec, old))
        .and_then(|()| fresh.health_check_node_port(spec, old));
    if done.is_err() {
        let Fresh { taken, addresses, ports } = fresh;
        for address in addresses {
            taken.addresses.remove(&address);
        }
        for port in ports {
            taken.ports.remove(&port);
        }
    }
    done
}

/// What one write takes.
struct Fresh<'a> {
    taken: &'a mut Taken,
    addresses: Vec<IpAddr>,
    ports: Vec<u16>,
}

impl Fresh<'_> {
    fn cluster_ips(&mut self, spec: &mut Map<String, Value>, old: Option<Spec<'_>>) -> Result<(), Refusal> {
        let new = Spec::new(spec);
        if !new.needs_cluster_ip() || new.is_headless() {
            return Ok(());
        }
        let had: Vec<&str> = old.map(Spec::cluster_ips).unwrap_or_default();
        let given: Vec<String> = new.cluster_ips().iter().map(|ip| (*ip).to_owned()).collect();
        let invalid = |given: &[String], why: String| {
            let shown = if given.is_empty() { json!([""]) } else { json!(given) };
            Refusal::Invalid(Cause::invalid("spec.clusterIPs", &shown, why))
        };
        let mut all = given.clone();
        for address in given.iter().filter(|address| !had.contains(&address.as_str())) {
            self.taken.take_address(address).map_err(|why| invalid(&given, why))?;
            self.addresses.extend(address.parse::<IpAddr>());
        }
        for family in new.families().into_iter().skip(given.len()).filter_map(Family::named) {
            let full = || invalid(&given, "failed to allocate IP: range is full".to_owned());
            let address = self.taken.next_address(family).ok_or_else(full)?;
            self.addresses.push(address);
            all.push(address.to_string());
        }
        if let Some(first) = all.first() {
            spec.insert("clusterIP".into(), first.clone().into());
            spec.insert("clusterIPs".into(), json!(all));
        }
        Ok(())
    }

    fn node_ports(&mut self, spec: &mut Map<String, Value>, old: Option<Spec<'_>>) -> Result<(), Refusal> {
        let new = Spec::new(spec);
        if !new.may_have_node_ports() {
            return Ok(());
        }
        let wanted = new.wants_node_ports();
        let had: Vec<i64> =
            old.map(Spec::ports).unwrap_or_default().iter().map(|port| port_number(port, "nodePort")).collect();
        let requested: Vec<(i64, i64)> =
            new.ports().iter().map(|port| (port_number(port, "port"), port_number(port, "nodePort"))).collect();
        // Node ports of this Service by port: TCP and UDP on one port share theirs.
        let mut shared: Vec<(i64, i64)> = Vec::new();
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for (index, port) in ports.into_iter().flatten().enumerate() {
            let (number, mut node_port) = (port_number(port, "port"), port_number(port, "nodePort"));
            if node_port == 0 && !wanted {
                continue;
            }
            let there = shared.iter().find(|(of, _)| *of == number).map(|(_, node_port)| *node_port);
            if node_port == 0 {
                let asked_later = || requested.iter().find(|(of, node)| *of == number && *node != 0).map(|(_, n)| *n);
                node_port = match there.or_else(asked_later) {
                    Some(port) => port,
                    None => {
                        let port = self.taken.next_port()?;
                        self.ports.push(port);
                        shared.push((number, port.into()));
                        port.into()
                    }
                };
                port["nodePort"] = node_port.into();
            }
            let is_new = !had.contains(&node_port) && !shared.iter().any(|(_, node)| *node == node_port);
            if is_new {
                self.taken.take_port(node_port).map_err(|why| {
                    let field = format!("spec.ports[{index}].nodePort");
                    Refusal::Invalid(Cause::invalid(field, &json!(node_port), why))
                })?;
                self.ports.extend(u16::try_from(node_port));
            }
            shared.push((number, node_port));
        }
        Ok(())
    }

    fn health_check_node_port(&mut self, spec: &mut Map<String, Value>, old: Option<Spec<'_>>) -> Result<(), Refusal> {
        let new = Spec::new(spec);
        let wanted = new.health_check_node_port();
        if !new.needs_health_check_node_port() {
            return Ok(());
        }
        if let Some(old) = old.filter(|old| old.needs_health_check_node_port()) {
            if old.health_check_node_port() == wanted {
                return Ok(());
            }
            let cause = Cause::forbidden("spec.healthCheckNodePort", "field is immutable");
            return Err(Refusal::Invalid(cause));
        }
        if wanted == 0 {
            let port = self.taken.next_port()?;
            self.ports.push(port);
            spec.insert("healthCheckNodePort".into(), port.into());
            return Ok(());
        }
        self.taken.take_port(wanted).map_err(|why| {
            Refusal::Internal(format!("failed to allocate requested HealthCheck NodePort {wanted}: {why}"))
        })?;
        self.ports.extend(u16::try_from(wanted));
        Ok(())
    }
}

fn in_range(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let at = u32::from(v4);
            V4.0 < at && at < V4.1
        }
        IpAddr::V6(v6) => {
            let at = u128::from(v6);
            V6_PREFIX < at && at < V6_PREFIX + V6_SIZE
        }
    }
}

fn addresses(spec: Spec<'_>) -> HashSet<IpAddr> {
    spec.cluster_ips().into_iter().filter_map(|address| address.parse().ok()).collect()
}

fn ports(spec: Spec<'_>) -> HashSet<u16> {
    let node_ports = spec.ports().iter().map(|port| port_number(port, "nodePort"));
    node_ports
        .chain([spec.health_check_node_port()])
        .filter_map(|number| u16::try_from(number).ok())
        .filter(|number| *number != 0)
        .collect()
}
