//! Several controllers: one leads, the others are ready to.

use std::collections::BTreeSet;
use std::time::Duration;

use herald_controller::lead::Timing;
use herald_controller::lead::candidate::LEASE;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::time::Instant;

use crate::cluster::{Cluster, Controller, NAMESPACE, shown};

/// Elections that a test can wait for.
const QUICK: Timing =
    Timing { lease: Duration::from_secs(2), renew: Duration::from_millis(1200), retry: Duration::from_millis(200) };
/// Longer than any election here.
const PATIENCE: Duration = Duration::from_secs(20);

async fn until_leads(controller: &Controller) {
    let mut leadership = controller.leadership.clone();
    let leads = async {
        while leadership.term().is_none() {
            leadership.turned().await;
        }
    };
    tokio::time::timeout(PATIENCE, leads).await.expect("it must lead at last");
}

async fn holder(cluster: &Cluster) -> String {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    leases.get(LEASE).await.unwrap().spec.unwrap().holder_identity.unwrap_or_default()
}

/// Every Service has an address of its own.
async fn check_addresses(cluster: &Cluster, count: usize) {
    let all = cluster.services.list(&ListParams::default().fields("spec.type=LoadBalancer")).await.unwrap();
    let addresses: BTreeSet<_> = all.iter().map(shown).filter(|address| !address.is_empty()).collect();
    assert_eq!((all.items.len(), addresses.len()), (count, count));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_hands_over_without_a_gap() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/24"]).await;
    // With the timing of a real installation: nobody waits for a Lease to run out.
    let first = cluster.replica("first", Timing::default());
    until_leads(&first).await;
    let second = cluster.replica("second", Timing::default());
    cluster.create("one", json!({})).await;
    cluster.until_shows("one", "192.0.2.0").await;
    let one = cluster.until_told("one").await;
    assert!(second.leadership.term().is_none());

    first.stop().await;
    let stopped = Instant::now();
    cluster.create("two", json!({})).await;
    cluster.until_shows("two", "192.0.2.1").await;
    let gap = stopped.elapsed();
    assert!(gap < Timing::default().retry, "the next one was told at once, not when it asked: {gap:?}");
    assert_eq!(holder(&cluster).await, "second");
    let still = cluster.services.get("one").await.unwrap();
    assert_eq!(still.resource_version(), one.resource_version(), "nothing was written for nothing");
    second.stop().await;
    assert_eq!(holder(&cluster).await, "", "it is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_dies_is_followed_when_its_lease_is_over() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/24"]).await;
    let first = cluster.replica("first", QUICK);
    until_leads(&first).await;
    let second = cluster.replica("second", QUICK);
    for number in 0..20 {
        cluster.create(&format!("early-{number}"), json!({})).await;
    }
    first.kill().await;
    let died = Instant::now();
    for number in 0..20 {
        cluster.create(&format!("late-{number}"), json!({})).await;
    }
    until_leads(&second).await;
    assert!(died.elapsed() >= QUICK.lease - QUICK.retry, "not before the dead one's time is up");
    for number in 0..20 {
        cluster.until(&format!("late-{number}"), |service| !shown(service).is_empty()).await;
        cluster.until(&format!("early-{number}"), |service| !shown(service).is_empty()).await;
    }
    check_addresses(&cluster, 40).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_deleted_is_put_back_by_who_has_it() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/24"]).await;
    let first = cluster.replica("first", QUICK);
    until_leads(&first).await;
    let second = cluster.replica("second", QUICK);
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let before = leases.get(LEASE).await.unwrap().uid();
    leases.delete(LEASE, &Default::default()).await.unwrap();
    let put_back = async {
        while leases.get_opt(LEASE).await.unwrap().is_none_or(|lease| lease.uid() == before) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, put_back).await.expect("somebody must put it back");
    assert_eq!(holder(&cluster).await, "first");
    cluster.create("web", json!({})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    assert!(second.leadership.term().is_none());
    first.stop().await;
    second.stop().await;
}
