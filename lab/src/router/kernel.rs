//! What a router's kernel forwards by, as `ip -j route` tells it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::namespace::Namespace;
use crate::prefix::{Family, Prefix};
use crate::tool::{self, Tool};

/// How long `ip` may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A route of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelRoute {
    /// Where to.
    pub prefix: Prefix,
    /// Who made it: `bgp` (FRR), `bird`, `boot` (`ip` by hand).
    pub protocol: String,
    /// Where packets go next: one, or several that connections are spread over.
    pub hops: BTreeSet<Hop>,
}

/// A next hop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// The machine that packets are sent to. It may be of the other family.
    pub gateway: Option<IpAddr>,
    /// The interface they leave by.
    pub interface: String,
}

/// A route as `ip` prints it.
#[derive(Debug, Deserialize)]
struct Printed {
    dst: String,
    #[serde(default)]
    protocol: String,
    #[serde(flatten)]
    hop: PrintedHop,
    #[serde(default)]
    nexthops: Vec<PrintedHop>,
}

#[derive(Debug, Deserialize)]
struct PrintedHop {
    gateway: Option<IpAddr>,
    via: Option<Via>,
    dev: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Via {
    host: IpAddr,
}

pub(super) fn routes(namespace: &Namespace, family: Family) -> Result<Vec<KernelRoute>> {
    let flag = if family == Family::V4 { "-4" } else { "-6" };
    parse(&tool::ask(Tool::Ip, namespace, &["-j", flag, "route", "show"], PATIENCE)?, family)
}

fn parse(text: &str, family: Family) -> Result<Vec<KernelRoute>> {
    let printed: Vec<Printed> = serde_json::from_str(text).with_context(|| format!("`ip -j route` prints {text:?}"))?;
    let routes = printed.into_iter().filter(|route| route.protocol != "kernel");
    routes
        .map(|route| {
            let prefix = match (route.dst.as_str(), family) {
                ("default", Family::V4) => "0.0.0.0/0",
                ("default", Family::V6) => "::/0",
                (prefix, _) => prefix,
            };
            let hops = route.nexthops.into_iter().chain([route.hop]);
            let hops = hops.filter_map(|hop| {
                let gateway = hop.gateway.or(hop.via.map(|via| via.host));
                Some(Hop { gateway, interface: hop.dev? })
            });
            Ok(KernelRoute { prefix: prefix.parse()?, protocol: route.protocol, hops: hops.collect() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_route_is_read() {
        let text = r#"[{"dst":"default","gateway":"192.168.1.1","dev":"eth0","flags":[]},
            {"dst":"192.168.1.0/24","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"192.168.1.91","flags":[]},
            {"dst":"203.0.113.7","nhid":12,"protocol":"bgp","metric":20,"flags":[],
             "nexthops":[{"gateway":"192.168.1.11","dev":"eth0","weight":1,"flags":[]},
                         {"via":{"family":"inet6","host":"fe80::1"},"dev":"eth0","weight":1,"flags":[]}]}]"#;
        let routes = parse(text, Family::V4).unwrap();
        assert_eq!(routes.len(), 2, "{routes:?}");
        assert_eq!((routes[0].prefix.to_string(), routes[0].hops.len()), ("0.0.0.0/0".into(), 1));
        let gateways: Vec<_> = routes[1].hops.iter().filter_map(|hop| Some(hop.gateway?.to_string())).collect();
        assert_eq!((routes[1].prefix.to_string(), routes[1].protocol.as_str()), ("203.0.113.7/32".into(), "bgp"));
        assert_eq!(gateways, ["192.168.1.11", "fe80::1"]);
    }
}
