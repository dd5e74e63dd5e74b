//! Routers: machines on the LAN with a network behind them.
//!
//! ```text
//!  node1   node2   client1      hl-<id>-router1          hl-<id>-user1
//!    │       │        │      eth0 192.168.1.91   eth1      eth0
//!    └───────┴────────┴────────┘          172.16.1.1 ─── 172.16.1.2
//!         the LAN                         the network behind router 1
//! ```
//!
//! A user knows nothing but its router. The router knows what it learns, and
//! spreads connections over next hops that are equally good. Nodes answer
//! users by way of the router, whatever it has learned.

use anyhow::{Context as _, Result, bail};

use super::batch::{self, RouterPlan};
use super::{Machine, Station, Topology};
use crate::namespace::Namespace;
use crate::tool;

pub(super) fn add(lab: &Topology, number: u8) -> Result<[Machine; 2]> {
    if !(1..=9).contains(&number) {
        bail!("routers are numbered from 1 to 9, not {number}");
    }
    let plan = RouterPlan { number, id: lab.id() };
    tool::ip_batch(None, &plan.wires()).with_context(|| format!("make router {number}"))?;
    tool::ip_batch(Some(lab.switch().namespace().name()), &plan.port())?;
    let ([router, user], names) = (plan.namespaces(), plan.names());
    let (router, user) = (Namespace::enter(&router)?, Namespace::enter(&user)?);
    for (namespace, lines) in [(&router, plan.router_side()), (&user, plan.user_side())] {
        namespace.run(|| batch::set_sysctls(batch::MACHINE_SYSCTLS))??;
        tool::ip_batch(Some(namespace.name()), &lines)?;
    }
    router.run(|| batch::set_sysctls(batch::ROUTER_SYSCTLS))??;
    for node in lab.nodes() {
        tool::ip_batch(Some(node.namespace.name()), &plan.node_side())?;
    }
    let [router_name, user_name] = names;
    Ok([
        Machine { name: router_name, station: Station::router(number), namespace: router },
        Machine { name: user_name, station: Station::user(number), namespace: user },
    ])
}
