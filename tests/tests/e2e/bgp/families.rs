//! Both families over either transport, and the next hops that go with them.
//!
//! | transport | IPv4 routes by way of | IPv6 routes by way of |
//! |---|---|---|
//! | IPv4 | the session's own address | the Node's IPv6 address |
//! | IPv6 | the Node's IPv4 address; the session's own with capability 5 (RFC 8950) | the session's own address |

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::probe::spread;
use herald_lab::router::{Capability, Software};
use herald_tests::bgp::trio::{Trio, each_neighbor, number};
use herald_tests::{PATIENCE, eventually};
use serde_json::json;

use super::{announce_all, host, serve};

/// What the nodes are called in one family, by what they are called in the other.
fn addresses(trio: &Trio, of: Family, by: Family) -> Result<BTreeMap<IpAddr, IpAddr>> {
    let names = ["node1", "node2", "node3"].into_iter();
    names.map(|name| Ok((trio.fabric.node(name, by)?, trio.fabric.node(name, of)?))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_carries_its_own_family_and_both_when_asked() -> Result<()> {
    let trio = Trio::start(&Family::BOTH, |_, config| config).await?;
    trio.peers(Family::V4, json!({})).await?;
    trio.peers(Family::V6, json!({})).await?;
    announce_all(&trio.fabric).await?;
    let services = serve(&trio.fabric, "web", "Cluster").await?;
    assert_eq!(services.len(), 2, "{services:?}");
    for transport in Family::BOTH {
        for (daemon, session) in trio.established(transport).await? {
            let offered = |family| session.capabilities.contains(&Capability::Routes(family));
            let both = [Family::V4, Family::V6].map(offered);
            assert_eq!(both, [transport == Family::V4, transport == Family::V6], "{}", daemon.software());
        }
    }
    for service in &services {
        trio.announced_by(host(*service)?, &trio.fabric.nodes(Family::of(*service))).await?;
    }
    // Now each session carries both: from each node come two routes to each address.
    for transport in Family::BOTH {
        trio.peers(transport, json!({"dualStackAddressFamily": true})).await?;
    }
    let all = trio.fabric.nodes(Family::V4).into_iter().chain(trio.fabric.nodes(Family::V6)).collect();
    for service in &services {
        let family = Family::of(*service);
        let mut hops = BTreeMap::new();
        for by in Family::BOTH {
            hops.extend(addresses(&trio, family, by)?);
        }
        for (software, route) in trio.announced_by(host(*service)?, &all).await? {
            // GoBGP always offers capability 5 over IPv6.
            let extended = software == Software::Gobgp && family == Family::V4;
            let expected = route.from.and_then(|from| if extended { Some(from) } else { hops.get(&from).copied() });
            assert_eq!(route.next_hops.first().copied(), expected, "{software}: {route:#?}");
            assert_eq!(route.as_path, [64512], "{software}: {route:#?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipv4_goes_by_way_of_ipv6_where_the_router_takes_it() -> Result<()> {
    let trio = Trio::start(&[Family::V6], |_, config| {
        each_neighbor(config, |mut neighbor| {
            neighbor.extended_next_hop = true;
            neighbor
        })
    })
    .await?;
    trio.peers(Family::V6, json!({"dualStackAddressFamily": true})).await?;
    announce_all(&trio.fabric).await?;
    let services = serve(&trio.fabric, "web", "Local").await?;
    for service in services {
        let routes = trio.announced_by(host(service)?, &trio.fabric.nodes(Family::V6)).await?;
        for (software, route) in routes {
            let hop = route.next_hops.first().copied();
            assert_eq!(hop, route.from, "{software}: {route:#?}");
        }
        for software in [Software::Frr, Software::Bird] {
            let user = trio.fabric.router(number(software))?.user();
            // What the daemon knows reaches its kernel a moment later.
            eventually(&format!("{software}: flows to {service} arrive at all nodes"), async || {
                Ok((spread(user, service, 80, 64, PATIENCE)?.len() == 3).then_some(()))
            })
            .await?;
        }
    }
    Ok(())
}
