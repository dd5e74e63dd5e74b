//! What the demo shows and the end-to-end suites assert: one function per
//! step, each of which waits for the wire to show it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Service;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};

use crate::probe::NeighborProbe;
use crate::topology::Topology;
use crate::{clock, cluster::Cluster};

/// An address that a Service was given.
#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    /// The address.
    pub address: Ipv4Addr,
    /// When it was seen in the status.
    pub at: Instant,
}

/// Waits for a Service's first IPv4 address, by a watch.
///
/// # Errors
/// When it has none within `patience`; the error tells the Service's conditions.
pub async fn allocated(client: &Client, namespace: &str, name: &str, patience: Duration) -> Result<Allocated> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut last = None;
    let wait = async {
        let mut services = std::pin::pin!(watcher(api, config).default_backoff().applied_objects());
        while let Some(service) = services.next().await {
            let Ok(service) = service else { continue };
            let at = clock::now();
            if let Some(address) = address_of(&service) {
                return Some(Allocated { address, at });
            }
            last = Some(service);
        }
        None
    };
    match tokio::time::timeout(patience, wait).await {
        Ok(Some(allocated)) => Ok(allocated),
        Ok(None) | Err(_) => {
            let said = last.and_then(|service| service.status?.conditions).unwrap_or_default();
            let said: Vec<_> = said.iter().map(|c| format!("{}: {} ({})", c.type_, c.message, c.reason)).collect();
            bail!("{namespace}/{name} has no address after {patience:?}; its conditions: {said:?}")
        }
    }
}

/// A Service's first IPv4 address.
#[must_use]
pub fn address_of(service: &Service) -> Option<Ipv4Addr> {
    let ingress = service.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?;
    ingress.iter().find_map(|entry| entry.ip.as_ref()?.parse().ok())
}

/// The node that answers a client's ARP now.
///
/// # Errors
/// When nobody has answered, or a station that is no node.
pub fn owner(topology: &Topology, probe: &NeighborProbe) -> Result<String> {
    let mac = probe.record().owner().context("nobody has answered yet")?;
    let node = topology.node_by_mac(mac).with_context(|| format!("{mac} is no node of the lab"))?;
    Ok(node.name.clone())
}

/// Waits until the same node has answered all requests for `calm`.
///
/// # Errors
/// When that is not so within `patience`.
pub async fn settled(topology: &Topology, probe: &NeighborProbe, calm: Duration, patience: Duration) -> Result<String> {
    let deadline = clock::now() + patience;
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let record = probe.record();
        let now = clock::now();
        let from = now - calm;
        // Three periods of silence are a gap; one answer can always be late.
        let quiet = record.longest_silence(from, now) < calm.min(Duration::from_millis(100));
        if record.started <= from && quiet && record.flips(from) == 0 && record.two_owners(from).is_zero() {
            return owner(topology, probe);
        }
        if now >= deadline {
            bail!(
                "the address did not come to rest within {patience:?}: {} owner changes, last {:?}",
                record.flips(record.started),
                record.owner(),
            );
        }
    }
}

/// What a new client went through when an owner was lost.
#[derive(Clone, Debug)]
pub struct Takeover {
    /// Who answers now.
    pub owner: String,
    /// The longest it got no answer.
    pub gap: Duration,
    /// How long two nodes answered.
    pub two_owners: Duration,
}

/// Waits until somebody answers again, after the silence that a fault at `from` caused.
///
/// # Errors
/// When there is no silence, or no end of it, within `patience`.
pub async fn answered_again(
    cluster: &Cluster,
    probe: &NeighborProbe,
    from: Instant,
    patience: Duration,
) -> Result<Takeover> {
    let deadline = clock::now() + patience;
    let silence = Duration::from_millis(100);
    loop {
        let record = probe.record();
        let begin = record.last_answer(from).map_or(from, |answer| answer.at);
        if record.longest_silence(begin, clock::now()) >= silence && record.first_answer(begin + silence).is_some() {
            return takeover(cluster, probe, from, patience).await;
        }
        if clock::now() >= deadline {
            bail!("the address was not silent and then answered for again within {patience:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until another node than `before` answers, `from` a fault on.
///
/// # Errors
/// When none does within `patience`.
pub async fn taken_over(
    cluster: &Cluster,
    probe: &NeighborProbe,
    before: &str,
    from: Instant,
    patience: Duration,
) -> Result<Takeover> {
    let old = cluster.topology().node(before)?.station.mac();
    let deadline = clock::now() + patience;
    loop {
        let record = probe.record();
        if record.answers.iter().any(|answer| answer.at >= from && answer.mac != old) {
            break;
        }
        if clock::now() >= deadline {
            bail!("nobody took the address over from {before} within {patience:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    takeover(cluster, probe, from, patience).await
}

/// What it came to when it has come to rest.
async fn takeover(cluster: &Cluster, probe: &NeighborProbe, from: Instant, patience: Duration) -> Result<Takeover> {
    let owner = settled(cluster.topology(), probe, Duration::from_millis(500), patience).await?;
    let record = probe.record();
    // The silence began with the last answer before the fault.
    let begin = record.last_answer(from).map_or(from, |answer| answer.at);
    let gap = record.longest_silence(begin, clock::now());
    Ok(Takeover { owner, gap, two_owners: record.two_owners(from) })
}
