//! BGPSessionState: how sessions are doing, and what that costs.

use herald_bgp::Family;
use herald_bgp::state::State;
use herald_speaker::bgp::Status;
use herald_speaker::flags::ServiceBgpStatus;
use herald_speaker::report::{Report, SessionSeen, Sessions};
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::cluster::{Cluster, until};

fn seen(status: Result<Status, String>) -> SessionSeen {
    SessionSeen { address: "192.0.2.1".to_owned(), port: 179, vrf: None, own_as: 64512, status, doubt: None }
}

fn up() -> Status {
    let established_at = "2026-11-21T12:00:00.5Z".parse().ok();
    let without_next_hop = [Family::Ipv6].into();
    Status {
        state: State::Established,
        established_at,
        without_next_hop,
        sent: [3, 0],
        desired: 4,
        ..Status::default()
    }
}

async fn status(cluster: &Cluster, peer: &str) -> Value {
    let all = cluster.sessions.list(&ListParams::default()).await.unwrap().items;
    let statuses = all.into_iter().filter_map(|one| one.status);
    let status = statuses.into_iter().find(|status| status.peer.as_deref() == Some(peer));
    status.map_or(Value::Null, |status| serde_json::to_value(status).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_told_with_what_is_wrong_and_forgotten_with_its_peer() {
    let cluster = Cluster::start().await;
    let reporter = cluster.reporter("a", ServiceBgpStatus::Auto);
    reporter.settle().await;
    let refused = Status { last_error: Some("peer says: bad peer AS".to_owned()), ..Status::default() };
    let no_secret = "Secret \"tor\" does not exist".to_owned();
    let sessions: Sessions = [("up", Ok(up())), ("refused", Ok(refused)), ("keyless", Err(no_secret.clone()))]
        .map(|(name, status)| (name.to_owned(), seen(status)))
        .into();
    reporter.sessions.send_replace(sessions.clone());
    until("all are told", async || {
        let mut known = Vec::new();
        for peer in ["up", "refused", "keyless"] {
            known.push(status(&cluster, peer).await["bgpStatus"].as_str().map(str::to_owned));
        }
        known == ["Established", "Active", "Idle"].map(|state| Some(state.to_owned()))
    })
    .await;
    let told = status(&cluster, "up").await;
    assert_eq!((&told["node"], &told["establishedAt"]), (&json!("a"), &json!("2026-11-21T12:00:00Z")));
    assert_eq!(told["prefixes"], json!({"announcedIPv4": 3, "announcedIPv6": 0, "wanted": 4, "received": 0}));
    assert_eq!(told["conditions"][0]["type"], "NextHopMissing");
    assert_eq!(status(&cluster, "refused").await["lastError"], "peer says: bad peer AS (we are 64512)");
    assert_eq!(status(&cluster, "keyless").await["lastError"], json!(no_secret));
    assert_eq!(cluster.writes("bgpsessionstates"), 6, "three objects, and their statuses");

    // The next life finds what stands there; a peer that is gone is removed.
    drop(reporter);
    let reporter = cluster.reporter("a", ServiceBgpStatus::Auto);
    let mut fewer = sessions.clone();
    fewer.remove("refused");
    reporter.sessions.send_replace(fewer);
    reporter.settle().await;
    until("it is forgotten", async || status(&cluster, "refused").await.is_null()).await;
    assert_eq!(cluster.writes("bgpsessionstates"), 7, "what stood there was not written again");
    reporter.sessions.send_replace(Sessions::new());
    until("all are", async || status(&cluster, "up").await.is_null() && status(&cluster, "keyless").await.is_null())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_speaker_that_stops_for_good_takes_back_what_it_said_and_one_that_restarts_does_not() {
    let cluster = Cluster::start().await;
    let sessions: Sessions = [("tor".to_owned(), seen(Ok(up())))].into();
    let told = async || !status(&cluster, "tor").await.is_null();
    let others = cluster.reporter("b", ServiceBgpStatus::Auto);
    others.settle().await;
    others.routes("web", Some(&["tor"])).await;
    for stops in [false, true] {
        let reporter = cluster.reporter("a", ServiceBgpStatus::Auto);
        reporter.sessions.send_replace(sessions.clone());
        reporter.settle().await;
        for number in 0..5 {
            reporter.routes(&format!("s{number}"), Some(&["tor"])).await;
        }
        let count = async || cluster.routes.list(&ListParams::default()).await.unwrap().items.len();
        until("all is told", async || told().await && count().await == 6).await;
        if stops {
            reporter.reports.send(Report::Stopped).await.unwrap();
        }
        reporter.ended().await;
        assert_eq!((told().await, count().await), if stops { (false, 1) } else { (true, 6) });
    }
}
