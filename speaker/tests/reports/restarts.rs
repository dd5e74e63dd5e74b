//! ServiceBGPStatus: what it costs that sessions come and go.

use std::time::Duration;

use futures::{StreamExt, stream};
use herald_speaker::flags::ServiceBgpStatus;
use kube::ResourceExt;
use kube::api::ListParams;
use tokio::time::Instant;

use crate::cluster::{Cluster, Reporter, until};

async fn told(cluster: &Cluster, wanted: impl Fn(&[String]) -> bool) -> usize {
    let all = cluster.routes.list(&ListParams::default()).await.unwrap().items;
    all.iter().filter(|one| one.status.as_ref().is_some_and(|status| wanted(&status.peers))).count()
}

/// Reports the same of Services with these numbers.
async fn have(reporter: &Reporter, services: std::ops::Range<usize>, peers: Option<&[&str]>) {
    for number in services {
        reporter.routes(&format!("s{number}"), peers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_lives_with_its_routes() {
    let cluster = Cluster::start().await;
    let mut reporter = cluster.reporter("a", ServiceBgpStatus::Auto);
    reporter.settle().await;
    reporter.routes("web", Some(&["tor-2"])).await;
    reporter.routes("web", Some(&["tor-2", "tor-1"])).await;
    until("it is told", async || told(&cluster, |peers| peers == ["tor-1", "tor-2"]).await == 1).await;
    assert_eq!(cluster.writes("servicebgpstatuses"), 2, "the object, and its status");
    assert_eq!(reporter.events(), ["announcing from node \"a\" with protocol \"bgp\""]);
    let object = cluster.routes.list(&ListParams::default()).await.unwrap().items.remove(0);
    let label = |name: &str| object.labels()[name].clone();
    assert_eq!(label("metallb.io/node"), "a");
    assert_eq!(
        (label("metallb.io/service-namespace"), label("metallb.io/service-name")),
        ("default".into(), "web".into())
    );
    let owner = &object.owner_references()[0];
    assert_eq!((owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()), ("Node", "a", "uid-of-a"));
    let status = object.status.unwrap();
    assert_eq!((status.node.as_deref(), status.service_name.as_deref()), (Some("a"), Some("web")));

    // A session is lost for a while: told when it has lasted.
    let lost = Instant::now();
    reporter.routes("web", Some(&["tor-1"])).await;
    until("the loss is told", async || told(&cluster, |peers| peers == ["tor-1"]).await == 1).await;
    assert!(lost.elapsed() >= Duration::from_secs(10), "{:?}", lost.elapsed());
    assert_eq!(cluster.writes("servicebgpstatuses"), 3);
    reporter.routes("web", None).await;
    until("it is gone", async || told(&cluster, |_| true).await == 0).await;
    assert_eq!(cluster.writes("servicebgpstatuses"), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_costs_at_most_one_write_for_each_object() {
    const SERVICES: usize = 1000;
    const LESS: usize = 20;
    let cluster = Cluster::start().await;
    let nodes = ["a", "b", "c"];
    // What the speakers had written before they were restarted.
    let objects = nodes.iter().flat_map(|node| (0..SERVICES).map(move |number| (*node, number)));
    stream::iter(objects).for_each_concurrent(16, |(node, number)| leave(&cluster, node, number)).await;
    assert_eq!(told(&cluster, |peers| peers.len() == 2).await, nodes.len() * SERVICES);

    let mut reporters = nodes.map(|node| cluster.reporter(node, ServiceBgpStatus::Auto));
    for reporter in &reporters {
        reporter.settle().await;
        have(reporter, 0..SERVICES, Some(&[])).await;
    }
    for reporter in &reporters {
        have(reporter, 0..SERVICES, Some(&["tor-1"])).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    // On one node, some Services are not for the second peer any more.
    let [first, others @ ..] = &reporters;
    have(first, LESS..SERVICES, Some(&["tor-1", "tor-2"])).await;
    for reporter in others {
        have(reporter, 0..SERVICES, Some(&["tor-1", "tor-2"])).await;
    }
    until("what changed is told", async || told(&cluster, |peers| peers == ["tor-1"]).await == LESS).await;
    assert_eq!(told(&cluster, |peers| peers.len() == 2).await, nodes.len() * SERVICES - LESS);
    assert_eq!(cluster.writes("servicebgpstatuses"), LESS as u64, "nothing else was written");
    for reporter in &mut reporters {
        assert_eq!(reporter.events(), [""; 0], "a restart assigns nothing");
    }
}

/// An object as a speaker leaves it.
async fn leave(cluster: &Cluster, node: &str, number: usize) {
    cluster.leave(node, &format!("s{number}"), &["tor-1", "tor-2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_takes_away_what_was_there() {
    let cluster = Cluster::start().await;
    for number in 0..5 {
        leave(&cluster, "a", number).await;
    }
    let reporter = cluster.reporter("a", ServiceBgpStatus::Off);
    reporter.settle().await;
    have(&reporter, 0..5, Some(&["tor-1", "tor-2"])).await;
    until("they are gone", async || told(&cluster, |_| true).await == 0).await;
    assert_eq!(cluster.writes("servicebgpstatuses"), 5);
}
