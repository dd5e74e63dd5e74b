//! MULTI_EXIT_DISC and the length of AS_PATH: as given, changed while announced, and of several advertisements of one route.

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::router::Software;
use herald_tests::bgp::CLUSTER;
use herald_tests::bgp::trio::{Trio, peer_name};
use serde_json::json;

use super::{announce_all, host, serve};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_carries_what_its_advertisement_says_now() -> Result<()> {
    let trio = Trio::start(&Family::BOTH, |_, config| config).await?;
    trio.peers(Family::V4, json!({})).await?;
    trio.peers(Family::V6, json!({})).await?;
    announce_all(&trio.fabric).await?;
    let addresses = serve(&trio.fabric, "web", "Cluster").await?;
    let mut sessions = trio.established(Family::V4).await?;
    sessions.extend(trio.established(Family::V6).await?);
    let steps = [
        (json!({}), None, 1),
        (json!({"herald": {"med": 0}}), Some(0), 1),
        (json!({"herald": {"med": u32::MAX, "asPathPrepend": 16}}), Some(u32::MAX), 17),
        (json!({"herald": {"asPathPrepend": 2}}), None, 3),
    ];
    for (spec, med, length) in steps {
        trio.fabric.advertisement("all", spec.clone()).await?;
        for address in &addresses {
            trio.until(host(*address)?, 3, &format!("as {spec} says"), |_, route| {
                route.med == med && route.as_path == vec![CLUSTER; length]
            })
            .await?;
        }
    }
    // Nothing of this touches a session.
    trio.same(&sessions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_advertisements_of_one_route_the_older_decides_and_communities_add_up() -> Result<()> {
    let trio = Trio::start(&[Family::V4], |_, config| config).await?;
    trio.peers(Family::V4, json!({})).await?;
    trio.fabric.pool("routed", &["203.0.113.0/28"]).await?;
    // Of one second, the name decides.
    let older = json!({"communities": ["64512:1"], "herald": {"med": 10}});
    trio.fabric.advertisement("a-older", older).await?;
    // The younger one is for FRR alone.
    let frr = peer_name(Software::Frr, Family::V4);
    let herald = json!({"med": 20, "asPathPrepend": 1});
    let younger = json!({"communities": ["64512:2"], "peers": [frr], "herald": herald});
    trio.fabric.advertisement("b-younger", younger).await?;
    let address = *serve(&trio.fabric, "web", "Cluster").await?.first().unwrap_or(&[0, 0, 0, 0].into());
    trio.until(host(address)?, 3, "the older's MED, both's communities", |software, route| {
        let both = software == Software::Frr;
        let communities = if both { vec![(64512, 1), (64512, 2)] } else { vec![(64512, 1)] };
        let length = if both { 2 } else { 1 };
        route.med == Some(10) && route.communities.iter().copied().eq(communities) && route.as_path.len() == length
    })
    .await?;
    // Without the older one, what the younger says counts; who has no part in it loses the route.
    trio.fabric.delete("v1beta1", "BGPAdvertisement", "a-older").await?;
    let frr = trio.daemon(Software::Frr)?;
    herald_tests::bgp::until(frr, host(address)?, "the younger's MED", |routes| {
        routes.len() == 3 && routes.iter().all(|route| route.med == Some(20) && route.communities.len() == 1)
    })
    .await?;
    for software in [Software::Bird, Software::Gobgp] {
        herald_tests::bgp::announced_by(trio.daemon(software)?, host(address)?, &Default::default()).await?;
    }
    Ok(())
}
