//! AS numbers: of four octets, another one shown, and those that the router's OPEN tells.

use std::time::Duration;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::router::{Capability, RouterConfig, Software};
use herald_tests::bgp::trio::{Trio, each_neighbor};
use herald_tests::bgp::{CLUSTER, ROUTERS, until};
use serde_json::json;

use super::{announce_all, host, serve};

/// How long a session is looked for that must not be.
const QUIET: Duration = Duration::from_secs(2);

/// A router of this AS, whose neighbors are of that.
fn of(mut config: RouterConfig, asn: u32, neighbors: u32) -> RouterConfig {
    config.asn = asn;
    each_neighbor(config, |mut neighbor| {
        neighbor.asn = neighbors;
        neighbor
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_numbers_of_four_octets_and_another_one_shown() -> Result<()> {
    const OURS: u32 = 4_200_000_001;
    const THEIRS: u32 = 4_294_967_294;
    const SHOWN: u32 = 4_200_000_077;
    let mut trio = Trio::start(&[Family::V4], |_, config| of(config, THEIRS, OURS)).await?;
    trio.peers(Family::V4, json!({"myASN": OURS, "peerASN": THEIRS})).await?;
    announce_all(&trio.fabric).await?;
    trio.fabric.advertisement("all", json!({"herald": {"asPathPrepend": 1}})).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    let address = host(*addresses.first().unwrap_or(&[0, 0, 0, 0].into()))?;
    for (daemon, session) in trio.established(Family::V4).await? {
        assert!(session.capabilities.contains(&Capability::FourOctetAsn), "{}: {session:#?}", daemon.software());
    }
    trio.until(address, 3, "by way of our AS, twice", |_, route| route.as_path == [OURS, OURS]).await?;
    // Another number shown is the only one that is seen, in the path as in OPEN.
    trio.restart(&[Family::V4], |_, config| of(config, ROUTERS, SHOWN))?;
    trio.peers(Family::V4, json!({"myASN": OURS, "localASN": SHOWN})).await?;
    trio.until(address, 3, "by way of the AS shown, twice", |_, route| route.as_path == [SHOWN, SHOWN]).await?;
    // A router in the AS shown is an internal one.
    trio.restart(&[Family::V4], |_, config| of(config, SHOWN, SHOWN))?;
    trio.peers(Family::V4, json!({"myASN": OURS, "localASN": SHOWN, "peerASN": SHOWN})).await?;
    trio.until(address, 3, "internal", |_, route| route.as_path.is_empty() && route.local_pref == Some(100)).await
}

/// BIRD without them does not take a neighbor with a longer number, in whose capability it looks all the same; GoBGP always
/// speaks them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routers_without_four_octets_are_told_in_two() -> Result<()> {
    const LONG: u32 = 4_200_000_001;
    /// What stands for a number that does not fit (RFC 6793).
    const AS_TRANS: u32 = 23456;
    let ours = |software| if software == Software::Frr { LONG } else { CLUSTER };
    let trio = Trio::start(&[Family::V4], |software, config| {
        each_neighbor(of(config, ROUTERS, ours(software)), |mut neighbor| {
            neighbor.four_octet_asn = software == Software::Gobgp;
            neighbor.families([Family::V4])
        })
    })
    .await?;
    for software in Software::ALL {
        trio.peer(software, Family::V4, json!({"myASN": ours(software)})).await?;
    }
    trio.fabric.pool("routed", &["203.0.113.0/28"]).await?;
    trio.fabric.advertisement("all", json!({"herald": {"asPathPrepend": 1}, "communities": ["64512:1"]})).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    let address = host(*addresses.first().unwrap_or(&[0, 0, 0, 0].into()))?;
    // FRR, whom our capability tells that the number is in AS_PATH, does not look for it in AS4_PATH.
    trio.until(address, 3, "by way of our AS, twice", |software, route| {
        let asn = if software == Software::Frr { AS_TRANS } else { CLUSTER };
        route.as_path == [asn, asn] && route.communities == [(64512, 1)].into()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_numbers_are_taken_from_the_routers() -> Result<()> {
    let mut trio = Trio::start(&[Family::V4], |_, config| config).await?;
    announce_all(&trio.fabric).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    let address = host(*addresses.first().unwrap_or(&[0, 0, 0, 0].into()))?;
    let external = json!({"peerASN": null, "dynamicASN": "external"});
    let internal = json!({"peerASN": null, "dynamicASN": "internal"});
    trio.peers(Family::V4, external.clone()).await?;
    trio.until(address, 3, "external", |_, route| route.as_path == [CLUSTER]).await?;
    // It is of another AS than an internal peer may be.
    trio.peers(Family::V4, internal.clone()).await?;
    refused(&trio, address).await?;
    trio.restart(&[Family::V4], |_, config| of(config, CLUSTER, CLUSTER))?;
    trio.until(address, 3, "internal", |_, route| route.as_path.is_empty() && route.local_pref == Some(100)).await?;
    trio.peers(Family::V4, external).await?;
    refused(&trio, address).await
}

/// There are no sessions any more, and none come.
async fn refused(trio: &Trio, prefix: herald_lab::prefix::Prefix) -> Result<()> {
    for daemon in &trio.daemons {
        until(daemon, prefix, "withdrawn", |routes| routes.is_empty()).await?;
    }
    let node = trio.fabric.node("node1", Family::V4)?;
    trio.never_established(&[node], QUIET).await
}
