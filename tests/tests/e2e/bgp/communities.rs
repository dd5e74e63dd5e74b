//! Communities of all three kinds, registered ones by name, and names of the user's own.

use std::collections::BTreeSet;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::router::Software;
use herald_tests::bgp::trio::Trio;
use serde_json::json;

use super::{announce_all, host, serve};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn communities_of_every_kind_arrive() -> Result<()> {
    let trio = Trio::start(&[Family::V4], |_, config| config).await?;
    trio.peers(Family::V4, json!({"dualStackAddressFamily": true})).await?;
    announce_all(&trio.fabric).await?;
    let named = json!([
        {"name": "rack-7", "value": "64512:7"},
        {"name": "far", "value": "large:4200000001:4294967295:0"},
    ]);
    trio.fabric.communities("names", named).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    let sessions = trio.established(Family::V4).await?;
    let said = json!({
        "communities": ["64512:100", "65535:1", "large:64512:1:2", "rack-7", "far"],
        "herald": {
            "wellKnownCommunities": ["no-export", "no-advertise", "no-peer", "graceful-shutdown", "blackhole"],
            "extendedCommunities": ["rt:64512:100", "soo:64512:4294967295", "rt:192.0.2.1:300", "rt:4200000001:5"],
        },
    });
    trio.fabric.advertisement("all", said).await?;
    let standard: BTreeSet<(u16, u16)> = [
        (64512, 100),
        (64512, 7),
        (65535, 1),
        (65535, 65281),
        (65535, 65282),
        (65535, 65284),
        (65535, 0),
        (65535, 666),
    ]
    .into();
    let large: BTreeSet<(u32, u32, u32)> = [(64512, 1, 2), (4_200_000_001, u32::MAX, 0)].into();
    let extended = |software| -> BTreeSet<String> {
        // GoBGP writes AS numbers of four octets in two halves.
        let four = if software == Software::Gobgp { "rt:64086.59905:5" } else { "rt:4200000001:5" };
        ["rt:64512:100", "ro:64512:4294967295", "rt:192.0.2.1:300", four].map(str::to_owned).into()
    };
    for address in &addresses {
        trio.until(host(*address)?, 3, "every community", |software, route| {
            route.communities == standard && route.large == large && route.extended == extended(software)
        })
        .await?;
    }
    // A name comes to stand for another community, and the rest is left out.
    trio.fabric.communities("names", json!([{"name": "rack-7", "value": "large:64512:0:7"}])).await?;
    trio.fabric.advertisement("all", json!({"communities": ["rack-7"]})).await?;
    for address in &addresses {
        trio.until(host(*address)?, 3, "the one that is left", |_, route| {
            let large = route.large.iter().copied().eq([(64512, 0, 7)]);
            large && route.communities.is_empty() && route.extended.is_empty()
        })
        .await?;
    }
    trio.same(&sessions)
}
