//! TCP MD5 (RFC 2385): only who has the key has a session, and a new key concerns nobody else.

use std::time::Duration;

use anyhow::Result;
use herald_lab::prefix::Family;
use herald_lab::router::{RouterConfig, Software};
use herald_tests::bgp::trio::{Trio, each_neighbor, number, peer_name};
use herald_tests::bgp::{Fabric, established, same};
use serde_json::{Value, json};

/// How long a session is looked for that must not be.
const QUIET: Duration = Duration::from_secs(2);

/// What nodes and routers agree on.
const KEY: &str = "a.key!";

/// A key in the Secret for a router.
async fn secret(fabric: &Fabric, software: Software, key: &str) -> Result<()> {
    let metadata = json!({"name": peer_name(software, Family::V4), "namespace": "metallb-system"});
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/basic-auth",
        "stringData": {"username": "", "password": key},
    });
    fabric.stage.apply(&object.to_string()).await
}

/// The usual BGPPeer with a key in a Secret.
fn by_secret(software: Software) -> Value {
    json!({"passwordSecret": {"name": peer_name(software, Family::V4)}})
}

/// The first node has the right key, the second another one, and of the third none is expected.
fn three_keys(mut config: RouterConfig) -> RouterConfig {
    for (neighbor, key) in config.neighbors.iter_mut().zip([Some(KEY), Some("another"), None]) {
        neighbor.password = key.map(str::to_owned);
    }
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_key_has_a_session() -> Result<()> {
    let trio = Trio::start(&[Family::V6], |_, config| three_keys(config)).await?;
    let nodes: Vec<_> = trio.fabric.nodes(Family::V6).into_iter().collect();
    let [one, two, three] = *nodes else { anyhow::bail!("three nodes, not {nodes:?}") };
    trio.peers(Family::V6, json!({"password": KEY})).await?;
    for daemon in &trio.daemons {
        established(daemon, &[one].into()).await?;
    }
    trio.never_established(&[two, three], QUIET).await?;
    // Now no node has a key: only the third is expected so.
    trio.peers(Family::V6, json!({"password": null})).await?;
    for daemon in &trio.daemons {
        established(daemon, &[three].into()).await?;
    }
    trio.never_established(&[one, two], QUIET).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_re_establishes_the_sessions_that_have_it() -> Result<()> {
    let keyed = |config, key: &str| each_neighbor(config, |neighbor| neighbor.password(key));
    let mut trio = Trio::start(&[Family::V4], |_, config| keyed(config, KEY)).await?;
    for software in Software::ALL {
        // There is no Secret yet: its arrival is what begins the session.
        trio.peer(software, Family::V4, by_secret(software)).await?;
        secret(&trio.fabric, software, KEY).await?;
    }
    trio.established(Family::V4).await?;
    for software in Software::ALL {
        let before: Vec<_> = trio
            .established(Family::V4)
            .await?
            .into_iter()
            .map(|(daemon, session)| (daemon.software(), session))
            .collect();
        let config = keyed(trio.daemon(software)?.config().clone(), "rotated");
        let index = trio.daemons.iter().position(|daemon| daemon.software() == software).unwrap_or_default();
        let mut daemon = trio.daemons.remove(index);
        if software == Software::Gobgp {
            // Told to change the keys of several neighbors, GoBGP 3.10 changes one and reads its file no further.
            daemon.stop()?;
            daemon = trio.fabric.router(number(software))?.start(software, &config)?;
        } else {
            daemon.reload(&config)?;
        }
        secret(&trio.fabric, software, "rotated").await?;
        for (whose, session) in before {
            if whose == software {
                herald_tests::eventually(
                    &format!("{software} has a new session with {}", session.neighbor),
                    async || {
                        let now = daemon.session(session.neighbor)?.and_then(|session| session.since);
                        Ok(now.filter(|since| Some(since) != session.since.as_ref()))
                    },
                )
                .await?;
            } else {
                same(trio.daemon(whose)?, &session)?;
            }
        }
        trio.daemons.insert(index, daemon);
    }
    trio.established(Family::V4).await.map(drop)
}
